import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runSearch } from "../../../../src/calls/search/run.ts";
import { searchOptions } from "../../../../src/calls/search/options.ts";
import { searchFiles, searchPatterns } from "../../../../src/calls/search/search.ts";
import type { SearchTools } from "../../../../src/calls/search/types.ts";
import type { Selectable } from "../../../../src/workspace/types.ts";
import { openWorkspace } from "../../../../src/workspace/workspace.ts";
import { failureOf, tempTree } from "../../workspace/temp-tree.ts";

const toolsFor = async (cwd: string): Promise<SearchTools> => ({
  workspace: await openWorkspace({ cwd, workspaceDirs: ["."] }),
  maxWorkers: 2,
});

describe("patterns", () => {
  it.each(["--pre=x", "-f/etc/passwd", "@x", "--files", "-", "--", "-e"])("%s is only text to find", async (pattern) => {
    const tools = await toolsFor(tempTree({ "a.txt": `before ${pattern} after`, "b.txt": "root:x:0:0" }));
    const { matches } = await searchPatterns([pattern], null, { fixed_strings: true, max_matches: 1 }, tools);
    expect(matches.map((each) => [each.file, each.match])).toEqual([["a.txt", pattern]]);
  });

  it.each([
    ["(", null, 'the pattern "(" was refused: regex parse error: unclosed group'],
    ["a{99999}{99999}", null, /^the pattern "a\{99999\}\{99999\}" was refused: .+/u],
    [
      "(?=x)",
      null,
      'the pattern "(?=x)" was refused: regex parse error: look-around, including look-ahead and look-behind, is not supported',
    ],
    ["a\\nb", null, 'the pattern "a\\\\nb" was refused: the literal "\\n" is not allowed in a regex'],
    [
      "a\nb",
      null,
      'the pattern "a\\nb" was refused: it has a line break, and lines are searched one by one; {multiline: true} searches across them',
    ],
    ["a\0b", null, 'the pattern "a\\u0000b" was refused: it has a NUL character; \\x00 stands for one'],
    ["\uD800", null, 'the pattern "\\ud800" was refused: it has half a character (a lone surrogate), which no file has'],
    ["x", { glob: "{a" }, /^ripgrep refused the glob "\{a": /u],
    ["x", { type: "nope" }, 'ripgrep refused the file type "nope": unrecognized file type: nope'],
    ["x", { encoding: "nope" }, /^ripgrep refused the encoding "nope": .*unknown encoding: nope/u],
  ])("that ripgrep cannot take are named: %j %j", async (pattern, options, message) => {
    for (const tree of [tempTree({ "a.txt": "x" }), tempTree()]) {
      const failure = await failureOf(searchPatterns(["x", pattern], null, options, await toolsFor(tree)));
      expect(failure.code).toBe("E_BAD_PATTERN");
      if (typeof message === "string") expect(failure.message).toBe(`${message} (E_BAD_PATTERN)`);
      else expect(failure.message).toMatch(message);
    }
  });

  it.each([
    ["x", "patterns must be an array of strings, not string"],
    [[1], "patterns[0] must be a string, not number"],
    [["x", null], "patterns[1] must be a string, not null"],
    [["x".repeat(70_000)], "patterns[0] has 70000 bytes, a pattern has at most 65536"],
    [Array.from({ length: 1001 }, () => "x"), "1001 patterns are over 1000, the most of one call"],
  ])("of the wrong kind: %#", async (patterns, message) => {
    expect(await failureOf(searchPatterns(patterns, null, null, await toolsFor(tempTree())))).toEqual({
      code: "E_BAD_ARGUMENT",
      message: `${message} (E_BAD_ARGUMENT)`,
    });
  });

  it("none at all find nothing", async () => {
    expect(await searchPatterns([], null, null, await toolsFor(tempTree({ "a.txt": "x" })))).toEqual({ matches: [], truncated: 0 });
  });

  it("that make JavaScript run for ever are linear here", async () => {
    const tools = await toolsFor(tempTree({ "a.txt": `${"x".repeat(50_000)}z` }));
    expect((await searchPatterns(["(x+x+)+y"], null, null, tools)).matches).toEqual([]);
  });

  it("may ask for a NUL byte that is past the head of a file", async () => {
    const tools = await toolsFor(tempTree({ "a.txt": `${"line\n".repeat(4_000)}a\0b needle\n` }));
    expect((await searchPatterns(["\\x00", "needle"], null, null, tools)).matches.map((each) => [each.line, each.column])).toEqual([
      [4001, 2],
      [4001, 5],
    ]);
  });
});

describe("the surroundings", () => {
  const { RIPGREP_CONFIG_PATH } = process.env;
  afterEach(() => {
    if (RIPGREP_CONFIG_PATH === undefined) delete process.env["RIPGREP_CONFIG_PATH"];
    else process.env["RIPGREP_CONFIG_PATH"] = RIPGREP_CONFIG_PATH;
  });

  it("cannot make ripgrep run a program", async () => {
    const cwd = tempTree({ "w/a.txt": "x" });
    const program = path.join(cwd, "program");
    writeFileSync(program, `#!/bin/sh\ntouch ${cwd}/executed\n`);
    chmodSync(program, 0o755);
    writeFileSync(path.join(cwd, "config"), `--pre=${program}\n`);
    process.env["RIPGREP_CONFIG_PATH"] = path.join(cwd, "config");
    const tools = { workspace: await openWorkspace({ cwd, workspaceDirs: ["w"] }), maxWorkers: 2 };
    expect(await searchFiles("x", null, null, tools)).toEqual(["a.txt"]);
    expect(await searchFiles(`--pre=${program}`, null, null, tools)).toEqual([]);
    expect(existsSync(path.join(cwd, "executed"))).toBe(false);
  });

  it("may have more files than a command line takes", async () => {
    const cwd = tempTree();
    const folder = path.join(cwd, "f".repeat(200));
    mkdirSync(folder);
    for (let file = 0; file < 9_000; file++) writeFileSync(path.join(folder, `${"n".repeat(100)}${file}.txt`), "x");
    const tools = await toolsFor(cwd);
    expect(await searchFiles("x", null, null, tools)).toHaveLength(9_000);
    expect(await searchPatterns(["x"], null, { max_matches: 10 }, tools)).toMatchObject({ truncated: 8_990 });
  });
});

/** Process ids of running ripgreps that this process started (zombies are gone as far as anyone cares). */
function ripgrepsOfOurs(): string[] {
  const own = spawnSync("ps", ["-o", "pid=,stat=,comm=", "--ppid", String(process.pid)], { encoding: "utf8" });
  return own.stdout.split("\n").filter((line) => /^\s*\d+ [^Z]\S* +rg$/u.test(line));
}

describe("a search that is stopped", () => {
  const endless: Selectable = {
    select: (_, signal) => new Promise((__, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
  };

  it("is cancelled with its cell, and its processes end", async () => {
    const cwd = tempTree({ "a.txt": "x y\n".repeat(3_000_000) });
    const controller = new AbortController();
    const tools = { ...(await toolsFor(cwd)), signal: controller.signal };
    const started = performance.now();
    const failure = failureOf(searchPatterns(["x", "y", " "], null, { max_matches: 1_000_000 }, tools));
    await expect.poll(ripgrepsOfOurs, { timeout: 5_000, interval: 5 }).not.toEqual([]);
    controller.abort();
    expect(await failure).toEqual({ code: "E_CANCELLED", message: "the search was cancelled (E_CANCELLED)" });
    expect(performance.now() - started).toBeLessThan(5_000);
    await expect.poll(ripgrepsOfOurs, { timeout: 5_000 }).toEqual([]);
    expect(await failureOf(searchPatterns(["x"], null, null, tools))).toMatchObject({ code: "E_CANCELLED" });
  });

  it("ends at its deadline", async () => {
    const search = {
      patterns: [["x"]],
      paths: null,
      settings: searchOptions(null),
      tools: { workspace: endless, maxWorkers: 1 },
      output: [],
      deadlineMs: 50,
    };
    const reader = { onData: () => undefined, onEnd: () => undefined };
    expect(await failureOf(runSearch(search, () => reader))).toEqual({
      code: "E_TIMEOUT",
      message: "the search took longer than 0.05 s: search fewer files or simpler patterns (E_TIMEOUT)",
    });
  });
});

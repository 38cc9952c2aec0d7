import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rgPath } from "@vscode/ripgrep";
import { describe, expect, it } from "vitest";
import { searchCount, searchFiles, searchPatterns } from "../../../../src/calls/search/search.ts";
import type { RgMatch, SearchTools } from "../../../../src/calls/search/types.ts";
import { openContexts } from "../../../../src/workspace/contexts.ts";
import { openWorkspace } from "../../../../src/workspace/workspace.ts";
import { failureOf, makeFifo, tempTree } from "../../workspace/temp-tree.ts";

type Tree = Readonly<Record<string, string | Uint8Array>>;

async function toolsFor(cwd: string, more: Partial<SearchTools> = {}): Promise<SearchTools> {
  return { workspace: await openWorkspace({ cwd, workspaceDirs: ["."] }), maxWorkers: 4, ...more };
}

async function search(
  tree: Tree,
  patterns: readonly string[],
  options?: unknown,
  paths?: unknown,
): Promise<{ matches: RgMatch[]; truncated: number }> {
  return searchPatterns(patterns, paths, options, await toolsFor(tempTree(tree)));
}

const brief = (matches: readonly RgMatch[]): string[] =>
  matches.map((each) => `${each.file}:${each.line}:${each.column}:${each.pattern}:${each.match}`);

describe("matches", () => {
  it("are every occurrence of every pattern, by file, line, column, pattern", async () => {
    const { matches, truncated } = await search({ "b.txt": "foo bar foo\nbar\n", "a.txt": "x\nbarfoo" }, ["foo", "bar", "fo+|bar"]);
    expect(brief(matches)).toEqual([
      "a.txt:2:1:1:bar",
      "a.txt:2:1:2:bar",
      "a.txt:2:4:0:foo",
      "a.txt:2:4:2:foo",
      "b.txt:1:1:0:foo",
      "b.txt:1:1:2:foo",
      "b.txt:1:5:1:bar",
      "b.txt:1:5:2:bar",
      "b.txt:1:9:0:foo",
      "b.txt:1:9:2:foo",
      "b.txt:2:1:1:bar",
      "b.txt:2:1:2:bar",
    ]);
    expect(matches[0]).toEqual({ file: "a.txt", line: 2, column: 1, text: "barfoo", match: "bar", pattern: 1 });
    expect(truncated).toBe(0);
  });

  it("have columns in UTF-16 units", async () => {
    const { matches } = await search({ "a.txt": "ä€😀needle 😀needle\n" }, ["needle", "😀"]);
    expect(brief(matches)).toEqual(["a.txt:1:3:1:😀", "a.txt:1:5:0:needle", "a.txt:1:12:1:😀", "a.txt:1:14:0:needle"]);
    for (const each of matches) expect(each.text.slice(each.column - 1).startsWith(each.match)).toBe(true);
  });

  it("have the line without its end, and match as ripgrep does where it ends in CRLF", async () => {
    const { matches } = await search({ "a.txt": "one needle\r\nneedle\r\nlone\rneedle" }, ["needle", "needle$"]);
    expect(matches.map((each) => [each.line, each.text, each.pattern])).toEqual([
      [1, "one needle", 0],
      [2, "needle", 0],
      [3, "lone\rneedle", 0],
      [3, "lone\rneedle", 1],
    ]);
  });

  it("show invalid UTF-8 as U+FFFD, and leave a byte order mark out", async () => {
    const { matches } = await search({ "a.txt": Buffer.from("\xff\xfaneedle\n", "latin1"), "b.txt": "\uFEFFneedle" }, ["needle"]);
    expect(matches.map((each) => [each.text, each.column])).toEqual([
      ["\uFFFD\uFFFDneedle", 3],
      ["needle", 1],
    ]);
  });

  it("of a 2 MB line come with 2,000 units around them", async () => {
    const line = `${"x".repeat(1_000_001)}needle${"😀".repeat(500_000)}needle`;
    const { matches } = await search({ "a.txt": `first\n${line}\n`, "b.txt": "y".repeat(2_000_000) }, ["needle", "y+"]);
    expect(matches.map((each) => [each.line, each.text.length, each.column, each.match.length])).toEqual([
      [2, 1999, 998, 6],
      [2, 2000, 1995, 6],
      [1, 2000, 1, 2000],
    ]);
    for (const each of matches) expect(each.text.slice(each.column - 1).startsWith(each.match)).toBe(true);
    for (const each of matches) expect(each.text.isWellFormed()).toBe(true);
  });

  it("of many in one long line are found in good time", async () => {
    const { matches, truncated } = await search({ "a.txt": "äb ".repeat(300_000) }, ["b"], { max_matches: 9_000 });
    expect([matches.length, truncated]).toEqual([9_000, 291_000]);
    expect(matches[1]).toMatchObject({ line: 1, column: 5 });
  });

  it("that are too much text are refused with what to do", async () => {
    const failure = await failureOf(search({ "a.txt": "äb ".repeat(300_000) }, ["b"], { max_matches: 20_000 }));
    expect(failure).toEqual({
      code: "E_TOO_LARGE",
      message: "20000 matches are over 32 MiB of text: lower max_matches or context_lines (E_TOO_LARGE)",
    });
  });

  it("may be empty, and may be over lines with multiline", async () => {
    expect(brief((await search({ "a.txt": "ab\n" }, ["x*"])).matches)).toEqual(["a.txt:1:1:0:", "a.txt:1:2:0:", "a.txt:1:3:0:"]);
    const { matches } = await search({ "a.txt": "zero\nä one\r\ntwo one\ntwo\nthree" }, ["one\\r?\ntwo"], { multiline: true });
    expect(matches).toEqual([
      { file: "a.txt", line: 2, column: 3, text: "ä one", match: "one\r\ntwo", pattern: 0 },
      { file: "a.txt", line: 3, column: 5, text: "two one", match: "one\ntwo", pattern: 0 },
    ]);
  });

  it("come with the lines around them on request", async () => {
    const tree = { "a.txt": "1\n2 x\n3\n4 x\n5\n6\n7\n8 x" };
    const { matches } = await search(tree, ["x"], { context_lines: 2 });
    expect(matches.map(({ before, after }) => [before, after])).toEqual([
      [["1"], ["3", "4 x"]],
      [
        ["2 x", "3"],
        ["5", "6"],
      ],
      [["6", "7"], []],
    ]);
    const capped = await search(tree, ["x"], { context_lines: 2, max_matches: 1 });
    expect(capped).toMatchObject({ matches: [{ before: ["1"], after: ["3", "4 x"] }], truncated: 2 });
    expect((await search(tree, ["x"])).matches[0]).not.toHaveProperty("before");
  });

  it("past max_matches are counted: 10⁶ of them", async () => {
    const tree = Object.fromEntries(["c", "a", "b", "d"].map((name) => [`${name}.txt`, "x x x x x\n".repeat(50_000)]));
    const { matches, truncated } = await search(tree, ["x", "nothing"]);
    expect([matches.length, truncated]).toEqual([10_000, 990_000]);
    expect(brief(matches.slice(-1))).toEqual(["a.txt:2000:9:0:x"]);
    const few = await search(tree, ["x", "x x"], { max_matches: 3 });
    expect(brief(few.matches)).toEqual(["a.txt:1:1:0:x", "a.txt:1:1:1:x x", "a.txt:1:3:0:x"]);
    expect(few.truncated).toBe(1_000_000 + 400_000 - 3);
  });

  it("are the first ones in order also when files are many and kept ones are few", async () => {
    const tree = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`f${String(index).padStart(3, "0")}.txt`, "x\n".repeat(20)]),
    );
    const { matches, truncated } = await search(tree, ["x"], { max_matches: 45 });
    expect(truncated).toBe(8_000 - 45);
    expect(brief(matches)).toEqual(Array.from({ length: 45 }, (_, index) => `f00${Math.floor(index / 20)}.txt:${(index % 20) + 1}:1:0:x`));
  });

  it("are what ripgrep itself finds", async () => {
    const root = path.resolve("node_modules/acorn");
    const patterns = ["function\\s+\\w+", "this\\.", "[A-Z]{3,}", "é|—", "$"];
    const { matches } = await searchPatterns(patterns, null, { max_matches: 1_000_000 }, await toolsFor(root));
    const counts = patterns.map((pattern) => {
      const own = spawnSync(rgPath, ["--no-config", "--no-ignore", "--hidden", "--count-matches", "--no-filename", "-e", pattern, "."], {
        cwd: root,
        encoding: "utf8",
      });
      return own.stdout.split("\n").reduce((sum, line) => sum + Number(line), 0);
    });
    expect(counts.every((count) => count > 0)).toBe(true);
    expect(patterns.map((_, index) => matches.filter((each) => each.pattern === index).length)).toEqual(counts);
  });
});

describe("options", () => {
  const tree = {
    "a.ts": "Needle needles",
    "src/b.ts": "needle",
    "src/c.md": "needle",
    ".hidden/d.ts": "needle",
    "e.latin": Buffer.from("caf\xe9", "latin1"),
  };
  const files = async (pattern: string, options: unknown): Promise<string[]> =>
    searchFiles(pattern, null, options, await toolsFor(tempTree(tree)));

  it.each([
    ["needle", {}, [".hidden/d.ts", "a.ts", "src/b.ts", "src/c.md"]],
    ["needle", { glob: "src/*" }, ["src/b.ts", "src/c.md"]],
    ["needle", { glob: ["*.ts", "!.hidden"] }, ["a.ts", "src/b.ts"]],
    ["needle", { type: "md" }, ["src/c.md"]],
    ["NEEDLE", { ignore_case: true, glob: "*.md" }, ["src/c.md"]],
    ["Needle", { smart_case: true }, ["a.ts"]],
    ["needle", { smart_case: true, word: true }, [".hidden/d.ts", "a.ts", "src/b.ts", "src/c.md"]],
    ["needle", { word: true, glob: "a.ts" }, []],
    ["n.edle", { fixed_strings: true }, []],
    ["café", { encoding: "latin1" }, ["e.latin"]],
    ["needle", 1, [".hidden/d.ts", "a.ts", "src/b.ts", "src/c.md"]],
    ["needle", null, [".hidden/d.ts", "a.ts", "src/b.ts", "src/c.md"]],
  ])("%s %j", async (pattern, options, expected) => {
    expect(await files(pattern, options)).toEqual(expected);
  });

  it("hidden and no_ignore lift what ripgrep leaves out of the current folder, and nothing else", async () => {
    const cwd = tempTree({
      ".git/HEAD": "x",
      ".git/config": "x",
      ".gitignore": "out\n",
      "out/a": "x",
      ".h/b": "x",
      ".env": "x",
      "c.bin": Buffer.from("x\0"),
      "d.txt": "x",
    });
    const tools = { workspace: await openWorkspace({ cwd }), maxWorkers: 2 };
    expect(await searchFiles("x", null, {}, tools)).toEqual(["d.txt"]);
    expect(await searchFiles("x", null, { hidden: true }, tools)).toEqual([".h/b", "d.txt"]);
    expect(await searchFiles("x", null, { hidden: true, no_ignore: true }, tools)).toEqual([".h/b", "d.txt", "out/a"]);
    expect(await searchFiles("x", ["out"], {}, tools)).toEqual(["out/a"]);
  });

  it.each([
    [{ max_matches: 0 }, "max_matches 0 is not a whole number from 1 to 1000000"],
    [{ max_matches: "5" }, "max_matches must be a number, not string"],
    [{ ignore_case: 1 }, "ignore_case must be true or false, not number"],
    [{ glob: 5 }, "glob must be a string, not number"],
    [{ glob: [null] }, "glob must be a string, not null"],
    [{ type: "-x" }, 'type "-x" is not a name'],
    [{ encoding: "--pre=x" }, 'encoding "--pre=x" is not a name'],
    [{ context_lines: 1000 }, "context_lines 1000 is not a whole number from 0 to 100"],
    [0, "max_workers 0 is not a whole number from 1 to 1024"],
    ["fast", "options must be an object or a number of workers, not string"],
    [{ ignoreCase: true }, expect.stringContaining('there is no option "ignoreCase"; there are glob, type,')],
  ])("that do not fit: %j", async (options, message) => {
    const failure = await failureOf(files("x", options));
    expect(failure).toEqual({ code: "E_BAD_ARGUMENT", message: typeof message === "string" ? `${message} (E_BAD_ARGUMENT)` : message });
  });
});

describe("paths", () => {
  it("are files, folders and globs of the workspace", async () => {
    const tools = await toolsFor(tempTree({ "a.txt": "x", "s/b.txt": "x", "s/t/c.md": "x", "{x}.txt": "x" }));
    const files = (paths: unknown): Promise<string[]> => searchFiles("x", paths, null, tools);
    expect(await files("s")).toEqual(["s/b.txt", "s/t/c.md"]);
    expect(await files(["s/t", "a.txt", "./a.txt"])).toEqual(["a.txt", "s/t/c.md"]);
    expect(await files("s/**/*.md")).toEqual(["s/t/c.md"]);
    expect(await files("{x}.txt")).toEqual(["{x}.txt"]);
    expect(await files(".")).toEqual(["a.txt", "s/b.txt", "s/t/c.md", "{x}.txt"]);
    expect(await files([])).toEqual([]);
    expect(await files("*.py")).toEqual([]);
  });

  it("that lead out, hang or are denied are errors, whatever they look like", async () => {
    const cwd = tempTree({ "in/a.txt": "x", "in/--pre": "x", "out.txt": "x", "in/.env": "x", "in/b.bin": Buffer.from([0x78, 0]) });
    makeFifo(path.join(cwd, "in/fifo"));
    for (const [name, target] of [
      ["out", "../out.txt"],
      ["zero", "/dev/zero"],
      ["etc", "/etc"],
      ["key", ".env"],
    ] as const)
      symlinkSync(target, path.join(cwd, "in", name));
    const tools = { workspace: await openWorkspace({ cwd, workspaceDirs: ["in"] }), maxWorkers: 2 };
    const table = await Promise.all(
      ["../out.txt", "/etc/passwd", "out", "zero", "etc", "etc/passwd", "../*.txt", ".env", "key", "fifo", "b.bin", "nothing", "a\0b"].map(
        async (each) => {
          const { code, message } = await failureOf(searchFiles("x", each, { hidden: true, no_ignore: true }, tools));
          expect(message).not.toContain(cwd);
          return `${JSON.stringify(each)} ${String(code)}`;
        },
      ),
    );
    expect(table).toMatchInlineSnapshot(`
      [
        ""../out.txt" E_OUTSIDE_WORKSPACE",
        ""/etc/passwd" E_OUTSIDE_WORKSPACE",
        ""out" E_OUTSIDE_WORKSPACE",
        ""zero" E_OUTSIDE_WORKSPACE",
        ""etc" E_OUTSIDE_WORKSPACE",
        ""etc/passwd" E_OUTSIDE_WORKSPACE",
        ""../*.txt" E_OUTSIDE_WORKSPACE",
        "".env" E_DENIED",
        ""key" E_DENIED",
        ""fifo" E_BAD_ARGUMENT",
        ""b.bin" E_BAD_ARGUMENT",
        ""nothing" E_NOT_FOUND",
        ""a\\u0000b" E_BAD_ARGUMENT",
      ]
    `);
    expect(await searchFiles("x", null, { hidden: true, no_ignore: true }, tools)).toEqual(["--pre", "a.txt"]);
    expect(await searchFiles("x", "--pre", null, tools)).toEqual(["--pre"]);
  });
});

describe("without paths", () => {
  it("a text context is searched under the name context", async () => {
    const cwd = tempTree({ "a.log": "one\nneedle\n", "b.json": '{"needle": 1}' });
    for (const [name, line] of [
      ["a.log", 2],
      ["b.json", 1],
    ] as const) {
      const tools = await toolsFor(cwd, { contexts: await openContexts([name], { cwd }) });
      expect((await searchPatterns(["needle"], null, null, tools)).matches.map((each) => [each.file, each.line])).toEqual([
        ["context", line],
      ]);
      expect(await searchCount("needle", null, null, tools)).toEqual({ context: 1 });
      expect(await searchFiles("needle", undefined, null, tools)).toEqual(["context"]);
      expect(await searchFiles("needle", ["a.log"], null, tools)).toEqual(["a.log"]);
    }
  });

  it("a context without a file is streamed", async () => {
    const cwd = tempTree({ "a.log": "needle\n".repeat(400_000) });
    const [source] = await openContexts(["a.log"], { cwd });
    if (source === undefined || source.kind === "corpus") throw new Error("no text");
    const { file: _, ...streamed } = source;
    const tools = await toolsFor(cwd, { contexts: [streamed] });
    expect(await searchCount("needle", null, null, tools)).toEqual({ context: 400_000 });
    expect(await searchFiles("needle", null, null, tools)).toEqual(["context"]);
  });

  it("the last context counts, and only its files", async () => {
    const cwd = tempTree({ "one/a.txt": "x", "two/b.txt": "x", "two/c.md": "x" });
    const tools = await toolsFor(cwd, { contexts: await openContexts(["one", "two"], { cwd }) });
    expect(await searchFiles("x", null, null, tools)).toEqual(["b.txt", "c.md"]);
    expect(await searchFiles("x", null, { glob: "*.md" }, tools)).toEqual(["c.md"]);
    writeFileSync(path.join(cwd, "two/new.txt"), "x");
    expect(await searchFiles("x", null, null, tools)).toEqual(["b.txt", "c.md"]);
  });

  it("a context that changed is not silently another", async () => {
    const cwd = tempTree({ "d/a.txt": "x", "t.txt": "x" });
    const folder = await toolsFor(cwd, { contexts: await openContexts(["d"], { cwd }) });
    const text = await toolsFor(cwd, { contexts: await openContexts(["t.txt"], { cwd }) });
    for (const name of ["d/a.txt", "t.txt"]) writeFileSync(path.join(cwd, name), "x and more");
    for (const [tools, name] of [
      [folder, "a.txt"],
      [text, "t.txt"],
    ] as const) {
      expect(await failureOf(searchFiles("x", null, null, tools))).toMatchObject({
        code: "E_CONTEXT_CHANGED",
        message: expect.stringMatching(new RegExp(`^${name} changed`, "u")),
      });
    }
  });
});

describe("counts", () => {
  it("are of occurrences, and sum up to the matches", async () => {
    const tools = await toolsFor(tempTree({ "b.txt": "x x\nx", "a.txt": "y\nx", "c.txt": "y", ["__proto__"]: "x" }));
    const counts = await searchCount("x", null, null, tools);
    expect(Object.entries(counts)).toEqual([
      ["__proto__", 1],
      ["a.txt", 1],
      ["b.txt", 3],
    ]);
    expect((await searchPatterns(["x"], null, null, tools)).matches).toHaveLength(5);
  });
});

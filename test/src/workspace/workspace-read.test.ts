import { closeSync, ftruncateSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openWorkspace } from "../../../src/workspace/workspace.ts";
import { failureOf, makeFifo, tempTree, withoutPrivileges } from "./temp-tree.ts";

const GiB = 1024 ** 3;

describe("read", () => {
  it.each([
    ["the whole file", undefined, "one\ntwo\r\nthree\nfour"],
    ["null", null, "one\ntwo\r\nthree\nfour"],
    ["lines, both inclusive", { start_line: 2, end_line: 3 }, "two\r\nthree"],
    ["a last line without its line end", { start_line: 1, end_line: 2 }, "one\ntwo"],
    ["one line", { start_line: 3, end_line: 3 }, "three"],
    ["from a line on", { start_line: 3 }, "three\nfour"],
    ["up to a line", { end_line: 1 }, "one"],
    ["past the end", { start_line: 4, end_line: 99 }, "four"],
    ["beyond it", { start_line: 5 }, ""],
  ])("%s", async (_, range, expected) => {
    const cwd = tempTree({ "a.txt": "one\ntwo\r\nthree\nfour" });
    const workspace = await openWorkspace({ cwd });
    expect(await workspace.read("a.txt", range)).toBe(expected);
  });

  it("reads lines over chunk borders as split does", async () => {
    const lines = Array.from({ length: 60_000 }, (_, index) => `${index} ${"x".repeat(index % 37)}`);
    const cwd = tempTree({ "a.txt": lines.join("\n") });
    const workspace = await openWorkspace({ cwd });
    for (const [start_line, end_line] of [
      [1, 60_000],
      [20_000, 40_000],
      [59_999, 60_000],
      [17, 17],
    ] as const) {
      const text = await workspace.read("a.txt", { start_line, end_line });
      // Compared as a whole: a diff of 60,000 lines helps nobody.
      expect(text === lines.slice(start_line - 1, end_line).join("\n"), `lines ${start_line} to ${end_line}`).toBe(true);
    }
  });

  it("decodes invalid UTF-8 as U+FFFD and leaves a byte order mark out", async () => {
    const cwd = tempTree({ "a.txt": Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82]) });
    expect(await (await openWorkspace({ cwd })).read("a.txt")).toBe("a\uFFFDé\uFFFD");
  });

  it("takes paths relative to the root, dotted, and absolute below it", async () => {
    const cwd = tempTree({ "logs/deep/a.log": "here" });
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["logs"] });
    const absolute = path.join(cwd, "logs/deep/a.log");
    for (const each of ["deep/a.log", "./deep/../deep/a.log", "../logs/deep/a.log", absolute])
      expect(await workspace.read(each)).toBe("here");
  });

  it("reads a slice of a 10 GB sparse file, and says how to ask for less of it", async () => {
    const cwd = tempTree();
    const file = openSync(path.join(cwd, "big.log"), "w");
    writeSync(file, "first\nsecond\n");
    ftruncateSync(file, 10 * GiB);
    closeSync(file);
    const workspace = await openWorkspace({ cwd });
    expect(await workspace.read("big.log", { start_line: 1, end_line: 2 })).toBe("first\nsecond");
    expect((await failureOf(workspace.read("big.log"))).message).toMatchInlineSnapshot(
      `"big.log has 11 GB; one read gives at most 32 MiB: ask for fewer lines with {start_line, end_line}, or go through it in pieces with a Corpus's chunks() (E_TOO_LARGE)"`,
    );
    expect(await failureOf(workspace.read("big.log", { start_line: 3, end_line: 4 }))).toMatchObject({ code: "E_TOO_LARGE" });
  });
});

describe("what no cell reads", () => {
  it("paths outside, whether they exist or not", async () => {
    const cwd = tempTree({ "logs/a.log": "a", "secret.txt": "s", "logs2/b.log": "b" });
    symlinkSync("/etc", path.join(cwd, "logs/etc"));
    symlinkSync("../secret.txt", path.join(cwd, "logs/link.txt"));
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["./logs"] });
    for (const each of [
      "../secret.txt",
      "../nothing",
      "/etc/passwd",
      "/proc/self/environ",
      "etc/passwd",
      "etc/nothing-there",
      "link.txt",
      "../logs2/b.log",
      `${cwd}/secret.txt`,
    ]) {
      expect(await failureOf(workspace.read(each))).toEqual({
        code: "E_OUTSIDE_WORKSPACE",
        message: `${each} is outside ./logs; start with --workspace DIR to allow more (E_OUTSIDE_WORKSPACE)`,
      });
    }
  });

  it("only the files of a file or glob context", async () => {
    const cwd = tempTree({ "logs/a.log": "a", "logs/b.log": "b", "logs/c.txt": "c" });
    const workspace = await openWorkspace({ cwd, contextPaths: ["logs/*.log"] });
    expect(await workspace.read("a.log")).toBe("a");
    expect(await failureOf(workspace.read("c.txt"))).toMatchObject({ code: "E_OUTSIDE_WORKSPACE" });
    expect(await workspace.list()).toEqual([
      { path: "a.log", size: 1 },
      { path: "b.log", size: 1 },
    ]);
  });

  it("nothing at all when standard input is the only context", async () => {
    const workspace = await openWorkspace({ cwd: tempTree({ "a.txt": "a" }), contextPaths: ["-"] });
    expect((await failureOf(workspace.read("a.txt"))).message).toContain("outside the workspace, which is empty");
    expect(await workspace.list()).toEqual([]);
  });

  it("links inside the workspace lead to what is inside it", async () => {
    const cwd = tempTree({ "a/real.txt": "r", ".env": "KEY=1" });
    symlinkSync("a", path.join(cwd, "b"));
    symlinkSync(".env", path.join(cwd, "harmless.txt"));
    const workspace = await openWorkspace({ cwd });
    expect(await workspace.read("b/real.txt")).toBe("r");
    expect(await failureOf(workspace.read("harmless.txt"))).toMatchObject({ code: "E_DENIED" });
  });

  it.each([
    ".env",
    ".env.local",
    "id_rsa",
    "keys/server.pem",
    "tls.KEY",
    ".npmrc",
    ".netrc",
    ".aws/credentials",
    ".ssh/config",
    ".docker/config.json",
    ".git/config",
    ".config/gh/hosts.yml",
  ])("%s", async (name) => {
    const cwd = tempTree({ [name]: "secret", "config.json": "{}", config: "x", "id_rsa.pub": "public" });
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["."] });
    expect(await failureOf(workspace.read(name))).toEqual({
      code: "E_DENIED",
      message: `${name} is on the deny list (credentials and keys): no cell may read it (E_DENIED)`,
    });
    expect((await workspace.list()).map((file) => file.path)).toEqual(["config", "config.json", "id_rsa.pub"]);
  });

  it("fifos, devices, folders and links to them, at once", async () => {
    const cwd = tempTree({ "folder/a.txt": "a" });
    makeFifo(path.join(cwd, "fifo"));
    symlinkSync("/dev/zero", path.join(cwd, "zero"));
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["."] });
    expect((await failureOf(workspace.read("fifo"))).message).toBe("fifo is a fifo, not a regular file (E_BAD_ARGUMENT)");
    expect((await failureOf(workspace.read("folder"))).message).toBe(
      'folder is a folder, not a file; list_files("folder/**") lists it (E_BAD_ARGUMENT)',
    );
    expect(await failureOf(workspace.read("zero"))).toMatchObject({ code: "E_OUTSIDE_WORKSPACE" });
    expect((await workspace.list()).map((file) => file.path)).toEqual(["folder/a.txt"]);
  });

  it("/proc, /sys and /dev, even when the whole machine is the workspace", async () => {
    const workspace = await openWorkspace({ cwd: "/", workspaceDirs: ["/"] });
    for (const each of ["proc/self/environ", "/proc/self/environ", "dev/zero"])
      expect(await failureOf(workspace.read(each))).toMatchObject({ code: "E_DENIED" });
  });

  it("a file that is swapped for a link out while it is read", async () => {
    const cwd = tempTree({ "in/a.txt": "inside", "out.txt": "not for cells" });
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["in"] });
    const target = path.join(cwd, "in/a.txt");
    const swap = (round: number): void => {
      const next = path.join(cwd, "next");
      rmSync(next, { force: true });
      if (round % 2 === 0) symlinkSync(path.join(cwd, "out.txt"), next);
      else writeFileSync(next, "inside");
      renameSync(next, target);
    };
    let read = 0;
    const state = { done: false };
    const swapper = (async () => {
      for (let round = 0; !state.done; round++) {
        swap(round);
        // Sometimes at once, sometimes long enough for a whole read.
        await new Promise((resolve) => setTimeout(resolve, round % 5));
      }
    })();
    for (let round = 0; round < 1_000; round++) {
      const text = await workspace.read("a.txt").catch((error: unknown) => String(error));
      expect(text).not.toContain("not for cells");
      if (text === "inside") read++;
    }
    state.done = true;
    await swapper;
    expect(read).toBeGreaterThan(0);
  });
});

describe("errors", () => {
  it("name what was probably meant", async () => {
    const workspace = await openWorkspace({ cwd: tempTree({ "src/index.ts": "", "lib/index.ts": "", "lib/server.ts": "" }) });
    expect((await failureOf(workspace.read("index.ts"))).message).toBe(
      "index.ts does not exist; near it: lib/index.ts, src/index.ts (E_NOT_FOUND)",
    );
    expect((await failureOf(workspace.read("lib/sever.ts"))).message).toBe(
      "lib/sever.ts does not exist; near it: lib/server.ts (E_NOT_FOUND)",
    );
    expect((await failureOf(workspace.read("qqq"))).message).toBe("qqq does not exist; list_files() tells what is there (E_NOT_FOUND)");
  });

  it("say no permission without a path of the machine", async () => {
    const cwd = tempTree({ "a.txt": "a" });
    const workspace = await openWorkspace({ cwd });
    const { chmodSync } = await import("node:fs");
    chmodSync(path.join(cwd, "a.txt"), 0);
    const failure = await withoutPrivileges(() => failureOf(workspace.read("a.txt")));
    expect(failure).toEqual({ code: "E_NOT_FOUND", message: "a.txt cannot be read (permission denied) (E_NOT_FOUND)" });
  });

  it.each([
    ["", undefined, 'path is empty: "." is the root of the workspace'],
    [7, undefined, "path must be a string, not number"],
    ["a\0b", undefined, 'path "a\\u0000b" has a NUL character'],
    ["x".repeat(5000), undefined, "path has 5000 characters, a path has at most 4096"],
    ["a.txt", { start_line: 0 }, "start_line 0 is not a whole number ≥ 1"],
    ["a.txt", { start_line: "1" }, "start_line string is not a whole number ≥ 1"],
    ["a.txt", { start_line: 3, end_line: 2 }, "end_line 2 is before start_line 3: both count from 1 and are inclusive"],
    ["a.txt", { start: 3 }, 'range has no "start": it takes start_line and end_line'],
    ["a.txt", [1, 2], "range must be an object like {start_line: 1, end_line: 20}, not an array"],
  ])("of arguments: %j %j", async (name, range, message) => {
    const workspace = await openWorkspace({ cwd: tempTree({ "a.txt": "a" }) });
    expect(await failureOf(workspace.read(name, range))).toEqual({ code: "E_BAD_ARGUMENT", message: `${message} (E_BAD_ARGUMENT)` });
  });

  it("of a reading that is cancelled", async () => {
    const workspace = await openWorkspace({ cwd: tempTree({ "a.txt": "a" }) });
    expect(await failureOf(workspace.read("a.txt", null, AbortSignal.abort()))).toMatchObject({ code: "E_CANCELLED" });
  });
});

describe("readPiece", () => {
  it.each([10, 64, 1000])("cuts at line ends, and the pieces of %i units are the file", async (maxChars) => {
    const text = Array.from({ length: 200 }, (_, index) => `${"ä€😀x".repeat(index % 9)}${index}`).join("\n");
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xe2, 0x82, 0x0a, 0xf0, 0x9f])]);
    const workspace = await openWorkspace({ cwd: tempTree({ "a.txt": bytes }) });
    const pieces: string[] = [];
    let [offset, line]: [number | null, number] = [0, 1];
    while (offset !== null) {
      const piece = await workspace.readPiece("a.txt", { offset, line, maxChars });
      expect(piece.text.length).toBeLessThanOrEqual(maxChars);
      expect(piece.start_line).toBe(pieces.join("").split("\n").length);
      expect(await workspace.readPiece("a.txt", { offset, maxChars })).toEqual(piece);
      pieces.push(piece.text);
      [offset, line] = [piece.next_offset, piece.next_line ?? 0];
    }
    expect(pieces.join("")).toBe(new TextDecoder().decode(bytes));
    for (const piece of pieces.slice(0, -1)) if (!piece.endsWith("\n")) expect(piece).not.toContain("\n");
  });

  it("of an empty file, and past the end, is empty", async () => {
    const workspace = await openWorkspace({ cwd: tempTree({ "a.txt": "", "b.txt": "b" }) });
    expect(await workspace.readPiece("a.txt", { offset: 0, maxChars: 10 })).toEqual({
      text: "",
      start_line: 1,
      next_offset: null,
      next_line: null,
    });
    expect(await workspace.readPiece("b.txt", { offset: 9, line: 1, maxChars: 10 })).toMatchObject({ text: "", next_offset: null });
    expect(await failureOf(workspace.readPiece("b.txt", { offset: -1, maxChars: 10 }))).toMatchObject({ code: "E_BAD_ARGUMENT" });
    expect(await failureOf(workspace.readPiece("b.txt", { offset: 0, maxChars: 1 }))).toMatchObject({ code: "E_BAD_ARGUMENT" });
  });
});

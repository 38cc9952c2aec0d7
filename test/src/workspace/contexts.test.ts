import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openCombinedContext, openContexts } from "../../../src/workspace/contexts.ts";
import { describeFiles } from "../../../src/workspace/describe.ts";
import type { ContextSource, CorpusSource, TextSource } from "../../../src/workspace/types.ts";
import { failureOf, makeFifo, tempTree, withoutPrivileges } from "./temp-tree.ts";

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function open(written: string, cwd: string): Promise<ContextSource> {
  const [source] = await openContexts([written], { cwd });
  if (source === undefined) throw new Error("no source");
  return source;
}

function asText(source: ContextSource): TextSource {
  if (source.kind === "corpus") throw new Error(`${source.name} is a corpus`);
  return source;
}

function asCorpus(source: ContextSource): CorpusSource {
  if (source.kind !== "corpus") throw new Error(`${source.name} is a ${source.kind}`);
  return source;
}

async function textOf(source: ContextSource): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of asText(source).stream()) parts.push(part);
  return Buffer.concat(parts).toString();
}

const listed = (source: ContextSource): string[] => asCorpus(source).corpus.files.map((file) => file.path);

describe("openContexts", () => {
  it("opens a file as text, .json as json, .jsonl and .ndjson as jsonl, a folder and a glob as corpora", async () => {
    const cwd = tempTree({
      "a.log": "x",
      "b.JSON": "{}",
      "c.jsonl": "1",
      "d.ndjson": "1",
      "dir/e.ts": "e",
      "dir/.f": "f",
      "empty.txt": "",
    });
    const sources = await openContexts(["a.log", "b.JSON", "c.jsonl", "d.ndjson", "dir", "dir/*", "empty.txt", "dir/"], { cwd });
    expect(sources.map(({ kind, name, size }) => [kind, name, size])).toEqual([
      ["text", "a.log", 1],
      ["json", "b.JSON", 2],
      ["jsonl", "c.jsonl", 1],
      ["jsonl", "d.ndjson", 1],
      ["corpus", "dir", 2],
      ["corpus", "*", 1],
      ["text", "empty.txt", 0],
      ["corpus", "dir#2", 2],
    ]);
    expect(sources.flatMap((source) => source.notices)).toEqual([]);
  });

  it("identifies a text by the sha-256 of its bytes, and streams it in pieces, twice", async () => {
    const text = "héllo\n".repeat(500_000);
    const cwd = tempTree({ "a.log": text });
    const source = asText(await open("a.log", cwd));
    expect(source.identity).toBe(createHash("sha256").update(text).digest("hex"));
    expect(source.size).toBe(Buffer.byteLength(text));
    for (const _ of [1, 2]) expect((await textOf(source)) === text).toBe(true);
    for await (const piece of source.stream()) expect(piece.length).toBeLessThanOrEqual(1024 * 1024);
    expect(Buffer.from(await source.readAt(source.size - 6, 100)).toString()).toBe("éllo\n");
  });

  it("identifies a corpus by path, size and mtime of its files", async () => {
    const cwd = tempTree({ "d/a": "1", "d/b": "2" });
    const first = (await open("d", cwd)).identity;
    expect((await open("d", cwd)).identity).toBe(first);
    utimesSync(path.join(cwd, "d/a"), 1, 1);
    expect((await open("d", cwd)).identity).not.toBe(first);
  });

  it("follows a named link once", async () => {
    const cwd = tempTree({ "real/a.ts": "a" });
    symlinkSync("real", path.join(cwd, "link"));
    symlinkSync("real/a.ts", path.join(cwd, "file"));
    expect(listed(await open("link", cwd))).toEqual(["a.ts"]);
    expect(await textOf(await open("file", cwd))).toBe("a");
  });

  it("makes a text over 256 MiB a corpus of one file, and says so", async () => {
    const cwd = tempTree({ "big.log": "first\n".repeat(2_000) });
    const file = openSync(path.join(cwd, "big.log"), "r+");
    ftruncateSync(file, 257 * 1024 * 1024);
    closeSync(file);
    const source = asCorpus(await open("big.log", cwd));
    expect(source.notices).toEqual(["big.log has 269 MB, over 256 MiB: it is a Corpus of one file, read on demand"]);
    expect(await source.corpus.read("big.log", { start_line: 2, end_line: 2 })).toBe("first");
  });

  it("opens an empty folder as an empty corpus, and says so", async () => {
    const cwd = tempTree({ "d/logo.png": Buffer.from([0]) });
    mkdirSync(path.join(cwd, "none"));
    expect((await open("none", cwd)).notices).toEqual(["none has no text file: 0 files, 0 bytes"]);
    expect((await open("d", cwd)).notices).toEqual(["d has no text file: 0 files, 0 bytes (1 binary)"]);
  });

  it("counts what a glob finds in passing", async () => {
    const cwd = tempTree({
      "l/a.log": "a",
      "l/b.log": Buffer.from([0]),
      "l/.env.log": "K",
      "l/c/d.log": "d",
      "l/x.pem": "k",
      "out.log": "o",
    });
    symlinkSync("a.log", path.join(cwd, "l/in.log"));
    symlinkSync("../out.log", path.join(cwd, "l/out.log"));
    const source = asCorpus(await open("l/*", cwd));
    expect(listed(source)).toEqual(["a.log"]);
    expect(describeFiles(source.corpus)).toBe("1 file, 1 byte (1 binary; 1 denied)");
    expect(listed(await open("**/*.log", cwd))).toEqual(["l/a.log", "l/c/d.log", "out.log"]);
  });
});

describe("standard input", () => {
  it("is kept until it is closed, and read as often as needed", async () => {
    const cwd = tempTree();
    const [source] = await openContexts(["-"], { cwd, stdin: chunks("one\n", "two\n"), spoolFolder: cwd });
    if (source === undefined) throw new Error("no source");
    expect([source.kind, source.name, source.size]).toEqual(["text", "stdin", 8]);
    for (const _ of [1, 2]) expect(await textOf(source)).toBe("one\ntwo\n");
    const [folder = ""] = readdirSync(cwd);
    expect(statSync(path.join(cwd, folder)).mode & 0o077).toBe(0);
    await source.close?.();
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("is part of a combined corpus", async () => {
    const cwd = tempTree({ "a.ts": "a" });
    const source = asCorpus(await openCombinedContext(["a.ts", "-"], { cwd, stdin: chunks("in"), spoolFolder: cwd }));
    expect(listed(source)).toEqual(["a.ts", "stdin"]);
    expect(await source.corpus.read("stdin")).toBe("in");
    await source.close?.();
    expect(readdirSync(cwd)).toEqual(["a.ts"]);
  });

  it.each([
    ["that is not there", ["-"], null, "- reads standard input, and there is none: pipe something in, or name a file"],
    ["twice", ["-", "-"], "x", "standard input (-) can be given once only"],
    [
      "that is binary",
      ["-"],
      "a\0b",
      "stdin is binary (a NUL byte in its first 8 KiB), and a context is text: extract or convert its text first",
    ],
  ])("%s is refused", async (_, paths, input, message) => {
    const cwd = tempTree();
    const failure = await failureOf(openContexts(paths, { cwd, stdin: input === null ? null : chunks(input), spoolFolder: cwd }));
    expect(failure).toEqual({ code: "E_USAGE", message });
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("openCombinedContext", () => {
  it("makes one corpus of files, folders and globs, with paths as written below the current folder", async () => {
    const cwd = tempTree({ "src/a.ts": "a", "src/b.ts": "b", "docs/x.md": "x", "docs/y.txt": "y", "c.ts": "c" });
    const source = await openCombinedContext(["src", "docs/*.md", "./c.ts", "src/a.ts"], { cwd });
    expect(source.name).toBe("paths");
    expect(listed(source)).toEqual(["c.ts", "docs/x.md", "src/a.ts", "src/b.ts"]);
    expect(await asCorpus(source).corpus.read("docs/x.md")).toBe("x");
    expect(await failureOf(asCorpus(source).corpus.read("docs/y.txt"))).toMatchObject({ code: "E_OUTSIDE_WORKSPACE" });
  });

  it("uses what the paths have in common where one is outside", async () => {
    const cwd = tempTree({ "one/a.ts": "1", "two/a.ts": "2", "here/x": "" });
    expect(listed(await openCombinedContext(["../one", "../two/a.ts"], { cwd: path.join(cwd, "here") }))).toEqual(["one/a.ts", "two/a.ts"]);
  });

  it("opens a single path as it is", async () => {
    const source = await openCombinedContext(["a.txt"], { cwd: tempTree({ "a.txt": "a" }) });
    expect([source.kind, source.name]).toEqual(["text", "a.txt"]);
  });
});

describe("what cannot be a context", () => {
  it.each([
    ["logs/app.log", (cwd: string) => `no such context: logs/app.log (looked in ${cwd}). Is it a glob? Quote it: 'logs/*.log'`],
    ["logs/*.txt", (cwd: string) => `no file matches logs/*.txt (looked in ${cwd})`],
    ["lo*", (cwd: string) => `no file matches lo* (looked in ${cwd}): it matches 2 that are no file; 'lo*/**/*' takes what is below`],
    ["logo.png", () => "logo.png is binary (a NUL byte in its first 8 KiB), and a context is text: extract or convert its text first"],
    [".env", () => ".env is on the deny list (credentials and keys): nothing in it may reach a model"],
    ["innocent.txt", () => "innocent.txt is on the deny list (credentials and keys): nothing in it may reach a model"],
    ["fifo", () => "fifo is a fifo, not a file or folder; pipe it in: --context - < fifo"],
    ["", () => 'no such context: ""'],
  ])("%s", async (written, message) => {
    const cwd = tempTree({ "lox/a": "", "loy/a": "", "logo.png": Buffer.from([0x89, 0x50, 0]), ".env": "KEY=1" });
    rmSync(path.join(cwd, "lox/a"));
    makeFifo(path.join(cwd, "fifo"));
    symlinkSync(".env", path.join(cwd, "innocent.txt"));
    if (written === "lo*") rmSync(path.join(cwd, "logo.png"));
    expect(await failureOf(openContexts([written], { cwd }))).toEqual({ code: "E_USAGE", message: message(cwd) });
  });

  it.each(["folder", "file.txt"])("an unreadable %s", async (written) => {
    const cwd = tempTree({ "folder/a": "", "file.txt": "" });
    chmodSync(path.join(cwd, written), 0);
    const failure = await withoutPrivileges(() => failureOf(openContexts([written], { cwd })));
    expect(failure).toEqual({ code: "E_USAGE", message: `cannot read ${written} (permission denied)` });
  });
});

describe("a context that changed under the session", () => {
  const message = (name: string): string =>
    `${name} changed or vanished since the session opened it; start a new session to see it as it is now (E_CONTEXT_CHANGED)`;

  it.each([
    ["grew", (file: string) => appendFileSync(file, "more")],
    [
      "was rotated",
      (file: string) => {
        rmSync(file);
        writeFileSync(file, "hello");
      },
    ],
    ["vanished", (file: string) => rmSync(file)],
  ])("is named: it %s", async (_, change) => {
    const cwd = tempTree({ "a.log": "hello", "d/a.log": "hello", "d/b.log": "b" });
    const text = await open("a.log", cwd);
    const { corpus } = asCorpus(await open("d", cwd));
    for (const name of ["a.log", "d/a.log"]) {
      change(path.join(cwd, name));
      if (existsSync(path.join(cwd, name))) utimesSync(path.join(cwd, name), 5, 5);
    }
    expect(await failureOf(textOf(text))).toEqual({ code: "E_CONTEXT_CHANGED", message: message("a.log") });
    expect(await failureOf(corpus.read("a.log"))).toEqual({ code: "E_CONTEXT_CHANGED", message: message("a.log") });
    expect(await failureOf(corpus.readPiece("a.log", { offset: 0, maxChars: 9 }))).toEqual({
      code: "E_CONTEXT_CHANGED",
      message: message("a.log"),
    });
    const selection = { paths: null, globs: [], types: [], hidden: false, noIgnore: false };
    expect(await failureOf(corpus.select(selection))).toEqual({ code: "E_CONTEXT_CHANGED", message: message("a.log") });
  });

  it("does not take in what is new", async () => {
    const cwd = tempTree({ "d/a.log": "a" });
    const { corpus } = asCorpus(await open("d", cwd));
    writeFileSync(path.join(cwd, "d/new.log"), "n");
    expect(await corpus.read("./a.log")).toBe("a");
    expect(await corpus.read(path.join(cwd, "d/a.log"))).toBe("a");
    expect(await failureOf(corpus.read("new.log"))).toEqual({
      code: "E_NOT_FOUND",
      message: "new.log is none of the corpus's 1 files: it is binary, or newer than the session (E_NOT_FOUND)",
    });
    expect((await failureOf(corpus.read("b.log"))).message).toBe("b.log does not exist; near it: a.log (E_NOT_FOUND)");
  });
});

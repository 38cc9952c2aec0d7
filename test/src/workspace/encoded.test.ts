// Compressed and UTF-16 texts through every door: as a context, inside a corpus, by the workspace, in a search. And what is none of them.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { searchCount, searchFiles, searchPatterns } from "../../../src/calls/search/search.ts";
import { openCombinedContext, openContexts, type ContextOptions } from "../../../src/workspace/contexts.ts";
import { describeFiles } from "../../../src/workspace/describe.ts";
import { probeFacts } from "../../../src/workspace/facts.ts";
import { TextCopies } from "../../../src/workspace/text-copies.ts";
import type { ContextSource, CorpusSource } from "../../../src/workspace/types.ts";
import { openWorkspace } from "../../../src/workspace/workspace.ts";
import { failureOf, tempTree } from "./temp-tree.ts";

const TEXT = Array.from({ length: 30_000 }, (_, i) => `${i} ${i % 1000 === 0 ? "wörd 😀" : "plain"}`).join("\n");
const big = (text: string): Buffer => Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, "utf16le").swap16()]);
const little = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, "utf16le");
const half = TEXT.length / 2;

const STORED: readonly (readonly [string, Uint8Array])[] = [
  ["a.log.gz", gzipSync(TEXT)],
  ["members.log.GZ", Buffer.concat([gzipSync(TEXT.slice(0, half)), gzipSync(TEXT.slice(half))])],
  ["padded.log.gz", Buffer.concat([gzipSync(TEXT), Buffer.alloc(512)])],
  ["a.log.br", brotliCompressSync(TEXT, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ["a.log.zst", zstdCompressSync(TEXT)],
  [
    "frames.log.zst",
    Buffer.concat([0, 1, 2].map((i) => zstdCompressSync(TEXT.slice(i * 100_000, i === 2 ? undefined : (i + 1) * 100_000)))),
  ],
  ["little.log", little(TEXT)],
  ["big.log", big(TEXT)],
  ["little.log.gz", gzipSync(little(TEXT))],
  ["mark.log.gz", gzipSync(`\uFEFF${TEXT}`)],
];

async function open(written: string, options: ContextOptions): Promise<ContextSource> {
  const [source] = await openContexts([written], options);
  if (source === undefined) throw new Error("no source");
  onTestFinished(async () => source.close?.());
  return source;
}

async function openCorpus(written: string, cwd: string, copies = kept(tmpdir())): Promise<CorpusSource> {
  const source = await open(written, { cwd, copies });
  if (source.kind !== "corpus") throw new Error(`${source.name} is a ${source.kind}`);
  return source;
}

async function textOf(source: ContextSource): Promise<string> {
  if (source.kind === "corpus") throw new Error(`${source.name} is a corpus`);
  const parts: Uint8Array[] = [];
  for await (const part of source.stream()) parts.push(part);
  return Buffer.concat(parts).toString();
}

function kept(folder: string): TextCopies {
  const copies = new TextCopies({ folder, maxBytes: 1024 * 1024 });
  onTestFinished(async () => copies[Symbol.asyncDispose]());
  return copies;
}

it.each(STORED)("%s reads as its text, as a context and inside a corpus", async (name, bytes) => {
  const cwd = tempTree({ [`d/${name}`]: bytes, "spool/.keep": "" });
  const spoolFolder = path.join(cwd, "spool");
  const source = await open(`d/${name}`, { cwd, spoolFolder });
  const mark = name === "mark.log.gz" ? 3 : 0;
  expect([source.kind, source.name, source.size]).toEqual(["text", name, Buffer.byteLength(TEXT) + mark]);
  // Compared as a whole: a diff of 30,000 lines helps nobody.
  for (const _ of [1, 2]) expect((await textOf(source)) === TEXT).toBe(true);
  const folder = readdirSync(spoolFolder).find((each) => each !== ".keep") ?? "";
  expect(statSync(path.join(spoolFolder, folder, name.replace(/\.(?:gz|br|zst)$/iu, ""))).mode & 0o777).toBe(0o600);
  await source.close?.();
  expect(readdirSync(spoolFolder)).toEqual([".keep"]);

  const { corpus } = await openCorpus("d", cwd, kept(spoolFolder));
  expect(corpus.files).toEqual([{ path: name, size: bytes.length }]);
  expect(await corpus.textSize(name)).toBe(Buffer.byteLength(TEXT) + mark);
  expect((await corpus.read(name)) === TEXT).toBe(true);
  expect(await corpus.read(name, { start_line: 29_999, end_line: 30_000 })).toBe("29998 plain\n29999 plain");
  const pieces: string[] = [];
  for (let [offset, line]: [number | null, number] = [0, 1]; offset !== null;) {
    const piece = await corpus.readPiece(name, { offset, line, maxChars: 50_000 });
    expect(piece.start_line).toBe(pieces.join("").split("\n").length);
    pieces.push(piece.text);
    [offset, line] = [piece.next_offset, piece.next_line ?? 0];
  }
  expect(pieces.join("") === TEXT).toBe(true);
  // The copy has no name: nothing is left, however the process ends.
  expect(readdirSync(spoolFolder)).toEqual([".keep"]);

  const workspace = await openWorkspace({ cwd, workspaceDirs: ["d"], copies: kept(spoolFolder) });
  expect(await workspace.read(name, { start_line: 1, end_line: 2 })).toBe("0 wörd 😀\n1 plain");
});

it("is searched with the same matches as plain text, by its own name", async () => {
  const cwd = tempTree({ ...Object.fromEntries(STORED.map(([name, bytes]) => [`d/${name}`, bytes])), "d/plain.log": TEXT });
  const tools = { workspace: await openWorkspace({ cwd, workspaceDirs: ["d"] }), contexts: [await openCorpus("d", cwd)], maxWorkers: 2 };
  const names = [...STORED.map(([name]) => name), "plain.log"].toSorted();
  expect(await searchFiles("wörd", null, null, tools)).toEqual(names);
  expect(await searchCount("wörd", null, null, tools)).toEqual(Object.fromEntries(names.map((name) => [name, 30])));
  const { matches } = await searchPatterns(["😀$", "^29999"], null, { context_lines: 1 }, tools);
  const ofPlain = matches.filter(({ file }) => file === "plain.log").map((match) => ({ ...match, file: "" }));
  expect(ofPlain).toHaveLength(31);
  for (const name of names) expect(matches.filter(({ file }) => file === name).map((match) => ({ ...match, file: "" }))).toEqual(ofPlain);
  expect(await searchCount("wörd", ["a.log.gz", "*.br"], { max_workers: 1 }, tools)).toEqual({ "a.log.br": 30, "a.log.gz": 30 });
  const text = await open("d/a.log.gz", { cwd });
  expect(await searchCount("wörd", null, null, { ...tools, contexts: [text] })).toEqual({ context: 30 });
});

it("is a corpus of one file when its text is over 256 MiB", async () => {
  const cwd = tempTree({ "big.log.zst": zstdCompressSync(Buffer.alloc(257 * 1024 * 1024, "line of a log\n")) });
  const { name, size, notices, corpus } = await openCorpus("big.log.zst", cwd);
  expect([name, size, corpus.files.map((file) => file.path)]).toEqual(["big.log.zst", 257 * 1024 * 1024, ["big.log"]]);
  expect(notices).toEqual(["big.log.zst has 269 MB, over 256 MiB: it is a Corpus of one file, read on demand"]);
  expect(await corpus.read("big.log", { start_line: 9_000_000, end_line: 9_000_000 })).toBe("line of a log");
});

it("has the kind of the name inside", async () => {
  const cwd = tempTree({
    "a.jsonl.gz": gzipSync('{"a":1}\n'),
    "b.json.zst": zstdCompressSync("[1]"),
    "c.ndjson.br": brotliCompressSync("1"),
    "u.json": little("[1]"),
  });
  const sources = await Promise.all(["a.jsonl.gz", "b.json.zst", "c.ndjson.br", "u.json"].map((each) => open(each, { cwd })));
  expect(sources.map(({ kind, name }) => [kind, name])).toEqual([
    ["jsonl", "a.jsonl.gz"],
    ["json", "b.json.zst"],
    ["jsonl", "c.ndjson.br"],
    ["json", "u.json"],
  ]);
  expect(await Promise.all(sources.map(textOf))).toEqual(['{"a":1}\n', "[1]", "1", "[1]"]);
});

it("identifies what was read: the text, not how it is stored", async () => {
  const cwd = tempTree({ "a.txt": TEXT, "a.txt.gz": gzipSync(TEXT, { level: 9 }), "b.txt": little(TEXT) });
  const sources = await Promise.all(["a.txt", "a.txt.gz", "b.txt"].map((each) => open(each, { cwd })));
  expect(new Set(sources.map(({ identity }) => identity)).size).toBe(1);
});

it("takes UTF-16 from standard input, alone and beside files", async () => {
  const cwd = tempTree({ "a.gz": gzipSync("a"), "spool/.keep": "" });
  const options = { cwd, spoolFolder: path.join(cwd, "spool") };
  async function* stdin(): AsyncGenerator<Uint8Array> {
    for (const byte of little("é€😀")) yield Buffer.from([byte]);
  }
  const alone = await open("-", { ...options, stdin: stdin() });
  expect([alone.name, await textOf(alone)]).toEqual(["stdin", "é€😀"]);
  const source = await openCombinedContext(["a.gz", "-"], { ...options, stdin: stdin(), copies: kept(options.spoolFolder) });
  if (source.kind !== "corpus") throw new Error("no corpus");
  expect(await Promise.all(["a.gz", "stdin"].map((each) => source.corpus.read(each)))).toEqual(["a", "é€😀"]);
  await alone.close?.();
  await source.close?.();
  expect(readdirSync(options.spoolFolder)).toEqual([".keep"]);
});

it("tells a root model the first and last lines of the only file of a folder", async () => {
  const cwd = tempTree({ "d/a.log.gz": gzipSync(TEXT), "e/b.log": little(TEXT) });
  for (const folder of ["d", "e"]) {
    const { headLines, tailLines } = await probeFacts(await openCorpus(folder, cwd));
    expect([headLines[0], tailLines.at(-1)]).toEqual(["0 wörd 😀", "29999 plain"]);
  }
});

describe("what cannot be read as text", () => {
  const damaged: readonly (readonly [string, Uint8Array, string])[] = [
    ["cut.gz", gzipSync(TEXT).subarray(0, 40_000), "damaged gzip data: unexpected end of file"],
    ["short.gz", gzipSync("short text").subarray(0, 20), "damaged gzip data: unexpected end of file"],
    ["none.gz", Buffer.from("only text"), "damaged gzip data: incorrect header check"],
    ["flipped.gz", flipped(gzipSync(TEXT), 50_000), "damaged gzip data: "],
    ["cut.br", brotliCompressSync("text ".repeat(9)).subarray(0, 9), "damaged brotli data: "],
    ["more.br", Buffer.concat([brotliCompressSync("text"), Buffer.from("more")]), "brotli data with 4 bytes after its end"],
    ["none.zst", Buffer.from("only text"), "damaged zstd data: unknown frame descriptor"],
    ["cut.zst", zstdCompressSync(TEXT).subarray(0, 10_000), "damaged zstd data: unexpected end of file"],
    ["more.zst", Buffer.concat([zstdCompressSync("text"), Buffer.from("more text")]), "damaged zstd data: unknown frame descriptor"],
  ];

  it.each(damaged)("%s: one line for a user, an error for a cell", async (name, bytes, why) => {
    const cwd = tempTree({ [`d/${name}`]: bytes, "spool/.keep": "" });
    const spoolFolder = path.join(cwd, "spool");
    const failure = await failureOf(open(`d/${name}`, { cwd, spoolFolder }));
    expect(failure).toMatchObject({ code: "E_USAGE", message: expect.stringContaining(`d/${name} cannot be read (${why}`) });
    expect(failure.message).not.toMatch(/\n|E_/u);
    expect(readdirSync(spoolFolder)).toEqual([".keep"]);
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["d"], copies: kept(spoolFolder) });
    for (const _ of [1, 2]) {
      expect(await failureOf(workspace.read(name))).toMatchObject({
        code: "E_NOT_FOUND",
        message: expect.stringContaining(`${name} cannot be read (${why}`),
      });
    }
  });

  it("is counted in a folder, where its head shows it", async () => {
    const tar = Buffer.alloc(20_480);
    tar.write("file name");
    const cwd = tempTree({
      "d/none.gz": "only text",
      "d/backup.tar.gz": gzipSync(tar),
      "d/utf32.txt": Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
      "d/nul.txt": little("a\0b"),
      "d/empty.gz": "",
      "d/server.pem.gz": gzipSync("key"),
      "d/.npmrc.zst": zstdCompressSync("token"),
    });
    const { corpus } = await openCorpus("d", cwd);
    expect(describeFiles(corpus)).toBe("1 file, 0 bytes (3 binary; 2 denied; 1 unreadable)");
    expect(await corpus.read("empty.gz")).toBe("");
    expect((await failureOf(open("d/backup.tar.gz", { cwd }))).message).toMatch(/^d\/backup\.tar\.gz is binary/u);
    expect((await failureOf(open("d/server.pem.gz", { cwd }))).message).toContain("deny list");
    const tools = { workspace: await openWorkspace({ cwd, workspaceDirs: ["d"] }), maxWorkers: 1 };
    expect(await failureOf(searchFiles("text", "none.gz", null, tools))).toMatchObject({ code: "E_NOT_FOUND" });
  });

  it("does not keep a search from the rest", async () => {
    const cwd = tempTree({ "d/cut.gz": gzipSync(TEXT).subarray(0, 40_000), "d/ok.gz": gzipSync("5 wörd") });
    const warnings: string[] = [];
    const tools = {
      workspace: await openWorkspace({ cwd, workspaceDirs: ["d"] }),
      maxWorkers: 1,
      warn: (text: string) => void warnings.push(text),
    };
    expect((await searchPatterns(["wörd", "^5"], null, null, tools)).matches.filter(({ file }) => file === "ok.gz")).toHaveLength(2);
    expect(warnings).toHaveLength(1);
    warnings.length = 0;
    const found = await searchCount("wörd", null, null, tools);
    expect(found["ok.gz"]).toBe(1);
    expect(found["cut.gz"]).toBeGreaterThan(0);
    expect(warnings).toEqual([
      "searched only up to there: cut.gz cannot be read (damaged gzip data: unexpected end of file) (E_NOT_FOUND)",
    ]);
  });

  it.each([
    ["bomb.gz", gzipSync(Buffer.alloc(20_000_000, "a\n"))],
    ["bomb.br", brotliCompressSync(Buffer.alloc(20_000_000, "a\n"))],
    ["bomb.zst", zstdCompressSync(Buffer.alloc(20_000_000, "a\n"))],
  ])("%s ends at the limit, naming itself, its size and the limit", async (name, bytes) => {
    const cwd = tempTree({ [`d/${name}`]: bytes, "spool/.keep": "" });
    const spoolFolder = path.join(cwd, "spool");
    const failure = await failureOf(open(`d/${name}`, { cwd, spoolFolder, maxDecoded: 1024 * 1024 }));
    expect(failure.code).toBe("E_USAGE");
    expect(failure.message).toMatch(new RegExp(`^d/${name} \\([\\d.]+ (?:bytes|kB)\\) is over 1 MiB of text once it is decoded`, "u"));
    const { corpus } = await openCorpus("d", cwd, kept(spoolFolder));
    expect(await failureOf(corpus.read(name))).toMatchObject({ code: "E_TOO_LARGE", message: expect.stringContaining("over 1 MiB") });
    expect(readdirSync(spoolFolder)).toEqual([".keep"]);
  });

  it("is a file that changed, even when its text was read before", async () => {
    const cwd = tempTree({ "d/a.gz": gzipSync("one") });
    const { corpus } = await openCorpus("d", cwd);
    expect(await corpus.read("a.gz")).toBe("one");
    writeFileSync(path.join(cwd, "d/a.gz"), gzipSync("one and two"));
    expect(await failureOf(corpus.read("a.gz"))).toMatchObject({ code: "E_CONTEXT_CHANGED" });
    const workspace = await openWorkspace({ cwd, copies: kept(cwd) });
    expect(await workspace.read("d/a.gz")).toBe("one and two");
  });
});

describe.skipIf(process.platform !== "linux")("copies", () => {
  const descriptors = (): number => readdirSync("/proc/self/fd").length;

  it("are made once for many readers, bounded in number, and all gone in the end", async () => {
    const names = Array.from({ length: 100 }, (_, i) => `d/${i}.gz`);
    const cwd = tempTree(Object.fromEntries(names.map((name) => [name, gzipSync(name)])));
    const before = descriptors();
    {
      await using copies = new TextCopies();
      const { corpus } = await openCorpus("d", cwd, copies);
      const read = await Promise.all([...names, ...names].map(async (name) => corpus.read(name.slice(2))));
      expect(read).toEqual([...names, ...names]);
      expect(descriptors() - before).toBeLessThanOrEqual(40);
    }
    expect(descriptors()).toBeLessThanOrEqual(before);
  });

  it("leave one who waits no longer, and serve the others", async () => {
    const cwd = tempTree({ "d/a.gz": gzipSync(Buffer.alloc(200_000_000, "line\n")) });
    await using copies = new TextCopies();
    const { corpus } = await openCorpus("d", cwd, copies);
    const stop = new AbortController();
    const impatient = failureOf(corpus.read("a.gz", { start_line: 1, end_line: 1 }, stop.signal));
    const patient = corpus.read("a.gz", { start_line: 1, end_line: 1 });
    stop.abort();
    expect(await impatient).toMatchObject({ code: "E_CANCELLED" });
    expect(await patient).toBe("line");
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.fill(0xff, at, at + 50);
  return changed;
}

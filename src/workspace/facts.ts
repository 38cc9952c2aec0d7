// What a root model is told about a context before its first cell: kind, size, first and last lines, shape or file types.
// Bounded reads only: the first and last 64 KiB, and a whole JSON text up to 64 MiB.
import { dsvFormat } from "d3-dsv";
import { shapeOf, shapeOfAll } from "./json-shape.ts";
import { bytesInWords, describeFiles } from "./describe.ts";
import type { ContextSource, Corpus, CorpusSource, TextSource } from "./types.ts";
import { bomLength, decode } from "./utf8.ts";

const WINDOW = 64 * 1024;
const MAX_JSON = 64 * 1024 * 1024;
const HEAD_LINES = 20;
const TAIL_LINES = 10;
const MAX_LINE = 400;
const MAX_TYPES = 20;
const SAMPLE_PATHS = 10;
const SAMPLE_ROWS = 50;
const MAX_COLUMNS = 40;

export interface FileType {
  /** With its dot, lower case; "" for names without one. */
  readonly extension: string;
  readonly files: number;
  readonly bytes: number;
}

export interface ProbeFacts {
  readonly kind: ContextSource["kind"];
  readonly name: string;
  readonly size: number;
  /** Of a text, or of the only file of a corpus: at most 20 and 10, long ones cut and marked. No line is in both. */
  readonly headLines: readonly string[];
  readonly tailLines: readonly string[];
  /** Of JSON and JSON Lines; `not JSON: …` when it is none; null otherwise. */
  readonly shape: string | null;
  /** Of a corpus, the most bytes first. */
  readonly fileTypes: readonly FileType[];
  readonly files: number;
  /** First paths of a corpus. */
  readonly paths: readonly string[];
  /** `12,635 files, 56 MB (…)`, or `56 MB`. */
  readonly description: string;
}

/** Reads at most two windows, and JSON up to 64 MiB. */
export async function probeFacts(source: ContextSource): Promise<ProbeFacts> {
  return source.kind === "corpus" ? corpusFacts(source) : textFacts(source);
}

async function textFacts(source: TextSource): Promise<ProbeFacts> {
  const { kind, name, size } = source;
  const ends = await endsOf(size, (offset, length) => source.readAt(offset, length));
  return {
    kind,
    name,
    size,
    ...ends,
    shape: await shapeOfText(source),
    fileTypes: [],
    files: 1,
    paths: [],
    description: bytesInWords(size),
  };
}

async function corpusFacts(source: CorpusSource): Promise<ProbeFacts> {
  const { kind, name, size, corpus } = source;
  const [only] = corpus.files;
  const ends =
    only !== undefined && corpus.files.length === 1
      ? await endsOf(await corpus.textSize(only.path), (offset) => windowOf(corpus, only.path, offset))
      : NO_LINES;
  const paths = corpus.files.slice(0, SAMPLE_PATHS).map((file) => file.path);
  return {
    kind,
    name,
    size,
    ...ends,
    shape: null,
    fileTypes: typesOf(corpus),
    files: corpus.files.length,
    paths,
    description: describeFiles(corpus),
  };
}

const NO_LINES = { headLines: [], tailLines: [] } as const;

/** First and last lines, from one window when the text fits it. */
async function endsOf(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<{ headLines: string[]; tailLines: string[] }> {
  if (size === 0) return { headLines: [], tailLines: [] };
  const head = await read(0, WINDOW);
  const first = linesOf(decode(head.subarray(bomLength(head))));
  if (size <= WINDOW) {
    const tail = first.length > HEAD_LINES ? first.slice(Math.max(HEAD_LINES, first.length - TAIL_LINES)) : [];
    return { headLines: first.slice(0, HEAD_LINES).map(cut), tailLines: tail.map(cut) };
  }
  const last = linesOf(decode(await read(Math.max(WINDOW, size - WINDOW), WINDOW)));
  // The windows end inside a line each: that one is dropped unless it is all there is.
  return {
    headLines: (first.length > 1 ? first.slice(0, -1) : first).slice(0, HEAD_LINES).map(cut),
    tailLines: (last.length > 1 ? last.slice(1) : last).slice(-TAIL_LINES).map(cut),
  };
}

async function windowOf(corpus: Corpus, path: string, offset: number): Promise<Uint8Array> {
  const piece = await corpus.readPiece(path, { offset, line: 1, maxChars: WINDOW });
  return Buffer.from(piece.text);
}

async function shapeOfText(source: TextSource): Promise<string | null> {
  if (source.kind === "text") return /\.[ct]sv$/i.test(source.name) ? tableShape(linesOf(decode(await source.readAt(0, WINDOW)))) : null;
  if (source.kind === "json") {
    if (source.size > MAX_JSON) return `not looked into: ${bytesInWords(source.size)}`;
    return parsedShape(decode(await wholeOf(source)), (value) => shapeOf(value));
  }
  const head = decode(await source.readAt(0, WINDOW));
  const lines = linesOf(head).filter((line) => line.trim() !== "");
  const whole = source.size <= WINDOW || lines.length === 1 ? lines : lines.slice(0, -1);
  const count = source.size <= WINDOW ? `${lines.length} records, each` : `records, the first ${whole.length} of them`;
  return parsedShape(`[${whole.join(",")}]`, (values) => `${count}: ${shapeOfAll(Array.isArray(values) ? values : [])}`);
}

/** Columns of a table, each with what its first values are: `columns: id: number; name: string`. */
function tableShape(lines: readonly string[]): string | null {
  const [first = ""] = lines;
  const delimiter = [",", "\t", ";", "|"].toSorted((a, b) => first.split(b).length - first.split(a).length)[0] ?? ",";
  const [names = [], ...cells] = dsvFormat(delimiter).parseRows(lines.slice(0, SAMPLE_ROWS + 1).join("\n"));
  if (names.length < 2) return null;
  const columns = names.slice(0, MAX_COLUMNS).map((name, i) => `${name.trim()}: ${typeOf(cells.map((row) => row[i] ?? ""))}`);
  const more = names.length - columns.length;
  return `a table, parse_csv(…) reads it; columns: ${columns.join("; ")}${more > 0 ? `; ${more} more` : ""}`;
}

function typeOf(values: readonly string[]): string {
  const given = values.map((value) => value.trim()).filter((value) => value !== "");
  if (given.length === 0) return "empty";
  if (given.every((value) => Number.isFinite(Number(value)))) return "number";
  return given.every((value) => /^\d{4}-\d\d-\d\d/.test(value)) ? "date" : "text";
}

function parsedShape(text: string, describe: (value: unknown) => string): string {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/u, ""));
    return describe(value);
  } catch (error) {
    return `not JSON: ${error instanceof Error ? cut(error.message) : "it cannot be parsed"}`;
  }
}

async function wholeOf(source: TextSource): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function typesOf(corpus: Corpus): FileType[] {
  const types = new Map<string, { files: number; bytes: number }>();
  for (const { path, size } of corpus.files) {
    const extension = /[^/](\.[^./]+)$/u.exec(path)?.[1]?.toLowerCase() ?? "";
    const type = types.get(extension) ?? { files: 0, bytes: 0 };
    types.set(extension, { files: type.files + 1, bytes: type.bytes + size });
  }
  const sorted = [...types]
    .map(([extension, { files, bytes }]) => ({ extension, files, bytes }))
    .toSorted((a, b) => b.bytes - a.bytes || b.files - a.files);
  return sorted.slice(0, MAX_TYPES);
}

/** Without the empty one after the last line end. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/u);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… (${line.length} characters)` : line;
}

// A scan from files to findings: which texts, in which order, through the pool; ordered, counted, and what was left out told.
import pLimit from "p-limit";
import { MAX_RESULT } from "../../sandbox/limits.ts";
import { HostError, messageOf } from "../errors.ts";
import type { ContextSource, Piece, PieceRequest, Selectable, Selection } from "../workspace/types.ts";
import { unlessAborted } from "../workspace/unless-aborted.ts";
import type { Part } from "./engine.ts";
import { CONFIDENCES, isAtLeast, type Confidence, type Found } from "./finding.ts";
import { readingOf } from "./languages.ts";
import type { ScanPool } from "./pool.ts";

export interface ScanRequest {
  /** Names, each known. */
  readonly scanners: readonly string[];
  /** Files, folders and globs of the workspace; null: the context, or all of the workspace where there is none. */
  readonly files: readonly string[] | null;
  readonly minConfidence: Confidence;
  readonly maxWorkers: number;
}

/** What a scan reads from: a workspace or a corpus. */
export interface Files extends Selectable {
  read(path: string, range?: unknown, signal?: AbortSignal): Promise<string>;
  readPiece(path: string, piece: PieceRequest, signal?: AbortSignal): Promise<Piece>;
}

export interface ScanTools {
  readonly workspace: Files;
  readonly contexts: readonly ContextSource[];
  readonly pool: ScanPool;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What of a file was not scanned. */
export interface ScanNote {
  readonly file: string;
  readonly why: string;
}

export interface ScanReport {
  /** By file, line and column. */
  readonly findings: readonly Found[];
  readonly notes: readonly ScanNote[];
  readonly files: number;
  /** UTF-16 units of their texts. */
  readonly units: number;
}

/** One text to be scanned. */
interface Source {
  readonly path: string;
  readonly size: number;
  parts(): AsyncIterable<Part>;
}

/** What a parser is given, in UTF-16 units: its tree takes up to a hundred times as much memory. */
const MAX_PARSED = 2 * 1024 * 1024;
/** Bytes of texts that travel together; each group is a round trip, and what a crash makes suspect. */
const GROUP = { least: 16 * 1024, most: 128 * 1024, files: 64 };
const READERS = 8;
const PIECE = 4 * 1024 * 1024;
/** The file name of a context that is one text. */
const CONTEXT = "context";
/** Of one file, in UTF-16 units. */
const MAX_READ = 64 * 1024 * 1024;
const TOO_LARGE = `larger than ${MAX_PARSED / 1024 / 1024} MiB of text: only searched for secrets and marks, not parsed`;
/** A finding in JSON beside its texts. */
const FINDING = 150;

export async function scan(request: ScanRequest, tools: ScanTools): Promise<ScanReport> {
  const { pool, signal, onProgress } = tools;
  const asked = new Set(request.scanners);
  const sources = (await sourcesOf(request, tools)).filter((source) => isWanted(source, asked));
  const groups = groupsOf(sources, request.maxWorkers);
  const kept = new Kept(request.minConfidence);
  let done = 0;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  // Texts are read ahead of the workers, by no more than there are workers.
  const readers = pLimit(Math.min(READERS, 2 * request.maxWorkers));
  const workers = pLimit(request.maxWorkers);
  const ahead = pLimit(2 * request.maxWorkers);
  const scanGroup = async (group: readonly Source[]): Promise<void> => {
    const parts = (await Promise.all(group.map((source) => readers(() => partsOf(source, kept, either))))).flat();
    if (parts.length > 0) {
      const results = await workers(() => pool.run({ scanners: request.scanners, parts }, either));
      for (const [i, result] of results.entries()) kept.add(parts[i]?.path ?? "", result);
    }
    onProgress((done += group.length), sources.length);
  };
  try {
    // Nobody waits for what runs in a parser.
    await unlessAborted(
      ahead.map(groups, (group) => (either.aborted ? Promise.resolve() : scanGroup(group))),
      signal,
    );
  } catch (error) {
    stop.abort(error);
    throw error;
  }
  signal.throwIfAborted();
  return { ...kept.report(), files: sources.length };
}

/** Findings and notes as they come. */
class Kept {
  readonly #least: Confidence;
  readonly #findings: Found[] = [];
  readonly #notes: ScanNote[] = [];
  #size = 0;
  units = 0;

  constructor(least: Confidence) {
    this.#least = least;
  }

  note(file: string, why: string): void {
    this.#notes.push({ file, why });
  }

  add(path: string, { findings, isCut, trouble }: { findings: readonly Found[]; isCut: boolean; trouble?: string }): void {
    if (trouble !== undefined) this.note(path, trouble);
    if (isCut) this.note(path, "has more findings than are told of one file");
    for (const finding of findings) {
      if (!isAtLeast(CONFIDENCES, finding.confidence, this.#least)) continue;
      this.#size += FINDING + finding.code.length + finding.message.length + finding.file.length + (finding.fix?.length ?? 0);
      if (this.#size > MAX_RESULT)
        throw new HostError(
          "E_TOO_LARGE",
          `the findings are over ${MAX_RESULT / 1024 / 1024} MiB together: scan fewer files at a time, or raise min_confidence`,
        );
      this.#findings.push(finding);
    }
  }

  report(): Omit<ScanReport, "files"> {
    const byFile = (a: { file: string }, b: { file: string }): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);
    const findings = this.#findings.toSorted((a, b) => byFile(a, b) || a.line - b.line || a.column - b.column);
    return { findings, notes: this.#notes.toSorted(byFile), units: this.units };
  }
}

async function sourcesOf({ files }: ScanRequest, { workspace, contexts, signal }: ScanTools): Promise<Source[]> {
  const selection: Selection = { paths: files, globs: [], types: [], hidden: false, noIgnore: false };
  const context = files === null ? contexts.at(-1) : undefined;
  if (context === undefined) return fileSources(workspace, selection, signal);
  if (context.kind === "corpus") return fileSources(context.corpus, selection, signal);
  // The text of one file is called as everywhere, and read as what its name says.
  return [{ path: context.name, size: context.size, parts: () => textParts(context.stream(), context.name) }];
}

async function fileSources(files: Files, selection: Selection, signal: AbortSignal): Promise<Source[]> {
  const found = await files.select(selection, signal);
  return found.map(({ path, size }) => ({ path, size, parts: () => fileParts(files, path, size, signal) }));
}

async function* fileParts(files: Files, path: string, size: number, signal: AbortSignal): AsyncGenerator<Part> {
  if (size <= MAX_PARSED * 2) {
    try {
      const text = await files.read(path, undefined, signal);
      if (text.length <= MAX_PARSED) return yield { path, text };
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== "E_TOO_LARGE") throw error;
    }
  }
  let column = 0;
  for (let next: PieceRequest | null = { offset: 0, line: 1, maxChars: PIECE }; next !== null;) {
    const piece: Piece = await files.readPiece(path, next, signal);
    const { text, start_line, next_offset, next_line } = piece;
    yield { path, text, line: start_line - 1, column, isPlain: true };
    column = text.includes("\n") ? text.length - text.lastIndexOf("\n") - 1 : column + text.length;
    next = next_offset === null ? null : { offset: next_offset, line: next_line ?? start_line, maxChars: PIECE };
  }
}

async function* textParts(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Part> {
  const decoder = new TextDecoder();
  let text = "";
  let line = 0;
  let isPlain = false;
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length <= MAX_PARSED) continue;
    isPlain = true;
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) continue;
    yield { path: CONTEXT, name, text: text.slice(0, end), line, isPlain };
    for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) line++;
    text = text.slice(end);
  }
  yield { path: CONTEXT, name, text: text + decoder.decode(), line, ...(isPlain ? { isPlain } : {}) };
}

/** A file that cannot be read is a note; a context that is not what it was ends the scan. */
async function partsOf(source: Source, kept: Kept, signal: AbortSignal): Promise<Part[]> {
  const { path } = source;
  const read: Part[] = [];
  let units = 0;
  try {
    for await (const part of source.parts()) {
      if (part.isPlain === true && read.length === 0 && readingOf(path) !== undefined) kept.note(path, TOO_LARGE);
      kept.units += part.text.length;
      read.push(part);
      units += part.text.length;
      if (units <= MAX_READ) continue;
      kept.note(path, `only its first ${MAX_READ / 1024 / 1024} MiB were searched`);
      break;
    }
  } catch (error) {
    if (signal.aborted || (error instanceof HostError && error.code === "E_CONTEXT_CHANGED")) throw error;
    kept.note(path, messageOf(error));
  }
  return read;
}

/** Rules need a grammar; secrets and marks are found in any text. */
function isWanted({ path }: Source, scanners: ReadonlySet<string>): boolean {
  return scanners.has("find_secrets") || scanners.has("find_todos") || readingOf(path) !== undefined;
}

/** The largest first, so that all workers end together. */
function groupsOf(sources: readonly Source[], workers: number): Source[][] {
  const all = sources.reduce((sum, { size }) => sum + size, 0);
  // Small enough that no worker has to wait for another one's last group.
  const most = Math.max(GROUP.least, Math.min(GROUP.most, all / (3 * workers)));
  const groups: Source[][] = [];
  let size = Infinity;
  for (const source of sources.toSorted((a, b) => b.size - a.size)) {
    let group = groups.at(-1);
    if (group === undefined || size + source.size > most || group.length >= GROUP.files) {
      groups.push((group = []));
      size = 0;
    }
    group.push(source);
    size += source.size;
  }
  return groups;
}

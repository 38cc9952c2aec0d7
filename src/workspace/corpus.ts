// A corpus: the files of one context as they were when it was opened. What is read of one that changed since is never silently other text.
import { createHash } from "node:crypto";
import { READ_DEADLINE_MS } from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import { startDeadline } from "./deadline.ts";
import { inTurns } from "./in-parallel.ts";
import { Inspector, isUnchanged } from "./inspect.ts";
import type { Mount } from "./mount.ts";
import { nearPaths } from "./near.ts";
import { changed, notFound, quoted } from "./path-errors.ts";
import { readPieceOf } from "./piece.ts";
import { readText } from "./read-text.ts";
import { nameFilter } from "./rg-names.ts";
import { openInside, type OpenFile } from "./safe-open.ts";
import { survey, type Survey, type SurveyedFile } from "./survey.ts";
import type { OpenText, TextCopies } from "./text-copies.ts";
import type { Corpus, CorpusFile, HostFile, LeftOut, Piece, PieceRequest, Selection } from "./types.ts";
import { pathArgument, pieceArgument, rangeArgument } from "./written-path.ts";

/** Lists the files of these mounts and remembers size and time of each. */
export async function openCorpus(mounts: readonly Mount[], copies: TextCopies, signal?: AbortSignal): Promise<FileCorpus> {
  return new FileCorpus(mounts, await survey(mounts, mounts, { hidden: true, noIgnore: true }, new Inspector(), signal), copies);
}

export class FileCorpus implements Corpus {
  readonly files: readonly CorpusFile[];
  readonly size: number;
  readonly leftOut: LeftOut;
  readonly #mounts: readonly Mount[];
  readonly #byPath: ReadonlyMap<string, SurveyedFile>;
  readonly #copies: TextCopies;

  constructor(mounts: readonly Mount[], { files, leftOut }: Survey, copies: TextCopies) {
    this.#mounts = mounts;
    this.#copies = copies;
    this.#byPath = new Map(files.map((file) => [file.path, file]));
    this.files = files.map(({ path, size }) => ({ path, size }));
    this.size = files.reduce((sum, file) => sum + file.size, 0);
    this.leftOut = leftOut;
  }

  /** sha-256 over path, size and time of each file. */
  get identity(): string {
    const hash = createHash("sha256");
    for (const { path, size, modified } of this.#byPath.values()) hash.update(`${path}\0${size}\0${modified}\n`);
    return hash.digest("hex");
  }

  async read(path: unknown, range?: unknown, signal?: AbortSignal): Promise<string> {
    const written = pathArgument(path);
    const slice = rangeArgument(range);
    using deadline = startDeadline(READ_DEADLINE_MS, `reading ${quoted(written)}`, "ask for lines nearer to its start", signal);
    await using file = await this.#openText(written, deadline.signal);
    return await readText(file, slice, written, deadline.signal);
  }

  async readPiece(path: unknown, request: PieceRequest, signal?: AbortSignal): Promise<Piece> {
    const written = pathArgument(path);
    const piece = pieceArgument(request);
    using deadline = startDeadline(READ_DEADLINE_MS, `reading ${quoted(written)}`, "give the line together with the offset", signal);
    await using file = await this.#openText(written, deadline.signal);
    return await readPieceOf(file.handle, file.size, piece, deadline.signal);
  }

  /** All of its files or those that fit the globs and types; E_CONTEXT_CHANGED for the first that is not as it was. `paths` are a workspace's. */
  async select(selection: Selection, signal?: AbortSignal): Promise<readonly HostFile[]> {
    const fits = await nameFilter(this.#mounts, selection, signal);
    const files = [...this.#byPath.values()].filter((file) => fits(file.mount.base, file.relative));
    const look = (file: SurveyedFile): void => {
      if (!isUnchanged(file.real, file)) throw changed(file.path);
    };
    await inTurns(files, look, signal);
    return files;
  }

  async textSize(path: string): Promise<number> {
    await using file = await this.#openText(path);
    return file.size;
  }

  async #openText(written: string, signal?: AbortSignal): Promise<OpenText> {
    return this.#copies.open(await this.#open(written), written, signal);
  }

  async #open(written: string): Promise<OpenFile> {
    const listed = this.#listed(written);
    const file = await openInside(this.#mounts, listed?.path ?? written);
    if (file === null) throw listed === undefined ? notFound(written, nearPaths(written, [...this.#byPath.keys()])) : changed(listed.path);
    const entry = listed ?? this.#byReal(file.located.real);
    if (entry !== undefined && isSame(entry, file)) return file;
    await file[Symbol.asyncDispose]();
    throw entry === undefined ? notListed(written, this.files.length) : changed(entry.path);
  }

  #listed(written: string): SurveyedFile | undefined {
    return this.#byPath.get(written.replace(/^(?:\.\/)+/u, ""));
  }

  /** By another way to the same file: a link, an absolute path. */
  #byReal(real: string): SurveyedFile | undefined {
    return this.#byPath.values().find((file) => file.real === real);
  }
}

function isSame(entry: SurveyedFile, file: OpenFile): boolean {
  const { size, mtimeMs } = file.stats;
  return entry.real === file.located.real && entry.size === size && entry.modified === mtimeMs;
}

function notListed(written: string, count: number): HostError {
  return new HostError("E_NOT_FOUND", `${quoted(written)} is none of the corpus's ${count} files: it is binary, or newer than the session`);
}

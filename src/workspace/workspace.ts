// The one module that decides which files exist for a session. It sees the tree as it is when asked: what a context was when it was
// opened is a Corpus's to remember. Arguments come from a cell: they are `unknown` until their guards have passed them.
import { READ_DEADLINE_MS } from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import { startDeadline } from "./deadline.ts";
import { byPath } from "./host-path.ts";
import { Inspector } from "./inspect.ts";
import { locate } from "./locate.ts";
import { narrowed, type Mount } from "./mount.ts";
import { nearPaths } from "./near.ts";
import { notFound, notRegular, outside, quoted, unreadable } from "./path-errors.ts";
import { readPieceOf } from "./piece.ts";
import { readText } from "./read-text.ts";
import { nameFilter } from "./rg-names.ts";
import { findRoots } from "./roots.ts";
import { openInside, specialKind } from "./safe-open.ts";
import { survey, type Rules, type Survey, type SurveyedFile } from "./survey.ts";
import { TextCopies, type OpenText } from "./text-copies.ts";
import type { CorpusFile, FileList, HostFile, Piece, PieceRequest, Selectable, Selection } from "./types.ts";
import { globArgument, pathArgument, pieceArgument, rangeArgument } from "./written-path.ts";

export interface WorkspaceOptions {
  /** Absolute: what the other paths are relative to. */
  readonly cwd: string;
  /** Each --workspace, as written. */
  readonly workspaceDirs?: readonly string[];
  /** Each --context, as written: files, folders, globs, "-". */
  readonly contextPaths?: readonly string[];
  /** The context paths make one corpus, as for `openCombinedContext`. */
  readonly combined?: boolean;
  /** Search a current folder that nobody named as if it had been named: ignored and hidden files too. */
  readonly noIgnore?: boolean;
  /** The session's, which the caller owns; default: ones that last as long as the process. */
  readonly copies?: TextCopies;
  /** Called when all of it was looked at for the first time: a user is to hear what was left out. */
  readonly onFirstSurvey?: (list: FileList) => void;
}

const PLAIN: Rules = { hidden: false, noIgnore: false };

/** Finds the roots of a session. Throws E_USAGE for a path that is not there or cannot be read. */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const {
    cwd,
    workspaceDirs = [],
    contextPaths = [],
    combined = false,
    noIgnore = false,
    copies = new TextCopies(),
    onFirstSurvey,
  } = options;
  return new Workspace(await findRoots({ cwd, workspaceDirs, contextPaths, combined, noIgnore }), copies, onFirstSurvey);
}

export class Workspace implements Selectable {
  readonly #mounts: readonly Mount[];
  readonly #copies: TextCopies;
  readonly #inspector = new Inspector();
  readonly #onFirstSurvey: ((list: FileList) => void) | undefined;
  /** Of the last whole survey, to name what someone may have meant. */
  #paths: readonly string[] | null = null;

  constructor(mounts: readonly Mount[], copies: TextCopies, onFirstSurvey?: (list: FileList) => void) {
    this.#mounts = mounts;
    this.#copies = copies;
    this.#onFirstSurvey = onFirstSurvey;
  }

  /** The roots as the user wrote them. */
  get roots(): readonly string[] {
    return [...new Set(this.#mounts.map((mount) => mount.label))];
  }

  /** Every file, and what was left out. */
  async survey(signal?: AbortSignal): Promise<FileList> {
    return listOf(await this.#survey(this.#mounts, PLAIN, signal));
  }

  /** Files by path; `glob` as ripgrep's -g, relative to the roots. */
  async list(glob?: unknown, signal?: AbortSignal): Promise<CorpusFile[]> {
    const globs = glob === undefined || glob === null ? [] : [globArgument(glob)];
    const files = await this.select({ paths: null, globs, types: [], hidden: false, noIgnore: false }, signal);
    return files.map(plain);
  }

  /** Text of a file. Named files are read also where ignore files leave them out of lists. */
  async read(path: unknown, range?: unknown, signal?: AbortSignal): Promise<string> {
    const written = pathArgument(path);
    const slice = rangeArgument(range);
    using deadline = startDeadline(READ_DEADLINE_MS, `reading ${quoted(written)}`, "ask for lines nearer to its start", signal);
    await using file = await this.#open(written, deadline.signal);
    return await readText(file, slice, written, deadline.signal);
  }

  /** A piece of a file, to go through it without loading it. */
  async readPiece(path: unknown, request: PieceRequest, signal?: AbortSignal): Promise<Piece> {
    const written = pathArgument(path);
    const piece = pieceArgument(request);
    using deadline = startDeadline(READ_DEADLINE_MS, `reading ${quoted(written)}`, "give the line together with the offset", signal);
    await using file = await this.#open(written, deadline.signal);
    return await readPieceOf(file.handle, file.size, piece, deadline.signal);
  }

  async select(selection: Selection, signal?: AbortSignal): Promise<readonly HostFile[]> {
    const named =
      selection.paths === null
        ? [this.#everything(selection, signal)]
        : selection.paths.map((each) => this.#named(each, selection, signal));
    const found = await Promise.all(named);
    const unique = new Map(found.flat().map((file) => [file.real, file]));
    return [...unique.values()].toSorted(byPath);
  }

  async #everything(selection: Selection, signal?: AbortSignal): Promise<SurveyedFile[]> {
    return this.#filtered(this.#mounts, selection, signal);
  }

  /** One path of a cell: a file, a folder, else a glob. */
  async #named(written: string, selection: Selection, signal?: AbortSignal): Promise<SurveyedFile[]> {
    const located = await locate(this.#mounts, pathArgument(written)).catch((error: unknown) => {
      if (error instanceof HostError && error.code === "E_OUTSIDE_WORKSPACE" && isGlob(written)) return null;
      throw error;
    });
    if (located === null) {
      if (!isGlob(written)) throw notFound(written, await this.#near(written));
      if (written.split("/").includes("..")) throw outside(written, this.#mounts);
      const { files } = await this.#survey(this.#mounts, selection, signal);
      const fits = await this.#filter(this.#mounts, { globs: [globArgument(written)], types: [] }, signal);
      const also = await this.#filter(this.#mounts, selection, signal);
      return files.filter((file) => fits(file) && also(file));
    }
    const { mount, relative, real, stats } = located;
    if (stats.isDirectory()) return this.#filtered([narrowed(mount, relative, real, "folder")], selection, signal);
    if (!stats.isFile()) throw notRegular(written, specialKind(stats));
    const { files, leftOut } = await this.#survey([narrowed(mount, relative, real, "file")], selection, signal);
    if (leftOut.unreadable > 0) throw unreadable(written, null);
    if (leftOut.binary > 0)
      throw new HostError("E_BAD_ARGUMENT", `${quoted(written)} is binary (a NUL byte in its first 8 KiB): only text is searched`);
    return [...files];
  }

  async #filtered(mounts: readonly Mount[], selection: Selection, signal?: AbortSignal): Promise<SurveyedFile[]> {
    const [{ files }, fits] = await Promise.all([this.#survey(mounts, selection, signal), this.#filter(mounts, selection, signal)]);
    return files.filter(fits);
  }

  async #filter(
    mounts: readonly Mount[],
    rules: { readonly globs: readonly string[]; readonly types: readonly string[] },
    signal?: AbortSignal,
  ): Promise<(file: SurveyedFile) => boolean> {
    const fits = await nameFilter(mounts, rules, signal);
    return (file) => fits(file.mount.base, file.relative);
  }

  async #survey(mounts: readonly Mount[], rules: Rules, signal?: AbortSignal): Promise<Survey> {
    const result = await survey(mounts, this.#mounts, rules, this.#inspector, signal);
    if (mounts !== this.#mounts) return result;
    if (this.#paths === null) this.#onFirstSurvey?.(listOf(result));
    this.#paths = result.files.map((file) => file.path);
    return result;
  }

  async #open(written: string, signal: AbortSignal): Promise<OpenText> {
    const file = await openInside(this.#mounts, written);
    if (file === null) throw notFound(written, await this.#near(written));
    return this.#copies.open(file, written, signal);
  }

  async #near(written: string): Promise<string[]> {
    this.#paths ??= (await this.#survey(this.#mounts, PLAIN)).files.map((file) => file.path);
    return nearPaths(written, this.#paths);
  }
}

/** Only what may cross into a sandbox. */
function plain(file: CorpusFile): CorpusFile {
  return { path: file.path, size: file.size };
}

function listOf({ files, leftOut }: Survey): FileList {
  return { files: files.map(plain), size: files.reduce((sum, file) => sum + file.size, 0), leftOut };
}

function isGlob(written: string): boolean {
  return /[*?[{]/u.test(written);
}

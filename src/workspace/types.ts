// What a session may read, seen from outside: every door to a file (`read_file`, Corpus, ripgrep, scanners) asks a `Workspace`.

/** One file. `path` is relative to the workspace root it came from, always with "/"; `size` in bytes, as it is stored. */
export interface CorpusFile {
  readonly path: string;
  readonly size: number;
}

/** A file as the host sees it. `real` is a path of this machine: it never crosses into a sandbox or a message. */
export interface HostFile extends CorpusFile {
  readonly real: string;
  /** Time of the last change in ms, with its fraction. */
  readonly modified: number;
  /** Where a program that opens the file would not find its text: the text. */
  readonly text?: () => AsyncIterable<Uint8Array>;
}

/** Lines are 1-based and inclusive. */
export interface LineRange {
  readonly start_line?: number;
  readonly end_line?: number;
}

/** Where a piece begins: `offset` in bytes, and the number of the line there. A left out `line` is counted, which reads the file up to there. */
export interface PieceRequest {
  readonly offset: number;
  readonly line?: number;
  /** UTF-16 units of the piece, 2 or more. */
  readonly maxChars: number;
}

/** Part of a file, cut after a line end, or between characters when a line is longer than the piece. */
export interface Piece {
  readonly text: string;
  readonly start_line: number;
  /** What to ask for next; null at the end of the file. */
  readonly next_offset: number | null;
  readonly next_line: number | null;
}

/** What was left out, counted; `describeFiles` says it in words. */
export interface LeftOut {
  /** By ignore files or as hidden: only under a current folder that nobody named. */
  readonly ignored: number;
  readonly binary: number;
  /** Files on the deny list, and folders on it (which are not entered). */
  readonly denied: number;
  /** No permission, no regular file (fifo, device, socket), damaged compressed data, or a name that is not UTF-8. */
  readonly unreadable: number;
  /** Symbolic links: their targets are listed where they are, if they are in the workspace. */
  readonly links: number;
  /** Folders of version control (`.git`), which are not entered. */
  readonly repositories: number;
}

export interface FileList {
  /** Sorted by path. */
  readonly files: readonly CorpusFile[];
  /** Bytes of all files. */
  readonly size: number;
  readonly leftOut: LeftOut;
}

/** Which files a search is about. Names, globs and types are a cell's: nothing in them is trusted. */
export interface Selection {
  /** Files, folders and globs; null for everything. */
  readonly paths: readonly string[] | null;
  /** As ripgrep's -g and -t. */
  readonly globs: readonly string[];
  readonly types: readonly string[];
  /** Lift ripgrep's rules where they apply at all. */
  readonly hidden: boolean;
  readonly noIgnore: boolean;
}

/** What a search asks: the files it may look into, sorted by path, each a regular text file a moment ago. */
export interface Selectable {
  select(selection: Selection, signal?: AbortSignal): Promise<readonly HostFile[]>;
}

interface ContextCommon {
  /** Last path part (`a.log`; a second one `a.log#2`; stdin: `stdin`). */
  readonly name: string;
  /** Bytes of UTF-8; of a corpus, of all its files. */
  readonly size: number;
  /** sha-256 of the bytes of a text; of a corpus, of its sorted list of path, size and mtime. */
  readonly identity: string;
  /** What a user should be told once about it, each one line. */
  readonly notices: readonly string[];
  /** Removes what had to be stored for it (stdin); nothing can be read from it afterwards. */
  close?(): Promise<void>;
}

/** A context that is loaded whole. */
export interface TextSource extends ContextCommon {
  readonly kind: "text" | "json" | "jsonl";
  /** The file it is in, where it is in one. */
  readonly file?: HostFile;
  /** The bytes without a byte order mark, in order, in pieces of at most 1 MiB; may be read more than once. Throws E_CONTEXT_CHANGED when the file is another by now. */
  stream(): AsyncIterable<Uint8Array>;
  /** Some of the bytes; fewer at the end. */
  readAt(offset: number, length: number): Promise<Uint8Array>;
}

/** A context that is read on demand. */
export interface CorpusSource extends ContextCommon {
  readonly kind: "corpus";
  readonly corpus: Corpus;
}

/** One `--context`, opened. */
export type ContextSource = TextSource | CorpusSource;

/** The files of one corpus context as they were when it was opened. Reading one that changed since is E_CONTEXT_CHANGED. */
export interface Corpus extends FileList, Selectable {
  read(path: string, range?: unknown, signal?: AbortSignal): Promise<string>;
  readPiece(path: string, piece: PieceRequest, signal?: AbortSignal): Promise<Piece>;
  /** Bytes of UTF-8 of a file's text: what it has when it is decompressed. */
  textSize(path: string): Promise<number>;
}

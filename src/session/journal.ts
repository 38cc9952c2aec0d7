// A session's journal: JSON Lines, appended by the host alone, one write a record. A journal that cannot be written never stops a run:
// it says so once and is silent from then on. A session nobody keeps has one too, in a file without a name: it is rebuilt from it.
import {
  closeSync,
  copyFileSync,
  fdatasyncSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { digest, FolderBlobs, InlineBlobs, type Blobs } from "./blobs.ts";
import type { BlobRef, JournalRecord } from "./records.ts";
import { makeFolder } from "./state-dir.ts";

/** Values over this many UTF-16 units of JSON are blobs; of what stands in the journal already, over the second number. */
const MAX_INLINE = 64 * 1024;
const MAX_INLINE_AGAIN = 256;
/** Results of calls that can be made again are kept by value up to this size. */
const MAX_REPEATABLE = 16 * 1024;
/** Bytes of a journal with its blobs: code that fills the disk ends there, and the session goes on. */
const MAX_BYTES = 4 * 1024 ** 3;
const NEWLINE = 10;

export interface Journal {
  /** It stays when the session is closed. */
  readonly isKept: boolean;
  write(record: JournalRecord): void;
  /** A value for a record: itself, or where it stands when it is large. `isAgain`: it was written before. */
  value(json: string, isAgain?: boolean): unknown;
  /** The same for a text. */
  text(text: string): string | BlobRef;
  /** How the result of a repeatable call is kept: its value when small, else its hash. */
  repeatable(json: string): { readonly value?: unknown; readonly hash?: string };
  /** Waits until what was written is on the disk. */
  sync(): void;
  close(): void;
  /** What was written so far; undefined where it cannot be had. */
  records(): JournalRecord[] | undefined;
  /** JSON text of what `value` kept. Throws when it is gone. */
  jsonOf(kept: unknown): string;
  /** What `text` kept. Throws when it is gone. */
  textOf(kept: string | BlobRef): string;
}

/** A file's, or one without a name. Owns its descriptor. */
export class FileJournal implements Journal {
  /** Undefined: nothing is left of it. */
  readonly #folder: string | undefined;
  readonly #onFailure: (text: string) => void;
  #file: number | undefined;
  #blobs: Blobs | undefined;
  #bytes = 0;

  private constructor(folder: string | undefined, open: () => number, onFailure: (text: string) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
    this.#try(() => {
      const file = open();
      this.#file = file;
      this.#bytes = fstatSync(file).size;
      this.#blobs = folder === undefined ? new InlineBlobs(file, (line) => this.#append(file, line)) : new FolderBlobs(folder);
    });
  }

  /** Makes `<folder>/journal.jsonl`, readable by its owner alone. Never throws: `onFailure` is told, once. */
  static in(folder: string, onFailure: (text: string) => void): FileJournal {
    const open = (): number => {
      makeFolder(join(folder, "blobs"));
      return openSync(join(folder, "journal.jsonl"), "ax+", 0o600);
    };
    return new FileJournal(folder, open, onFailure);
  }

  /** One that is there already, cut back to what is whole of it; what was cut stays beside it as `journal.damaged`. Throws where it is not. */
  static again(
    folder: string,
    onFailure: (text: string) => void,
  ): { readonly journal: FileJournal; readonly repaired: string | undefined } {
    const path = join(folder, "journal.jsonl");
    const bytes = readFileSync(path);
    const whole = wholeLength(bytes);
    if (whole < bytes.length) {
      copyFileSync(path, join(folder, "journal.damaged"));
      truncateSync(path, whole);
    }
    const repaired = whole < bytes.length ? `was whole up to byte ${whole} of ${bytes.length}; the rest does not count` : undefined;
    return { journal: new FileJournal(folder, () => openSync(path, "a+"), onFailure), repaired };
  }

  /** In the temporary folder, and gone with this process however it ends. Where there is no such folder the session goes without. */
  static unnamed(): FileJournal {
    const open = (): number => {
      const folder = mkdtempSync(join(tmpdir(), "rlm-repl-"));
      try {
        return openSync(join(folder, "journal"), "ax+", 0o600);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };
    return new FileJournal(undefined, open, () => undefined);
  }

  get isKept(): boolean {
    return this.#folder !== undefined && this.#file !== undefined;
  }

  write(record: JournalRecord): void {
    const file = this.#file;
    if (file !== undefined) this.#try(() => void this.#append(file, `${JSON.stringify(record)}\n`));
  }

  value(json: string, isAgain = false): unknown {
    return json.length <= (isAgain ? MAX_INLINE_AGAIN : MAX_INLINE) ? (JSON.parse(json) as unknown) : this.#blob(json);
  }

  text(text: string): string | BlobRef {
    return text.length <= MAX_INLINE ? text : this.#blob(JSON.stringify(text));
  }

  repeatable(json: string): { readonly value?: unknown; readonly hash?: string } {
    return json.length <= MAX_REPEATABLE ? { value: JSON.parse(json) as unknown, hash: digest(json) } : { hash: digest(json) };
  }

  sync(): void {
    const file = this.#file;
    if (file !== undefined && this.#folder !== undefined) this.#try(() => fdatasyncSync(file));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  records(): JournalRecord[] | undefined {
    if (this.#file === undefined) return undefined;
    const bytes = Buffer.alloc(fstatSync(this.#file).size);
    let read = 0;
    while (read < bytes.length) {
      const more = readSync(this.#file, bytes, read, bytes.length - read, read);
      if (more === 0) break;
      read += more;
    }
    return parseRecords(bytes.subarray(0, read));
  }

  jsonOf(kept: unknown): string {
    return isBlobRef(kept) ? this.#read(kept) : JSON.stringify(kept);
  }

  textOf(kept: string | BlobRef): string {
    if (typeof kept === "string") return kept;
    const text: unknown = JSON.parse(this.#read(kept));
    return typeof text === "string" ? text : "";
  }

  #read({ $blob: hash }: BlobRef): string {
    if (this.#blobs === undefined) throw new Error("there is no journal");
    return this.#blobs.get(hash);
  }

  #blob(text: string): BlobRef {
    const hash = digest(text);
    if (this.#file !== undefined) this.#try(() => this.#count(this.#blobs?.put(hash, text) ?? 0));
    return { $blob: hash };
  }

  /** Returns the offset it begins at. */
  #append(file: number, line: string): number {
    const offset = this.#bytes;
    this.#count(writeSync(file, line));
    return offset;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) throw new Error(`it is over ${MAX_BYTES / 1024 ** 3} GiB`);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#file !== undefined) {
        try {
          closeSync(this.#file);
        } catch {
          // The first failure is the one that is told.
        }
      }
      this.#file = undefined;
      this.#onFailure(
        `the journal in ${this.#folder ?? tmpdir()} cannot be written (${messageOf(error)}): this session goes on without it; --state-dir DIR chooses another place`,
      );
    }
  }
}

function isBlobRef(value: unknown): value is BlobRef {
  return (
    typeof value === "object" && value !== null && "$blob" in value && typeof value.$blob === "string" && Object.keys(value).length === 1
  );
}

/** Bytes of the lines that are records, up to the first that is none. */
function wholeLength(bytes: Buffer): number {
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    if (!isRecord(bytes.toString("utf8", start, end))) return start;
    start = end + 1;
  }
  return start;
}

function isRecord(line: string): boolean {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === "object" && record !== null && "type" in record && typeof record.type === "string";
  } catch {
    return false;
  }
}

/** Whole lines, each a record. */
function parseRecords(bytes: Buffer): JournalRecord[] {
  const records: JournalRecord[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    records.push(JSON.parse(bytes.toString("utf8", start, end)));
    start = end + 1;
  }
  return records;
}

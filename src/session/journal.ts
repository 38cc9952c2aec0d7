// A session's journal: JSON Lines, appended by the host alone, one write a record. A journal that cannot be written never stops a run:
// it says so once and is silent from then on.
import { createHash } from "node:crypto";
import { closeSync, existsSync, fdatasyncSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import type { BlobRef, JournalRecord } from "./records.ts";
import { makeFolder } from "./state-dir.ts";

/** Values over this many bytes of JSON stand in a file of their own. */
const MAX_INLINE = 64 * 1024;
/** Results of calls that can be made again are kept by value up to this size. */
const MAX_REPEATABLE = 16 * 1024;

export interface Journal {
  write(record: JournalRecord): void;
  /** A value for a record: itself, or where it stands when it is large. */
  value(json: string): unknown;
  /** The same for a text. */
  text(text: string): string | BlobRef;
  /** How the result of a repeatable call is kept: its value when small, else its hash. */
  repeatable(json: string): { readonly value?: unknown; readonly hash?: string };
  /** Waits until what was written is on the disk. */
  sync(): void;
  close(): void;
}

export function digest(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Of a session nobody wants to keep. */
export const NO_JOURNAL: Journal = {
  write: () => undefined,
  value: () => null,
  text: (text) => text,
  repeatable: () => ({}),
  sync: () => undefined,
  close: () => undefined,
};

export class FileJournal implements Journal {
  readonly #folder: string;
  readonly #onFailure: (text: string) => void;
  #file: number | undefined;

  /** Makes `<folder>/journal.jsonl`, readable by its owner alone. Never throws: `onFailure` is told, once. */
  constructor(folder: string, onFailure: (text: string) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
    this.#try(() => {
      makeFolder(join(folder, "blobs"));
      this.#file = openSync(join(folder, "journal.jsonl"), "ax", 0o600);
    });
  }

  write(record: JournalRecord): void {
    const file = this.#file;
    if (file !== undefined) this.#try(() => void writeSync(file, `${JSON.stringify(record)}\n`));
  }

  value(json: string): unknown {
    if (json.length <= MAX_INLINE) return JSON.parse(json) as unknown;
    return this.#blob(json);
  }

  text(text: string): string | BlobRef {
    return text.length <= MAX_INLINE ? text : this.#blob(JSON.stringify(text));
  }

  repeatable(json: string): { readonly value?: unknown; readonly hash?: string } {
    return json.length <= MAX_REPEATABLE ? { value: JSON.parse(json) as unknown, hash: digest(json) } : { hash: digest(json) };
  }

  sync(): void {
    const file = this.#file;
    if (file !== undefined) this.#try(() => fdatasyncSync(file));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #blob(text: string): BlobRef {
    const hash = digest(text);
    const path = join(this.#folder, "blobs", hash);
    if (this.#file !== undefined && !existsSync(path)) this.#try(() => writeFileSync(path, text, { mode: 0o600 }));
    return { $blob: hash };
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
        `the journal in ${this.#folder} cannot be written (${messageOf(error)}): this session goes on without it; --state-dir DIR chooses another place`,
      );
    }
  }
}

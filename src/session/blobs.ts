// What is too large for a record, or stands in many: kept once, by its hash. In files beside the journal; or, where nothing is kept, as
// lines of the journal itself.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Blobs {
  /** Keeps a text and returns how many bytes that took. Throws what the system says. */
  put(hash: string, text: string): number;
  /** Throws where it is not there. */
  get(hash: string): string;
}

export function digest(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** `blobs/<sha256>` in a folder. */
export class FolderBlobs implements Blobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, "blobs");
  }

  put(hash: string, text: string): number {
    const path = join(this.#folder, hash);
    if (existsSync(path)) return 0;
    writeFileSync(path, text, { mode: 0o600 });
    return Buffer.byteLength(text);
  }

  get(hash: string): string {
    const text = readFileSync(join(this.#folder, hash), "utf8");
    if (digest(text) !== hash) throw new Error(`the blob ${hash} is not what its name says`);
    return text;
  }
}

/** Lines of a file that has no name. */
export class InlineBlobs implements Blobs {
  readonly #append: (line: string) => number;
  readonly #file: number;
  readonly #places = new Map<string, { readonly offset: number; readonly length: number }>();

  /** `append` writes a line and returns the offset it begins at. */
  constructor(file: number, append: (line: string) => number) {
    this.#file = file;
    this.#append = append;
  }

  put(hash: string, text: string): number {
    if (this.#places.has(hash)) return 0;
    const line = `${JSON.stringify({ type: "blob", text })}\n`;
    this.#places.set(hash, { offset: this.#append(line), length: Buffer.byteLength(line) });
    // The line is counted where it was written.
    return 0;
  }

  get(hash: string): string {
    const place = this.#places.get(hash);
    if (place === undefined) throw new Error(`there is no blob ${hash}`);
    const bytes = Buffer.alloc(place.length);
    readSync(this.#file, bytes, 0, place.length, place.offset);
    const line: unknown = JSON.parse(bytes.toString());
    return typeof line === "object" && line !== null && "text" in line && typeof line.text === "string" ? line.text : "";
  }
}

// Texts of compressed and UTF-16 files, each decoded once into a file of our own that has no name: pieces and lines of it are then read
// as of any file, and nothing is left behind however this process ends. Bounded in bytes and in number; the oldest goes first.
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pLimit from "p-limit";
import { HostError } from "../errors.ts";
import type { OpenFile } from "./safe-open.ts";
import { isEncoded, textOf } from "./stored-text.ts";
import { unlessAborted } from "./unless-aborted.ts";

const GiB = 1024 ** 3;

/** Bytes of the text of one file inside a corpus or workspace. The temporary folder is often memory. */
export const MAX_COPY = GiB;
/** Kept at a time when nobody reads them. */
const MAX_KEPT = 2 * GiB;
/** Each is a descriptor. */
const MAX_COPIES = 32;
const DECODED_AT_ONCE = 2;

/** A text in UTF-8, open. Dispose it. */
export interface OpenText extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly size: number;
}

interface Copy {
  readonly text: Promise<{ readonly handle: FileHandle; readonly size: number }>;
  /** Null while it is decoded. */
  size: number | null;
  readers: number;
}

/** One for each session. Dispose it: a decoding that runs is stopped, and the copies go. */
export class TextCopies implements AsyncDisposable {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #limit = pLimit(DECODED_AT_ONCE);
  readonly #closing = new AbortController();
  /** By file, size and time; the latest used last. */
  readonly #copies = new Map<string, Copy>();

  constructor({ folder = tmpdir(), maxBytes = MAX_COPY }: { readonly folder?: string; readonly maxBytes?: number } = {}) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** The text of a file, which is now owned here. A signal ends the waiting only: what is decoded serves the next one who asks. */
  async open(file: OpenFile, written: string, signal?: AbortSignal): Promise<OpenText> {
    try {
      if (!(await isEncoded(file))) return { handle: file.handle, size: file.stats.size, [Symbol.asyncDispose]: () => file.handle.close() };
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
    const copy = this.#copyOf(file, written);
    // At once: nobody may close it between here and the first read.
    copy.readers++;
    const release = async (): Promise<void> => {
      copy.readers--;
      await this.#trim();
    };
    try {
      const { handle, size } = await unlessAborted(copy.text, signal);
      return { handle, size, [Symbol.asyncDispose]: release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new HostError("E_CANCELLED", "the session was closed"));
    const copies = [...this.#copies.values()];
    this.#copies.clear();
    await Promise.all(copies.map(close));
  }

  /** The one there is, or a new one, which then owns the file. */
  #copyOf(file: OpenFile, written: string): Copy {
    const key = `${file.located.real}\0${file.stats.size}\0${file.stats.mtimeMs}`;
    const known = this.#copies.get(key);
    if (known !== undefined) {
      this.#copies.delete(key);
      this.#copies.set(key, known);
      void file[Symbol.asyncDispose]();
      return known;
    }
    const text = this.#limit(() => this.#decode(file, written));
    const copy: Copy = { text, size: null, readers: 0 };
    this.#copies.set(key, copy);
    void text.then(
      ({ size }) => (copy.size = size),
      () => this.#copies.delete(key),
    );
    return copy;
  }

  async #decode(file: OpenFile, written: string): Promise<{ handle: FileHandle; size: number }> {
    await using source = file;
    const handle = await openNameless(this.#folder);
    let size = 0;
    try {
      for await (const chunk of textOf(source, written, this.#maxBytes, this.#closing.signal)) {
        await handle.writeFile(chunk);
        size += chunk.length;
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { handle, size };
  }

  async #trim(): Promise<void> {
    let bytes = this.#copies.values().reduce((sum, copy) => sum + (copy.size ?? 0), 0);
    for (const [key, copy] of this.#copies) {
      if (bytes <= MAX_KEPT && this.#copies.size <= MAX_COPIES) return;
      if (copy.readers > 0 || copy.size === null) continue;
      this.#copies.delete(key);
      bytes -= copy.size;
      await close(copy);
    }
  }
}

async function close(copy: Copy): Promise<void> {
  const text = await copy.text.catch(() => null);
  await text?.handle.close();
}

/** A new file that only this process can reach. */
async function openNameless(folder: string): Promise<FileHandle> {
  const own = await mkdtemp(path.join(folder, "rlm-repl-"));
  try {
    return await open(path.join(own, "text"), "wx+", 0o600);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

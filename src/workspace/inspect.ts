// Size, time and kind of a file from one look at its head. Remembered by size and time, so that a second listing only asks for those.
import { close, closeSync, constants, fstat, fstatSync, lstatSync, open, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { Compression } from "./compression.ts";
import { BINARY_HEAD, textHead } from "./stored-text.ts";
import { utf16Of } from "./utf16.ts";

// Plain descriptors: measured over 19,239 files, FileHandles take twice the time.
const fd = { open: promisify(open), fstat: promisify(fstat), read: promisify(read), close: promisify(close) };
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Files remembered; then the memory starts anew. */
const MAX_REMEMBERED = 500_000;

export interface Inspected {
  readonly size: number;
  readonly modified: number;
  readonly binary: boolean;
}

/** Looks at files of paths that were walked (never at a cell's word). One for each workspace. */
export class Inspector {
  readonly #seen = new Map<string, Inspected>();

  /** What is known of a file that has not changed since it was looked at. */
  remembered(real: string): Inspected | undefined {
    const seen = this.#seen.get(real);
    return seen !== undefined && isUnchanged(real, seen) ? seen : undefined;
  }

  /** As `inspect` does, at once: a fifth of the time where the system has the file in memory. Undefined for text that is stored otherwise. */
  inspectNow(real: string): Inspected | null | undefined {
    try {
      const inspected = lookNow(real);
      if (inspected !== undefined && inspected !== null) this.#remember(real, inspected);
      return inspected;
    } catch {
      this.#seen.delete(real);
      return null;
    }
  }

  #remember(real: string, inspected: Inspected): void {
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear();
    this.#seen.set(real, inspected);
  }

  /** Null when it cannot be read, is no regular file (any more), or is not compressed as its name says. */
  async inspect(real: string, compression: Compression | null): Promise<Inspected | null> {
    try {
      const inspected = await look(real, compression);
      if (inspected !== null) this.#remember(real, inspected);
      return inspected;
    } catch {
      this.#seen.delete(real);
      return null;
    }
  }
}

/** Is the file still a regular one of the same size and time? A stat of a known path takes 3 µs here, in the thread pool 15. */
export function isUnchanged(real: string, seen: { readonly size: number; readonly modified: number }): boolean {
  try {
    const stats = lstatSync(real, { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === seen.size && stats.mtimeMs === seen.modified;
  } catch {
    return false;
  }
}

const HEAD = Buffer.allocUnsafeSlow(BINARY_HEAD);

function lookNow(real: string): Inspected | null | undefined {
  const descriptor = openSync(real, FLAGS);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return null;
    const { size, mtimeMs: modified } = stats;
    const head = HEAD.subarray(0, size === 0 ? 0 : readSync(descriptor, HEAD, 0, Math.min(size, BINARY_HEAD), 0));
    return utf16Of(head) === null ? { size, modified, binary: head.includes(0) } : undefined;
  } finally {
    closeSync(descriptor);
  }
}

async function look(real: string, compression: Compression | null): Promise<Inspected | null> {
  const descriptor = await fd.open(real, FLAGS);
  try {
    const stats = await fd.fstat(descriptor);
    if (!stats.isFile()) return null;
    const { size, mtimeMs: modified } = stats;
    if (size === 0) return { size, modified, binary: false };
    const length = Math.min(size, BINARY_HEAD);
    const { bytesRead, buffer } = await fd.read(descriptor, Buffer.allocUnsafe(length), 0, length, 0);
    const head = await textHead(buffer.subarray(0, bytesRead), bytesRead === size, compression);
    return head === null ? null : { size, modified, binary: head.includes(0) };
  } finally {
    await fd.close(descriptor);
  }
}

// Lines of an open file as bytes, read in chunks: a small slice of a large file costs no memory but the slice.
import type { FileHandle } from "node:fs/promises";

const CHUNK = 256 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/** Thrown by `readLines` when the slice is over `maxBytes`: the caller knows the file's name and what to advise. */
export class SliceTooLarge extends Error {
  override readonly name = "SliceTooLarge";
}

export interface Slice {
  /** First line, from 1. */
  readonly start: number;
  /** Last line, inclusive; null for the rest of the file. */
  readonly end: number | null;
}

/**
 * The bytes of these lines, line ends inside kept as they are. With an `end` the last line comes without its own line end;
 * without one the rest of the file comes as it is. Lines past the end of the file are not there: "" or less than asked for. A small
 * file needs no large buffer where its size is known.
 */
export async function readLines(
  handle: FileHandle,
  slice: Slice,
  maxBytes: number,
  signal: AbortSignal,
  fileSize = CHUNK,
): Promise<Buffer> {
  const kept: Buffer[] = [];
  let size = 0;
  let line = 1;
  for await (const chunk of chunksOf(handle, 0, signal, Math.min(CHUNK, fileSize + 1))) {
    const skipped = skipLines(chunk, 0, slice.start - line);
    line += skipped.lines;
    if (line < slice.start) continue;
    const taken = slice.end === null ? { at: chunk.length, lines: 0 } : skipLines(chunk, skipped.at, slice.end + 1 - line);
    line += taken.lines;
    const part = chunk.subarray(skipped.at, taken.at);
    size += part.length;
    if (size > maxBytes) throw new SliceTooLarge();
    kept.push(part);
    if (slice.end !== null && line > slice.end) break;
  }
  const bytes = Buffer.concat(kept, size);
  return slice.end === null ? bytes : withoutLineEnd(bytes);
}

/** The file's bytes from `offset`, each chunk the caller's to keep. Ends at the signal by throwing its reason. */
export async function* chunksOf(handle: FileHandle, offset: number, signal?: AbortSignal, chunkSize = CHUNK): AsyncGenerator<Buffer> {
  for (let position = offset; ;) {
    signal?.throwIfAborted();
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** `length` bytes from `offset`, or what there is of them. */
export async function readWindow(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Passes over up to `count` line ends: where it stopped, and how many there were. A chunk that ends early is passed whole. */
export function skipLines(chunk: Buffer, from: number, count: number): { at: number; lines: number } {
  let at = from;
  let lines = 0;
  for (; lines < count; lines++) {
    const newline = chunk.indexOf(NEWLINE, at);
    if (newline === -1) return { at: chunk.length, lines };
    at = newline + 1;
  }
  return { at, lines };
}

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== NEWLINE) return bytes;
  return bytes.subarray(0, bytes.at(-2) === RETURN ? -2 : -1);
}

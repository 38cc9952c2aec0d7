// The text of a file however it is stored: as it is, compressed, in UTF-16, or both. In UTF-8, and bounded: a few kilobytes can hold terabytes.
import type { FileHandle } from "node:fs/promises";
import { HostError } from "../errors.ts";
import { compressionOf, DamagedData, decompressed, type Compression } from "./compression.ts";
import { bytesInWords } from "./describe.ts";
import { chunksOf } from "./lines.ts";
import { quoted } from "./path-errors.ts";
import type { OpenFile } from "./safe-open.ts";
import { asUtf8, utf16Of } from "./utf16.ts";

/** A NUL byte in here makes a text binary. */
export const BINARY_HEAD = 8 * 1024;

/** How the file is compressed, by its own name or that of the link to it. An empty file is an empty text whatever its name says. */
export function compressionOfFile({ located, stats }: OpenFile): Compression | null {
  return stats.size === 0 ? null : compressionOf(located.real, located.relative);
}

/** Is the text other bytes than the file? */
export async function isEncoded(file: OpenFile): Promise<boolean> {
  if (compressionOfFile(file) !== null) return true;
  const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(4), 0, 4, 0);
  return utf16Of(buffer.subarray(0, bytesRead)) !== null;
}

/** Its text, at most `maxBytes` of it. Throws E_TOO_LARGE past that, E_NOT_FOUND for damaged data, both with `written` in it. */
export async function* textOf(file: OpenFile, written: string, maxBytes: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const { handle, stats } = file;
  const compression = compressionOfFile(file);
  let size = 0;
  try {
    for await (const chunk of asUtf8(storedBytes(handle, stats.size, compression, signal))) {
      signal?.throwIfAborted();
      size += chunk.length;
      if (size > maxBytes) throw tooLong(written, stats.size, maxBytes);
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof DamagedData)) throw error;
    throw new HostError("E_NOT_FOUND", `${quoted(written)} cannot be read (${error.message})`, { cause: error });
  }
}

/** What tells text from binary: the first bytes of the text, given those of the file. Null for damaged data. */
export async function textHead(head: Buffer, isWhole: boolean, compression: Compression | null): Promise<Buffer | null> {
  if (compression === null && utf16Of(head) === null) return head;
  const parts: Buffer[] = [];
  let length = 0;
  const stored =
    compression === null
      ? once(head)
      : decompressed({ compression, size: head.length, from: (at) => once(head.subarray(at)), isPart: !isWhole });
  try {
    for await (const part of asUtf8(stored)) {
      parts.push(part);
      length += part.length;
      if (length >= BINARY_HEAD) break;
    }
  } catch (error) {
    if (error instanceof DamagedData) return null;
    throw error;
  }
  return Buffer.concat(parts).subarray(0, BINARY_HEAD);
}

function storedBytes(handle: FileHandle, size: number, compression: Compression | null, signal?: AbortSignal): AsyncIterable<Buffer> {
  if (compression === null) return chunksOf(handle, 0, signal);
  return decompressed({ compression, size, from: (offset) => chunksOf(handle, offset, signal) });
}

function tooLong(written: string, size: number, maxBytes: number): HostError {
  return new HostError(
    "E_TOO_LARGE",
    `${quoted(written)} (${bytesInWords(size)}) is over ${maxBytes / 1024 / 1024} MiB of text once it is decoded, the most that is taken: decompress it to a file, and name that`,
  );
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

// A context that is loaded whole: hashed once when it is opened, streamed as often as a sandbox needs it, the same bytes each time or an error.
import { createHash } from "node:crypto";
import { chunksOf, readWindow } from "./lines.ts";
import type { Mount } from "./mount.ts";
import { changed } from "./path-errors.ts";
import { openInside, type OpenFile } from "./safe-open.ts";
import type { HostFile, TextSource } from "./types.ts";
import { bomLength } from "./utf8.ts";

/** Bytes of a piece of `stream`. */
const PIECE = 1024 * 1024;

/** Reads the one file of a mount through and remembers what it was. */
export async function openTextSource(mount: Mount, name: string, kind: TextSource["kind"], signal?: AbortSignal): Promise<TextSource> {
  const seen = await hashed(mount, name, signal);
  const { file } = seen;
  return {
    kind,
    name,
    size: file.size,
    identity: seen.sha256,
    notices: [],
    file,
    stream: () => unchangedBytes(mount, name, file),
    readAt: (offset, length) => unchangedPart(mount, name, file, { offset, length }),
  };
}

async function hashed(mount: Mount, name: string, signal?: AbortSignal): Promise<{ sha256: string; file: HostFile }> {
  await using open = await reopen(mount, name);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunksOf(open.handle, 0, signal, PIECE)) {
    hash.update(chunk);
    size += chunk.length;
  }
  // What was hashed counts, should the file have grown meanwhile: the next look then says that it changed.
  return { sha256: hash.digest("hex"), file: { path: mount.at, size, real: mount.real, modified: open.stats.mtimeMs } };
}

async function unchangedPart(mount: Mount, name: string, seen: HostFile, part: { offset: number; length: number }): Promise<Uint8Array> {
  await using open = await unchangedFile(mount, name, seen);
  const length = Math.max(0, Math.min(part.length, seen.size - part.offset));
  return await readWindow(open.handle, part.offset, length);
}

async function* unchangedBytes(mount: Mount, name: string, seen: HostFile): AsyncGenerator<Uint8Array> {
  await using open = await unchangedFile(mount, name, seen);
  let size = 0;
  for await (const chunk of chunksOf(open.handle, 0, undefined, PIECE)) {
    const bom = size === 0 ? bomLength(chunk) : 0;
    size += chunk.length;
    if (size > seen.size) throw changed(name);
    yield chunk.subarray(bom);
  }
  if (size < seen.size) throw changed(name);
}

async function unchangedFile(mount: Mount, name: string, seen: HostFile): Promise<OpenFile> {
  const open = await reopen(mount, name);
  if (open.stats.size === seen.size && open.stats.mtimeMs === seen.modified) return open;
  await open[Symbol.asyncDispose]();
  throw changed(name);
}

async function reopen(mount: Mount, name: string): Promise<OpenFile> {
  const open = await openInside([mount], mount.at);
  if (open === null) throw changed(name);
  return open;
}

// Every regular file below a folder, by names alone: links are not followed, closed folders not entered, special files not touched.
// Measured over 19,239 files: this 40 ms, `rg --files` 50 ms plus a process; and only this sees links and what may not be read.
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Dirent } from "node:fs";
import { isDeniedFile, isDeniedFolder } from "./deny.ts";

/** Folders read at once: more only queue in the runtime's own threads. */
const CONCURRENCY = 16;
/** Insides of version control are no text of the user's, and hold credentials in places. */
const REPOSITORIES = new Set([".git", ".hg", ".svn", ".jj"]);

export interface Walked {
  /** Absolute paths, in no order. */
  readonly files: string[];
  denied: number;
  unreadable: number;
  links: number;
  repositories: number;
}

/** Walks a folder (absolute). A folder that cannot be read is counted. */
export async function walk(folder: string, signal?: AbortSignal): Promise<Walked> {
  const walked: Walked = { files: [], denied: 0, unreadable: 0, links: 0, repositories: 0 };
  const queue = [folder];
  const readers = new Set<Promise<void>>();
  while (queue.length > 0 || readers.size > 0) {
    signal?.throwIfAborted();
    const next = readers.size < CONCURRENCY ? queue.pop() : undefined;
    if (next === undefined) {
      await Promise.race(readers);
      continue;
    }
    const reader: Promise<void> = readFolder(next, queue, walked).finally(() => readers.delete(reader));
    readers.add(reader);
  }
  return walked;
}

async function readFolder(folder: string, queue: string[], walked: Walked): Promise<void> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    walked.unreadable++;
    return;
  }
  for (const entry of entries) note(entry, path.join(folder, entry.name), queue, walked);
}

function note(entry: Dirent, full: string, queue: string[], walked: Walked): void {
  if (entry.isSymbolicLink()) walked.links++;
  else if (entry.isDirectory()) {
    if (REPOSITORIES.has(entry.name)) walked.repositories++;
    else if (isDeniedFolder(full)) walked.denied++;
    else queue.push(full);
  } else if (isDeniedFile(full)) walked.denied++;
  else if (entry.isFile()) walked.files.push(full);
  else walked.unreadable++;
}

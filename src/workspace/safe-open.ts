// Opening a file that a cell chose: only a regular file, only inside the workspace, whatever it is swapped for in between.
// Order matters: the checks of `locate` come first so that devices are not even opened; the descriptor is checked again because
// between the two the path may have become something else. Opening never waits (a fifo would).
import { constants } from "node:fs";
import { open, readlink, realpath, type FileHandle } from "node:fs/promises";
import type { Stats } from "node:fs";
import { isDenied } from "./deny.ts";
import { locate, type Located } from "./locate.ts";
import { holds, type Mount } from "./mount.ts";
import { denied, errorCode, isFolder, notRegular, outside, unreadable } from "./path-errors.ts";

/** A file, open and proven to be inside. Dispose it. */
export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: Stats;
  readonly located: Located;
}

// Flags that a system lacks count nothing there.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Opens the file that a path means; null when there is none. The caller owns it. */
export async function openInside(mounts: readonly Mount[], written: string): Promise<OpenFile | null> {
  const located = await locate(mounts, written);
  if (located === null) return null;
  assertRegular(located.stats, written);
  return openLocated(mounts, located, written);
}

async function openLocated(mounts: readonly Mount[], located: Located, written: string): Promise<OpenFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(located.real, FLAGS);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return null;
    // O_NOFOLLOW: it became a link just now, and where that leads was not looked at.
    if (code === "ELOOP" || code === "EMLINK") throw outside(written, mounts);
    throw unreadable(written, error);
  }
  try {
    const stats = await handle.stat();
    assertRegular(stats, written);
    const real = await pathOf(handle, stats, located.real);
    if (!holds(mounts, real)) throw outside(written, mounts);
    if (isDenied(real)) throw denied(written);
    return { handle, stats, located, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where an open file really is. Linux tells by the descriptor; elsewhere the path is looked up again. */
async function pathOf(handle: FileHandle, stats: Stats, real: string): Promise<string> {
  if (process.platform !== "linux") return realpath(real);
  const target = await readlink(`/proc/self/fd/${handle.fd}`);
  // Deleted since it was opened: the system marks where it was.
  return stats.nlink === 0 ? target.replace(/ \(deleted\)$/u, "") : target;
}

function assertRegular(stats: Stats, written: string): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw isFolder(written);
  throw notRegular(written, specialKind(stats));
}

/** The word for what is neither a file nor a folder. */
export function specialKind(stats: Stats): string {
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "device";
  return "special file";
}

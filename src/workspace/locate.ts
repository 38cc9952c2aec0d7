// From a path as a cell wrote it to one existing file or folder of the workspace, or the reason why not.
// Whether something outside exists is never told: a path that leads out is "outside" either way.
import { lstat, realpath } from "node:fs/promises";
import path from "node:path";
import type { Stats } from "node:fs";
import { HostError } from "../errors.ts";
import { isDenied } from "./deny.ts";
import { candidatesOf, holds, type Candidate, type Mount } from "./mount.ts";
import { denied, errorCode, outside, unreadable } from "./path-errors.ts";

/** Something of the workspace that exists. */
export interface Located {
  readonly mount: Mount;
  /** Below the mount's base, with "/" (where a link of the workspace was followed: the link's own path). */
  readonly relative: string;
  readonly real: string;
  readonly stats: Stats;
}

const MISSING = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** The first candidate that exists, or null when none does. Throws E_OUTSIDE_WORKSPACE, E_DENIED, or E_NOT_FOUND for what cannot be looked at. */
export async function locate(mounts: readonly Mount[], written: string): Promise<Located | null> {
  const candidates = candidatesOf(mounts, written);
  if (candidates.length === 0) throw outside(written, mounts);
  for (const candidate of candidates) {
    if (isDenied(candidate.target)) throw denied(written);
    const found = await lookUp(mounts, candidate, written);
    if (found !== null) return found;
  }
  return null;
}

async function lookUp(mounts: readonly Mount[], candidate: Candidate, written: string): Promise<Located | null> {
  try {
    const real = await realpath(candidate.target);
    if (!holds(mounts, real)) throw outside(written, mounts);
    if (isDenied(real)) throw denied(written);
    return { mount: candidate.mount, relative: candidate.relative, real, stats: await lstat(real) };
  } catch (error) {
    if (MISSING.has(errorCode(error) ?? "")) {
      if (!(await leadsInside(mounts, candidate))) throw outside(written, mounts);
      return null;
    }
    throw error instanceof HostError ? error : unreadable(written, error);
  }
}

/** The deepest folder above a missing path that exists: a link on the way must not tell what there is behind it. */
async function leadsInside(mounts: readonly Mount[], candidate: Candidate): Promise<boolean> {
  for (let folder = path.dirname(candidate.target); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const real = await realpath(folder);
      // A mount that is a file vanished itself: its folder is not the workspace's, and nothing was followed.
      return candidate.mount.kind === "file" || holds(mounts, real);
    } catch {
      // Not there either: one up.
    }
  }
  return true;
}

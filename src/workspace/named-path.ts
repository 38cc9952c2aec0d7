// What a user named on the command line: a file, a folder, a glob, or "-". Users are trusted: a link they name is followed, once.
import { constants } from "node:fs";
import { glob, open, opendir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { Stats } from "node:fs";
import { HostError } from "../errors.ts";
import { below, shown } from "./host-path.ts";
import { errorCode, reason } from "./path-errors.ts";
import { specialKind } from "./safe-open.ts";

/** One file or folder: where it is, and its absolute path as it was named. */
export interface NamedPlace {
  readonly kind: "file" | "folder";
  readonly real: string;
  readonly named: string;
}

export type NamedPath =
  | { readonly kind: "stdin"; readonly written: string }
  | { readonly kind: "file" | "folder"; readonly written: string; readonly place: NamedPlace }
  | {
      readonly kind: "glob";
      readonly written: string;
      /** The folder before the first wildcard, as named. */
      readonly folder: string;
      readonly places: readonly NamedPlace[];
    };

/** Finds out what a PATH is. A path that exists is that path, also when it looks like a glob. Throws E_USAGE with what to do. */
export async function resolveNamed(written: string, cwd: string): Promise<NamedPath> {
  if (written === "-") return { kind: "stdin", written };
  if (written === "" || written.includes("\0")) throw usage(`no such context: ${JSON.stringify(written)}`);
  const named = path.resolve(cwd, written);
  const stats = await statOf(named, written);
  if (stats !== null) {
    const place = { kind: kindOf(stats, written), real: await realpath(named), named };
    return { kind: place.kind, written, place };
  }
  if (!/[*?[{]/u.test(written)) {
    throw usage(`no such context: ${written} (looked in ${cwd}). Is it a glob? Quote it: '${globLike(written)}'`);
  }
  return expand(written, cwd);
}

/** The folder of a `--workspace`. */
export async function resolveFolder(written: string, cwd: string): Promise<NamedPlace> {
  const named = path.resolve(cwd, written);
  const stats = written === "" || written.includes("\0") ? null : await statOf(named, written);
  if (stats === null) throw usage(`no such workspace folder: ${written} (looked in ${cwd})`);
  if (!stats.isDirectory()) throw usage(`--workspace ${written} is not a folder; for one file use --context ${written}`);
  return { kind: "folder", real: await realpath(named), named };
}

/** The shell's reading of a glob: `*` stays in its folder and passes over names that begin with a dot. Only files count. */
async function expand(written: string, cwd: string): Promise<NamedPath> {
  const parts = shown(written).split("/");
  const wild = parts.findIndex((part) => /[*?[{]/u.test(part));
  const folder = path.resolve(cwd, parts.slice(0, wild).join("/") || (path.isAbsolute(written) ? path.sep : "."));
  const files: NamedPlace[] = [];
  const links: NamedPlace[] = [];
  let others = 0;
  for await (const entry of glob(parts.slice(wild).join("/"), { cwd: folder, withFileTypes: true })) {
    const named = path.join(entry.parentPath, entry.name);
    const linked = entry.isSymbolicLink() ? await linkedFile(named, folder) : null;
    if (entry.isFile()) files.push({ kind: "file", real: await realpath(named), named });
    else if (linked !== null) links.push(linked);
    else others++;
  }
  // A file and a link to it are one file, by the file's own name.
  const known = new Set(files.map((place) => place.real));
  const places = [...files, ...links.filter((place) => !known.has(place.real))];
  if (places.length === 0) {
    const hint =
      others > 0
        ? `: it matches ${others} that ${others === 1 ? "is" : "are"} no file; '${written.replace(/\/?$/u, "/**/*")}' takes what is below`
        : "";
    throw usage(`no file matches ${written} (looked in ${cwd})${hint}`);
  }
  return { kind: "glob", written, folder, places: places.toSorted((a, b) => (a.named < b.named ? -1 : 1)) };
}

/** A link that a glob found counts when it leads to a file below the glob's own folder. */
async function linkedFile(named: string, folder: string): Promise<NamedPlace | null> {
  try {
    const real = await realpath(named);
    const inside = below(await realpath(folder), real) !== null && (await stat(real)).isFile();
    return inside ? { kind: "file", real, named } : null;
  } catch {
    return null;
  }
}

async function statOf(named: string, written: string): Promise<Stats | null> {
  try {
    const stats = await stat(named);
    // Tried, not asked for: rights are more than mode bits. Special files are refused by their kind.
    if (stats.isDirectory()) await (await opendir(named)).close();
    else if (stats.isFile()) await (await open(named, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))).close();
    return stats;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new HostError("E_USAGE", `cannot read ${written} (${reason(error)})`, { cause: error });
  }
}

function kindOf(stats: Stats, written: string): "file" | "folder" {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  throw usage(`${written} is a ${specialKind(stats)}, not a file or folder; pipe it in: --context - < ${written}`);
}

function globLike(written: string): string {
  const { dir, ext } = path.parse(written);
  return path.join(dir, `*${ext}`);
}

function usage(message: string): HostError {
  return new HostError("E_USAGE", message);
}

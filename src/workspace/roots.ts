// From what was named to the mounts of a session, in the order in which a cell's path is tried:
// contexts first, the last one (the cell's `context`) foremost, then each --workspace; with neither, the current folder.
import { realpath } from "node:fs/promises";
import path from "node:path";
import { below, commonFolder, shown } from "./host-path.ts";
import type { Mount } from "./mount.ts";
import { resolveFolder, resolveNamed, type NamedPath, type NamedPlace } from "./named-path.ts";
import { uniqueNames } from "./unique-names.ts";

type Unnamed = Omit<Mount, "name">;

export interface RootOptions {
  readonly cwd: string;
  readonly workspaceDirs: readonly string[];
  readonly contextPaths: readonly string[];
  /** All context paths make one corpus (`ask`). */
  readonly combined: boolean;
  /** The current folder is searched whole, too. */
  readonly noIgnore: boolean;
}

/** The mounts of a workspace. */
export async function findRoots(options: RootOptions): Promise<Mount[]> {
  const { cwd } = options;
  const paths = await Promise.all(options.contextPaths.map((written) => resolveNamed(written, cwd)));
  const contexts = options.combined && paths.length > 1 ? [await combinedMounts(paths, cwd)] : await Promise.all(paths.map(mountsOf));
  const dirs = await Promise.all(options.workspaceDirs.map(async (written) => folderMount(await resolveFolder(written, cwd), written)));
  const mounts = [...contexts.toReversed().flat(), ...dirs];
  // Standard input names no file: with it alone there is nothing to read, rather than all that lies around.
  if (mounts.length > 0 || options.contextPaths.length > 0) return named(mounts);
  const real = await realpath(cwd);
  return named([{ base: real, at: "", real, named: cwd, kind: "folder", ignores: !options.noIgnore, label: "the current folder" }]);
}

/** The mounts of one context. Paths are relative to the folder, to the file's folder, or to the folder before the glob's first wildcard. */
export async function contextMounts(source: NamedPath): Promise<Mount[]> {
  return named(await mountsOf(source));
}

/** The mounts of several paths as one corpus: relative to the current folder, or to what they have in common where one is outside it. */
export async function combinedContextMounts(sources: readonly NamedPath[], cwd: string): Promise<Mount[]> {
  return named(await combinedMounts(sources, cwd));
}

async function mountsOf(source: NamedPath): Promise<Unnamed[]> {
  if (source.kind === "stdin") return [];
  if (source.kind === "glob") return placed(source.places, source.folder, source.written);
  const { place, written } = source;
  return place.kind === "folder" ? [folderMount(place, written)] : placed([place], path.dirname(place.named), written);
}

async function combinedMounts(sources: readonly NamedPath[], cwd: string): Promise<Unnamed[]> {
  const places = sources.flatMap((source) => placesOf(source).map((place) => ({ place, written: source.written })));
  const all = places.map(({ place }) => place.named);
  const base = all.every((each) => below(cwd, each) !== null) ? cwd : commonFolder(all);
  const mounts = await Promise.all(places.map(({ place, written }) => placed([place], base, written)));
  return mounts.flat();
}

function placesOf(source: NamedPath): readonly NamedPlace[] {
  if (source.kind === "stdin") return [];
  return source.kind === "glob" ? source.places : [source.place];
}

async function placed(places: readonly NamedPlace[], folder: string, label: string): Promise<Unnamed[]> {
  const base = await realpath(folder);
  return places.map((place) => ({
    base,
    at: shown(path.relative(folder, place.named)),
    real: place.real,
    named: place.named,
    kind: place.kind,
    ignores: false,
    label,
  }));
}

function folderMount(place: NamedPlace, label: string): Unnamed {
  return { base: place.real, at: "", real: place.real, named: place.named, kind: "folder", ignores: false, label };
}

/** Bases get the names of their folders, the second of a name `name#2`. */
function named(mounts: readonly Unnamed[]): Mount[] {
  const bases = [...new Set(mounts.map((mount) => mount.base))];
  const names = uniqueNames(bases.map((base) => path.basename(base)));
  return mounts.map((mount) => ({ ...mount, name: names[bases.indexOf(mount.base)] ?? mount.base }));
}

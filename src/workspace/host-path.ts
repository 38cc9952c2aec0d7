// Arithmetic on paths of this machine, and their form for a cell: relative, with "/".
import path from "node:path";

/** Where `target` is below `folder` ("" for the folder itself), or null when it is not. Both absolute; nothing is looked up. */
export function below(folder: string, target: string): string | null {
  if (target === folder) return "";
  const prefix = folder.endsWith(path.sep) ? folder : folder + path.sep;
  return target.startsWith(prefix) ? shown(target.slice(prefix.length)) : null;
}

/** With "/" on every system. */
export function shown(relative: string): string {
  return path.sep === "/" ? relative : relative.replaceAll(path.sep, "/");
}

/** `a/b` below a folder, by a path that may be "". */
export function under(folder: string, relative: string): string {
  return relative === "" ? folder : path.join(folder, relative);
}

/** The deepest folder that holds all of these absolute paths (of one path: its parent). */
export function commonFolder(paths: readonly string[]): string {
  let common = path.dirname(paths[0] ?? path.sep);
  for (const each of paths) while (below(common, path.dirname(each)) === null) common = path.dirname(common);
  return common;
}

/** Order of code units: the same on every machine and in every locale. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

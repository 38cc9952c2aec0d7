// Which existing paths someone may have meant: the same file name elsewhere, else names a few letters away.

const MAX_NEAR = 3;
/** Names compared letter by letter: more would be felt. */
const MAX_COMPARED = 20_000;
const MAX_NAME = 120;

/** At most three of `paths`, nearest first. */
export function nearPaths(wanted: string, paths: readonly string[]): string[] {
  const name = nameOf(wanted);
  const same = paths.filter((path) => nameOf(path) === name);
  if (same.length > 0) return same.toSorted((a, b) => shared(b, wanted) - shared(a, wanted)).slice(0, MAX_NEAR);
  if (name.length > MAX_NAME) return [];
  const reach = Math.max(1, Math.floor(name.length / 4));
  return paths
    .slice(0, MAX_COMPARED)
    .map((path) => ({ path, distance: distance(name, nameOf(path), reach) }))
    .filter((each) => each.distance <= reach)
    .toSorted((a, b) => a.distance - b.distance || shared(b.path, wanted) - shared(a.path, wanted))
    .slice(0, MAX_NEAR)
    .map((each) => each.path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).toLowerCase();
}

/** Characters two paths begin with in common. */
function shared(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Letters to change, add or drop (Levenshtein); anything over `reach` is reported as over it. */
function distance(a: string, b: string, reach: number): number {
  if (Math.abs(a.length - b.length) > reach) return reach + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? reach + 1;
}

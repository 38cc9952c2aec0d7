// The guards of a search call's patterns and paths. A pattern is any text to ripgrep: nothing in it is a flag, because it stands behind -e.
import { HostError } from "../../errors.ts";
import { kindOf, pathArgument } from "../../workspace/written-path.ts";

const MOST_PATTERNS = 1_000;
/** Bytes of one pattern: the system limits one argument of a program to 128 KiB. */
const LONGEST_PATTERN = 64 * 1024;
const MOST_PATHS = 10_000;

/** Patterns of `parallel_rg_search`. */
export function patternList(value: unknown, multiline: boolean): string[] {
  if (!Array.isArray(value)) throw bad(`patterns must be an array of strings, not ${kindOf(value)}`);
  if (value.length > MOST_PATTERNS) throw bad(`${value.length} patterns are over ${MOST_PATTERNS}, the most of one call`);
  return value.map((pattern: unknown, index) => onePattern(pattern, `patterns[${index}]`, multiline));
}

/** One pattern, by its name in the call. */
export function onePattern(value: unknown, name: string, multiline: boolean): string {
  if (typeof value !== "string") throw bad(`${name} must be a string, not ${kindOf(value)}`);
  if (value.includes("\0")) throw refused(value, "it has a NUL character; \\x00 stands for one");
  if (!multiline && /[\n\r]/u.test(value))
    throw refused(value, "it has a line break, and lines are searched one by one; {multiline: true} searches across them");
  if (!value.isWellFormed()) throw refused(value, "it has half a character (a lone surrogate), which no file has");
  const size = Buffer.byteLength(value);
  if (size > LONGEST_PATTERN) throw bad(`${name} has ${size} bytes, a pattern has at most ${LONGEST_PATTERN}`);
  return value;
}

/** Where to search: null for the context. */
export function pathList(value: unknown): string[] | null {
  if (value === undefined || value === null) return null;
  const paths: unknown[] = Array.isArray(value) ? value : [value];
  if (paths.length > MOST_PATHS)
    throw bad(`${paths.length} paths are over ${MOST_PATHS}, the most of one call: name their folder or a glob`);
  return paths.map((each, index) => pathArgument(each, Array.isArray(value) ? `paths[${index}]` : "paths"));
}

/** E_BAD_PATTERN that names the pattern. */
export function refused(pattern: string, why: string): HostError {
  const shown = pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern;
  return new HostError("E_BAD_PATTERN", `the pattern ${JSON.stringify(shown)} was refused: ${why}`);
}

function bad(message: string): HostError {
  return new HostError("E_BAD_ARGUMENT", message);
}

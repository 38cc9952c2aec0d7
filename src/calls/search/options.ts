// The guard of a search call's options: `unknown` from a cell in, `SearchSettings` or E_BAD_ARGUMENT out.
import { MAX_RG_MATCHES } from "../../../sandbox/limits.ts";
import { HostError } from "../../errors.ts";
import { globArgument, kindOf } from "../../workspace/written-path.ts";
import type { SearchSettings } from "./types.ts";

const MOST_MATCHES = 1_000_000;
const MOST_CONTEXT_LINES = 100;
const MOST_WORKERS = 1_024;
const MOST_GLOBS = 100;

/** Every option of `RgOptions`. */
const NAMES = [
  "glob",
  "type",
  "ignore_case",
  "smart_case",
  "fixed_strings",
  "word",
  "multiline",
  "context_lines",
  "hidden",
  "no_ignore",
  "encoding",
  "max_matches",
  "max_workers",
] as const;
type Name = (typeof NAMES)[number];
type Raw = { readonly [Each in Name]?: unknown };

/** Both shapes: an options object, or a number or null that stands for `max_workers`. */
export function searchOptions(value: unknown): SearchSettings {
  const raw = recordOf(value);
  return {
    globs: globsOf(raw.glob),
    types: raw.type === undefined || raw.type === null ? [] : [wordOf(raw.type, "type")],
    ignoreCase: flagOf(raw, "ignore_case"),
    smartCase: flagOf(raw, "smart_case"),
    fixedStrings: flagOf(raw, "fixed_strings"),
    word: flagOf(raw, "word"),
    multiline: flagOf(raw, "multiline"),
    contextLines: numberOf(raw, "context_lines", 0, MOST_CONTEXT_LINES) ?? 0,
    hidden: flagOf(raw, "hidden"),
    noIgnore: flagOf(raw, "no_ignore"),
    encoding: raw.encoding === undefined || raw.encoding === null ? null : wordOf(raw.encoding, "encoding"),
    maxMatches: numberOf(raw, "max_matches", 1, MOST_MATCHES) ?? MAX_RG_MATCHES,
    maxWorkers: numberOf(raw, "max_workers", 1, MOST_WORKERS),
  };
}

function recordOf(value: unknown): Raw {
  if (value === undefined || value === null) return {};
  if (typeof value === "number") return { max_workers: value };
  if (typeof value !== "object" || Array.isArray(value))
    throw bad(`options must be an object or a number of workers, not ${kindOf(value)}`);
  const known: readonly string[] = NAMES;
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw bad(`there is no option ${JSON.stringify(unknown)}; there are ${NAMES.join(", ")}`);
  return value;
}

function flagOf(raw: Raw, name: Name): boolean {
  const value = raw[name] ?? false;
  if (typeof value !== "boolean") throw bad(`${name} must be true or false, not ${kindOf(value)}`);
  return value;
}

function numberOf(raw: Raw, name: Name, least: number, most: number): number | null {
  const value = raw[name] ?? null;
  if (value === null) return null;
  if (typeof value !== "number") throw bad(`${name} must be a number, not ${kindOf(value)}`);
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw bad(`${name} ${value} is not a whole number from ${least} to ${most}`);
  return value;
}

function globsOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const globs: unknown[] = Array.isArray(value) ? value : [value];
  if (globs.length > MOST_GLOBS) throw bad(`glob has ${globs.length} entries, at most ${MOST_GLOBS} are taken`);
  return globs.map((glob) => globArgument(glob));
}

/** A name that ripgrep knows: it never begins like a flag. */
function wordOf(value: unknown, name: Name): string {
  if (typeof value !== "string") throw bad(`${name} must be a string, not ${kindOf(value)}`);
  if (!/^[A-Za-z0-9][\w:.+-]{0,63}$/u.test(value)) throw bad(`${name} ${JSON.stringify(value.slice(0, 100))} is not a name`);
  return value;
}

function bad(message: string): HostError {
  return new HostError("E_BAD_ARGUMENT", message);
}

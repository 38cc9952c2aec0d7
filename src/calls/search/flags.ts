// ripgrep's flags for the settings of a call. Everything a cell chose stands behind `-e`, behind `=`, or behind `--`.
import type { SearchSettings } from "./types.ts";

/** Files are allowed before they are passed: ripgrep is to search each of them, whole, as text, by its rules and nothing else. */
const FIXED = ["--no-follow", "--no-ignore", "--hidden", "--text", "--no-mmap", "--sort=none"];

/** What decides whether and how a pattern matches. */
export function matchingFlags(settings: SearchSettings): string[] {
  return [
    ...FIXED,
    caseFlag(settings),
    ...(settings.fixedStrings ? ["--fixed-strings"] : []),
    ...(settings.word ? ["--word-regexp"] : []),
    ...(settings.multiline ? ["--multiline"] : []),
    ...(settings.encoding === null ? [] : [`--encoding=${settings.encoding}`]),
  ];
}

function caseFlag(settings: SearchSettings): string {
  if (settings.ignoreCase) return "--ignore-case";
  return settings.smartCase ? "--smart-case" : "--case-sensitive";
}

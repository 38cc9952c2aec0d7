// Many patterns in one walk: ripgrep looks for all of them at once and prints the lines in which any of them is.
import type { Group } from "./targets.ts";
import { LineCutter } from "./json-lines.ts";
import { parseMessage } from "./message.ts";
import { runSearch, type Reader, type Search } from "./run.ts";
import type { SearchSettings } from "./types.ts";

/** A line that some pattern matches, or one near it where such were asked for. */
export interface FoundLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** With its end, where it has one. */
  readonly bytes: Buffer;
  readonly isMatch: boolean;
}

/** More than these are not worth a second look. */
const MAX_LINES = 50_000;
const MAX_BYTES = 32 * 1024 * 1024;

/** Whether lines are all that decides on matches: not what stands around them, nor how their file is encoded. */
export function isFusable(patterns: readonly string[], { multiline, encoding, fixedStrings }: SearchSettings): boolean {
  if (patterns.length < 2 || multiline || encoding !== null) return false;
  // Anchors of the whole text, and flags that make `^` and `$` such.
  return fixedStrings || patterns.every((pattern) => !/\\[AzZ]|\(\?[a-zA-Z]*(?:-|m)/.test(pattern));
}

/** There are too many lines: how many with a match were found in how many files until then. */
export interface TooMany {
  readonly found: number;
  readonly files: number;
}

/** Resolves to the lines, a file's together and in order. */
export async function foundLines(
  search: Omit<Search, "output" | "patterns">,
  patterns: readonly string[],
): Promise<readonly FoundLine[] | TooMany> {
  // Smart case is each pattern's own: all of them together would be case-sensitive as soon as one is.
  const { settings } = search;
  const wider = settings.smartCase ? { ...settings, smartCase: false, ignoreCase: true } : settings;
  const runs: FoundLine[][] = [];
  const total = { lines: 0, found: 0, bytes: 0, files: 0 };
  const read = (_: number, group: Group): Reader => {
    const own: FoundLine[] = [];
    runs.push(own);
    return lineReader(group, (found) => {
      if (found.file !== own.at(-1)?.file) total.files++;
      total.lines++;
      if (found.isMatch) total.found++;
      total.bytes += found.bytes.length;
      if (total.found > settings.maxMatches || total.lines > MAX_LINES || total.bytes > MAX_BYTES) throw new TooManyError();
      own.push(found);
    });
  };
  try {
    const output = ["--json", `--context=${settings.contextLines}`];
    await runSearch({ ...search, patterns: [patterns], settings: wider, output }, read);
    return runs.flat();
  } catch (error) {
    if (error instanceof TooManyError) return total;
    throw error;
  }
}

class TooManyError extends Error {
  override readonly name = "TooManyError";
}

function lineReader(group: Group, onFound: (found: FoundLine) => void): Reader {
  let file = "";
  const cutter = new LineCutter(
    (json) => {
      const message = parseMessage(json);
      if (message?.type === "begin") file = group.nameOf(message.path);
      if (message?.type !== "match" && message?.type !== "context") return;
      onFound({ file, line: message.line, bytes: Buffer.from(message.lines), isMatch: message.type === "match" });
    },
    () => {
      throw new TooManyError();
    },
  );
  return { onData: (chunk) => cutter.push(chunk), onEnd: () => undefined };
}

// Many patterns in one walk: ripgrep looks for all of them at once, and of the lines it finds each pattern is asked alone, literals in this
// process and all others by ripgrep over these lines. So every occurrence is the one that the pattern alone would have found.
import { isUtf8 } from "node:buffer";
import { tmpdir } from "node:os";
import pLimit from "p-limit";
import { SEARCH_DEADLINE_MS } from "../../../sandbox/limits.ts";
import { HostError } from "../../errors.ts";
import { startDeadline } from "../../workspace/deadline.ts";
import { runRipgrep } from "../../workspace/ripgrep.ts";
import type { Collector } from "./collector.ts";
import { FileMatches } from "./file-matches.ts";
import { matchingFlags } from "./flags.ts";
import { LineCutter } from "./json-lines.ts";
import { isAboutLine, parseMessage, type Submatch } from "./message.ts";
import { runSearch, type Reader, type Search } from "./run.ts";
import type { Group } from "./targets.ts";
import type { SearchSettings, SearchTools } from "./types.ts";

/** A line that some pattern matches. */
export interface FoundLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Without its end. */
  readonly bytes: Buffer;
}

/** More than these are not worth a second look: each pattern is run alone then. */
const MAX_LINES = 20_000;
const MAX_BYTES = 8 * 1024 * 1024;
const LINE_FEED = 10;

/** Whether lines are all that decides on matches: not what stands around them, nor how their file is encoded. */
export function isFusable(patterns: readonly string[], settings: SearchSettings): boolean {
  const { multiline, encoding, contextLines, fixedStrings } = settings;
  if (patterns.length < 2 || multiline || encoding !== null || contextLines > 0) return false;
  // Anchors of the whole text, and flags that make `^` and `$` such.
  return fixedStrings || patterns.every((pattern) => !/\\[AzZ]|\(\?[a-zA-Z]*(?:-|m)/.test(pattern));
}

export interface Found {
  /** With a match of any of the patterns, a file's together. */
  readonly lines: readonly FoundLine[];
  /** Files whose last line has a match and no end: where a match may stand then depends on that, so each pattern is to be run alone. */
  readonly unended: ReadonlySet<string>;
}

/** Undefined when there are too many lines. */
export async function foundLines(search: Omit<Search, "output" | "patterns">, patterns: readonly string[]): Promise<Found | undefined> {
  // Smart case is each pattern's own: all of them together would be case-sensitive as soon as one is.
  const { settings } = search;
  const wider = settings.smartCase ? { ...settings, smartCase: false, ignoreCase: true } : settings;
  const runs: FoundLine[][] = [];
  const unended = new Set<string>();
  const total = { lines: 0, bytes: 0 };
  const read = (_: number, group: Group): Reader => {
    const own: FoundLine[] = [];
    runs.push(own);
    return lineReader(group, (found, hasEnd) => {
      total.lines++;
      total.bytes += found.bytes.length;
      if (total.lines > MAX_LINES || total.bytes > MAX_BYTES) throw new TooManyError();
      if (!hasEnd) unended.add(found.file);
      own.push(found);
    });
  };
  try {
    await runSearch({ ...search, patterns: [patterns], settings: wider, output: ["--json"] }, read);
    return { lines: runs.flat().filter(({ file }) => !unended.has(file)), unended };
  } catch (error) {
    if (error instanceof TooManyError) return undefined;
    throw error;
  }
}

class TooManyError extends Error {
  override readonly name = "TooManyError";
}

function lineReader(group: Group, onFound: (found: FoundLine, hasEnd: boolean) => void): Reader {
  let file = "";
  const cutter = new LineCutter(
    (json) => {
      const message = parseMessage(json);
      if (message?.type === "begin") file = group.nameOf(message.path);
      if (message?.type !== "match") return;
      const bytes = Buffer.from(message.lines);
      const hasEnd = bytes.at(-1) === LINE_FEED;
      onFound({ file, line: message.line, bytes: hasEnd ? bytes.subarray(0, -1) : bytes }, hasEnd);
    },
    () => {
      throw new TooManyError();
    },
  );
  return { onData: (chunk) => cutter.push(chunk), onEnd: () => undefined };
}

/** Gives the collector what each pattern alone finds in these lines. */
export async function attribute(
  lines: readonly FoundLine[],
  patterns: readonly string[],
  settings: SearchSettings,
  tools: SearchTools,
  collector: Collector,
): Promise<void> {
  if (lines.length === 0) return;
  using deadline = startDeadline(SEARCH_DEADLINE_MS, "the search", "search fewer files or simpler patterns", tools.signal);
  // An empty line first: the bytes of a line are no byte order mark.
  const input = Buffer.concat([NEWLINE, ...lines.flatMap(({ bytes }) => [bytes, NEWLINE])]);
  const limit = pLimit(Math.max(1, Math.min(settings.maxWorkers ?? tools.maxWorkers, tools.maxWorkers)));
  await limit.map([...patterns.entries()], async ([pattern, text]) => {
    const matches = new LineMatches(pattern, collector);
    if (isLiteral(text, settings)) return findLiteral(Buffer.from(text), lines, matches);
    const run = (): Promise<void> => findByRipgrep(text, settings, input, lines, matches, deadline.signal);
    await (tools.slots === undefined ? run() : tools.slots(run));
  });
}

const NEWLINE = Buffer.from("\n");

/** Matches of one pattern, line after line, file after file. */
class LineMatches {
  readonly #pattern: number;
  readonly #collector: Collector;
  #file: string | undefined;
  #current: FileMatches | undefined;
  #total = 0;

  constructor(pattern: number, collector: Collector) {
    this.#pattern = pattern;
    this.#collector = collector;
  }

  add({ file, line, bytes }: FoundLine, submatches: readonly Submatch[]): void {
    if (file !== this.#file) {
      this.end();
      this.#file = file;
      this.#current = new FileMatches({ file, pattern: this.#pattern, contextLines: 0, room: this.#collector.roomFor(file) });
    }
    this.#total += submatches.length;
    const whole = Buffer.concat([bytes, NEWLINE]);
    this.#current?.addMatch(isUtf8(whole) ? whole.toString() : whole, line, submatches);
  }

  end(): void {
    if (this.#current !== undefined) this.#collector.add(this.#current.finish(), this.#total);
    this.#current = undefined;
    this.#total = 0;
  }
}

/** Text that means itself, and nothing is to be known of letters to find it. */
function isLiteral(pattern: string, { ignoreCase, smartCase, word, fixedStrings }: SearchSettings): boolean {
  if (ignoreCase || word || pattern === "") return false;
  if (smartCase && !/\p{Lu}/u.test(pattern)) return false;
  return fixedStrings || !/[\\.+*?()|[\]{}^$#&~]/.test(pattern);
}

function findLiteral(wanted: Buffer, lines: readonly FoundLine[], matches: LineMatches): void {
  for (const line of lines) {
    const found: Submatch[] = [];
    for (let at = line.bytes.indexOf(wanted); at !== -1; at = line.bytes.indexOf(wanted, at + wanted.length))
      found.push({ start: at, end: at + wanted.length });
    if (found.length > 0) matches.add(line, found);
  }
  matches.end();
}

async function findByRipgrep(
  pattern: string,
  settings: SearchSettings,
  input: Buffer,
  lines: readonly FoundLine[],
  matches: LineMatches,
  signal: AbortSignal,
): Promise<void> {
  const cutter = new LineCutter(
    (json) => {
      if (!isAboutLine(json)) return;
      const message = parseMessage(json);
      // The first one is ours.
      const line = message?.type === "match" ? lines[message.line - 2] : undefined;
      if (message?.type === "match" && line !== undefined) matches.add(line, message.submatches);
    },
    () => {
      throw new HostError("E_TOO_LARGE", "a line with its matches is over 64 MiB, which cannot be searched");
    },
  );
  const args = [...matchingFlags(settings), "--json", "--threads=1", "-e", pattern, "--", "-"];
  await runRipgrep(args, { cwd: tmpdir(), signal, input: once(input), onData: (chunk) => cutter.push(chunk) });
  matches.end();
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

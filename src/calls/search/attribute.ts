// Whose a found line is: each pattern is asked alone about the lines that any of them matches, literals in this process and all others by
// ripgrep over these lines. So every occurrence is the one that the pattern alone would have found.
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
import type { FoundLine } from "./found-lines.ts";
import { LineCutter } from "./json-lines.ts";
import { isAboutLine, parseMessage, type Submatch } from "./message.ts";
import type { SearchSettings, SearchTools } from "./types.ts";

const NEWLINE = Buffer.from("\n");
const LINE_FEED = 10;

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
  /** Which of the lines are to be looked at. */
  const places = [...lines.keys()].filter((at) => lines[at]?.isMatch === true);
  // An empty line first: the bytes of a line are no byte order mark.
  const input = Buffer.concat([NEWLINE, ...places.flatMap((at) => ended(lines[at]?.bytes))]);
  const limit = pLimit(Math.max(1, Math.min(settings.maxWorkers ?? tools.maxWorkers, tools.maxWorkers)));
  await limit.map([...patterns.entries()], async ([pattern, text]) => {
    const matches = new LineMatches(lines, pattern, settings.contextLines, collector);
    if (isLiteral(text, settings)) return findLiteral(Buffer.from(text), lines, places, matches);
    const run = (): Promise<void> => findByRipgrep(text, settings, input, places, matches, deadline.signal);
    await (tools.slots === undefined ? run() : tools.slots(run));
  });
}

/** Matches of one pattern, line after line, file after file. */
class LineMatches {
  readonly #lines: readonly FoundLine[];
  readonly #pattern: number;
  readonly #contextLines: number;
  readonly #collector: Collector;
  #file: string | undefined;
  #current: FileMatches | undefined;
  #total = 0;
  /** The line of this file that the matches do not know yet. */
  #next = 0;

  constructor(lines: readonly FoundLine[], pattern: number, contextLines: number, collector: Collector) {
    this.#lines = lines;
    this.#pattern = pattern;
    this.#contextLines = contextLines;
    this.#collector = collector;
  }

  add(at: number, submatches: readonly Submatch[]): void {
    const found = this.#lines[at];
    if (found === undefined) return;
    const { file, line, bytes } = found;
    if (file !== this.#file) {
      this.end();
      this.#file = file;
      const room = this.#collector.roomFor(file);
      this.#current = new FileMatches({ file, pattern: this.#pattern, contextLines: this.#contextLines, room });
      if (this.#contextLines > 0) for (this.#next = at; this.#lines[this.#next - 1]?.file === file;) this.#next--;
    }
    // At the end of a text, behind its last line that has no end, ripgrep finds nothing; it was shown that line with an end.
    const own = hasEnd(bytes) ? submatches : submatches.filter(({ start }) => start < bytes.length);
    this.#total += own.length;
    this.#addAround(at);
    this.#current?.addMatch(contentOf(bytes), line, own);
    this.#next = at + 1;
  }

  end(): void {
    this.#addAround(this.#lines.length);
    if (this.#current !== undefined) this.#collector.add(this.#current.finish(), this.#total);
    this.#current = undefined;
    this.#total = 0;
  }

  /** Lines without a match of this pattern. */
  #addAround(end: number): void {
    if (this.#contextLines === 0 || this.#current === undefined) return;
    for (; this.#next < end; this.#next++) {
      const found = this.#lines[this.#next];
      if (found === undefined || found.file !== this.#file) return;
      this.#current.addContext(contentOf(found.bytes), found.line);
    }
  }
}

function hasEnd(bytes: Buffer): boolean {
  return bytes.at(-1) === LINE_FEED;
}

function ended(bytes: Buffer = NEWLINE): Buffer[] {
  return hasEnd(bytes) ? [bytes] : [bytes, NEWLINE];
}

function contentOf(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

/** Text that means itself, and nothing is to be known of letters to find it. */
function isLiteral(pattern: string, { ignoreCase, smartCase, word, fixedStrings }: SearchSettings): boolean {
  if (ignoreCase || word || pattern === "") return false;
  if (smartCase && !/\p{Lu}/u.test(pattern)) return false;
  return fixedStrings || !/[\\.+*?()|[\]{}^$#&~]/.test(pattern);
}

function findLiteral(wanted: Buffer, lines: readonly FoundLine[], places: readonly number[], matches: LineMatches): void {
  for (const place of places) {
    const bytes = lines[place]?.bytes;
    if (bytes === undefined) continue;
    const found: Submatch[] = [];
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length))
      found.push({ start: at, end: at + wanted.length });
    if (found.length > 0) matches.add(place, found);
  }
  matches.end();
}

async function findByRipgrep(
  pattern: string,
  settings: SearchSettings,
  input: Buffer,
  places: readonly number[],
  matches: LineMatches,
  signal: AbortSignal,
): Promise<void> {
  const cutter = new LineCutter(
    (json) => {
      if (!isAboutLine(json)) return;
      const message = parseMessage(json);
      // The first one is ours.
      const place = message?.type === "match" ? places[message.line - 2] : undefined;
      if (message?.type === "match" && place !== undefined) matches.add(place, message.submatches);
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

// The search calls of a cell: every occurrence of every pattern (`parallel_rg_search`, `rg_search`), the files that have one (`rg_files`),
// how many each has (`rg_count`). Functions of their arguments and the files alone: patterns, paths and options come from a cell as they are.
import { HostError } from "../../errors.ts";
import { decode } from "../../workspace/utf8.ts";
import { onePattern, pathList, patternList } from "./arguments.ts";
import { attribute } from "./attribute.ts";
import { Collector } from "./collector.ts";
import { FileMatches } from "./file-matches.ts";
import { foundLines, isFusable, type TooMany } from "./found-lines.ts";
import { LineCutter } from "./json-lines.ts";
import { isAboutLine, parseMessage } from "./message.ts";
import { searchOptions } from "./options.ts";
import { runSearch, type Reader, type Search } from "./run.ts";
import type { Group } from "./targets.ts";
import type { RgMatch, SearchSettings, SearchTools } from "./types.ts";

/** Every occurrence, ordered by file, line, column, pattern; `truncated` is how many `max_matches` cut off. */
export async function searchPatterns(
  patterns: unknown,
  paths: unknown,
  options: unknown,
  tools: SearchTools,
): Promise<{ matches: RgMatch[]; truncated: number }> {
  const settings = searchOptions(options);
  const list = patternList(patterns, settings.multiline);
  const collector = new Collector(settings.maxMatches);
  const search = { paths: pathList(paths), settings, tools, found: {} };
  const each = { ...search, patterns: list.map((pattern) => [pattern]) };
  const found = isFusable(list, settings) ? await foundLines(search, list) : undefined;
  if (found === undefined) await searchAlone(each, collector);
  else if (!("found" in found)) await attribute(found, list, settings, tools, collector);
  else if (found.found <= settings.maxMatches) await searchAlone(each, collector);
  else await searchFirst(each, found, collector);
  return collector.result();
}

type AloneSearch = Omit<Search, "output">;

/** Each pattern by itself; all that it finds. */
async function searchAlone(search: AloneSearch, collector: Collector, only?: ReadonlySet<string>): Promise<void> {
  const { settings } = search;
  const output = ["--json", `--context=${settings.contextLines}`];
  await runSearch({ ...search, output, only }, (pattern, group) => matchReader(pattern, group, settings, collector));
}

/** So many of the files, in order, as should have the matches that are wanted, and half as many again. */
const AMPLE = 1.5;

/** Where there are more matches than are wanted: those of the first files, and how many the others have. */
async function searchFirst(search: AloneSearch, { found, files }: TooMany, collector: Collector): Promise<void> {
  const { maxMatches } = search.settings;
  const names = search.found?.targets?.groups.flatMap(({ args, nameOf }) => args.map(nameOf)).toSorted() ?? [];
  const first = Math.ceil((maxMatches * files * AMPLE) / found);
  const [, counts] = await Promise.all([
    searchAlone(search, collector, new Set(names.slice(0, first))),
    countMatches({ ...search, only: new Set(names.slice(first)) }),
  ]);
  let missing = maxMatches - collector.total;
  const more = new Set<string>();
  for (const [file, count] of [...counts].toSorted(byName)) {
    if (missing > 0) more.add(file);
    else collector.add([], count);
    missing -= count;
  }
  if (more.size > 0) await searchAlone(search, collector, more);
}

/** Paths of the files that have a match, sorted. */
export async function searchFiles(pattern: unknown, paths: unknown, options: unknown, tools: SearchTools): Promise<string[]> {
  const settings = searchOptions(options);
  const files = new Set<string>();
  const search = {
    patterns: [[onePattern(pattern, "pattern", settings.multiline)]],
    paths: pathList(paths),
    settings,
    tools,
    output: ["--files-with-matches", "--null"],
  };
  await runSearch(search, (_, group) =>
    wholeReader((text) => {
      for (const printed of text.split("\0")) if (printed !== "") files.add(group.nameOf(printed));
    }),
  );
  return [...files].toSorted();
}

/** How many occurrences each file with a match has, sorted by path. Their sum is the number of matches `searchPatterns` finds. */
export async function searchCount(pattern: unknown, paths: unknown, options: unknown, tools: SearchTools): Promise<Record<string, number>> {
  const settings = searchOptions(options);
  const patterns = [[onePattern(pattern, "pattern", settings.multiline)]];
  const counts = await countMatches({ patterns, paths: pathList(paths), settings, tools });
  return Object.fromEntries([...counts].toSorted(byName));
}

/** Of each file with a match, all patterns together. */
async function countMatches(search: AloneSearch): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const output = ["--count-matches", "--with-filename", "--null"];
  await runSearch({ ...search, output }, (_, group) =>
    wholeReader((text) => {
      for (const [, printed = "", count] of text.matchAll(/([^\0]*)\0(\d+)\n/gu)) {
        const file = group.nameOf(printed);
        counts.set(file, (counts.get(file) ?? 0) + Number(count));
      }
    }),
  );
  return counts;
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

/** Reads one run's --json lines into the collector, file by file. */
function matchReader(pattern: number, group: Group, settings: SearchSettings, collector: Collector): Reader {
  let file = "";
  let current: FileMatches | null = null;
  const onLine = (line: Buffer): void => {
    if (current?.isOpen !== true && isAboutLine(line)) return;
    const message = parseMessage(line);
    if (message === null) return;
    if (message.type === "begin") {
      file = group.nameOf(message.path);
      current = new FileMatches({ file, pattern, contextLines: settings.contextLines, room: collector.roomFor(file) });
    } else if (message.type === "match") current?.addMatch(message.lines, message.line, message.submatches);
    else if (message.type === "context") current?.addContext(message.lines, message.line);
    else if (current !== null) {
      collector.add(current.finish(), message.matches);
      current = null;
    }
  };
  const cutter = new LineCutter(onLine, () => {
    throw new HostError(
      "E_TOO_LARGE",
      `a line of ${file} with its matches is over 64 MiB, which cannot be searched; leave that file out with {glob: "!…"}`,
    );
  });
  return { onData: (chunk) => cutter.push(chunk), onEnd: () => undefined };
}

/** Reads a run's whole output: a few bytes a file. */
function wholeReader(onText: (text: string) => void): Reader {
  const chunks: Buffer[] = [];
  return { onData: (chunk) => chunks.push(chunk), onEnd: () => onText(decode(Buffer.concat(chunks))) };
}

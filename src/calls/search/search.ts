// The search calls of a cell: every occurrence of every pattern (`parallel_rg_search`, `rg_search`), the files that have one (`rg_files`),
// how many each has (`rg_count`). Functions of their arguments and the files alone: patterns, paths and options come from a cell as they are.
import { HostError } from "../../errors.ts";
import { decode } from "../../workspace/utf8.ts";
import { onePattern, pathList, patternList } from "./arguments.ts";
import { Collector } from "./collector.ts";
import { FileMatches } from "./file-matches.ts";
import { attribute, foundLines, isFusable } from "./fused.ts";
import { LineCutter } from "./json-lines.ts";
import { isAboutLine, parseMessage } from "./message.ts";
import { searchOptions } from "./options.ts";
import { runSearch, type Reader } from "./run.ts";
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
  const found = isFusable(list, settings) ? await foundLines(search, list) : undefined;
  if (found !== undefined) await attribute(found.lines, list, settings, tools, collector);
  if (found?.unended.size === 0) return collector.result();
  const output = ["--json", `--context=${settings.contextLines}`];
  const each = { ...search, patterns: list.map((pattern) => [pattern]), output, only: found?.unended };
  await runSearch(each, (pattern, group) => matchReader(pattern, group, settings, collector));
  return collector.result();
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
  const counts = new Map<string, number>();
  const output = ["--count-matches", "--with-filename", "--null"];
  const search = { patterns: [[onePattern(pattern, "pattern", settings.multiline)]], paths: pathList(paths), settings, tools, output };
  await runSearch(search, (_, group) =>
    wholeReader((text) => {
      for (const [, printed = "", count] of text.matchAll(/([^\0]*)\0(\d+)\n/gu)) counts.set(group.nameOf(printed), Number(count));
    }),
  );
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
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

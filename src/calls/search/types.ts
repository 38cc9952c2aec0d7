// What the search calls take and give: `RgMatch` and the options of `prelude.d.ts`, seen from the host.
import type { LimitFunction } from "p-limit";
import type { ContextSource, Selectable } from "../../workspace/types.ts";

/** One occurrence of one pattern. Field names are the cells'. */
export interface RgMatch {
  readonly file: string;
  /** From 1. Of a match over several lines: the line it begins in, which is also the one `text` shows. */
  readonly line: number;
  /** From 1, in UTF-16 units of `text` as it is given (of the cut text, where the line was cut). */
  readonly column: number;
  /** The line without its end; of a line over 2,000 units, 2,000 around the match. Invalid UTF-8 as U+FFFD. */
  readonly text: string;
  /** What matched, at most 2,000 units. */
  readonly match: string;
  /** Index into the patterns. */
  readonly pattern: number;
  /** Only with `context_lines`: the lines around, each at most 2,000 units. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

/** The options of a search call, checked. */
export interface SearchSettings {
  readonly globs: readonly string[];
  readonly types: readonly string[];
  readonly ignoreCase: boolean;
  readonly smartCase: boolean;
  readonly fixedStrings: boolean;
  readonly word: boolean;
  readonly multiline: boolean;
  readonly contextLines: number;
  readonly hidden: boolean;
  readonly noIgnore: boolean;
  readonly encoding: string | null;
  readonly maxMatches: number;
  /** Threads of ripgrep in total; null for the session's number. */
  readonly maxWorkers: number | null;
}

/** What a search works with. */
export interface SearchTools {
  readonly workspace: Selectable;
  /** The session's contexts; without paths the last one is searched, or the workspace where there is none. */
  readonly contexts?: readonly ContextSource[];
  readonly signal?: AbortSignal;
  /** A note for the running cell's outcome. */
  readonly warn?: (text: string) => void;
  /** Threads of ripgrep in total, at most: 1 or more. */
  readonly maxWorkers: number;
  /** Bounds the ripgreps of all searches that share it. */
  readonly slots?: LimitFunction;
}

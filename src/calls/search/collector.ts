// The first matches in final order (file, line, column, pattern) of runs that report in any order, in bounded memory; the rest is counted.
import { MAX_RESULT } from "../../../sandbox/limits.ts";
import { HostError } from "../../errors.ts";
import type { RgMatch } from "./types.ts";

/** A match with its column in the whole line, which orders it where its line was cut. */
export interface Found {
  readonly match: RgMatch;
  readonly unit: number;
}

const SLACK = 1_024;

export class Collector {
  readonly #max: number;
  #kept: Found[] = [];
  #bytes = 0;
  #total = 0;
  /** When full: nothing of a file after this one can be among the first. */
  #lastFile: string | null = null;

  constructor(max: number) {
    this.#max = max;
  }

  /** Matches until now, those that are not kept as well. */
  get total(): number {
    return this.#total;
  }

  /** How many matches of this file may still count, at most. */
  roomFor(file: string): number {
    return this.#lastFile !== null && file > this.#lastFile ? 0 : this.#max;
  }

  /** Matches of one file for one pattern, and how many there were in all. Throws E_TOO_LARGE when those to keep are over 32 MiB. */
  add(found: readonly Found[], total: number): void {
    this.#total += total;
    for (const each of found) {
      this.#kept.push(each);
      this.#bytes += bytesOf(each.match);
    }
    if (this.#kept.length > 2 * this.#max + SLACK || this.#bytes > 2 * MAX_RESULT) this.#compact();
  }

  /** The end: in order, with the number of those cut off. */
  result(): { matches: RgMatch[]; truncated: number } {
    this.#compact();
    return { matches: this.#kept.map((found) => found.match), truncated: this.#total - this.#kept.length };
  }

  #compact(): void {
    this.#kept = this.#kept.toSorted(inOrder).slice(0, this.#max);
    this.#bytes = this.#kept.reduce((sum, found) => sum + bytesOf(found.match), 0);
    if (this.#kept.length === this.#max) this.#lastFile = this.#kept.at(-1)?.match.file ?? null;
    if (this.#bytes > MAX_RESULT) {
      throw new HostError(
        "E_TOO_LARGE",
        `${this.#kept.length} matches are over ${MAX_RESULT / 1024 / 1024} MiB of text: lower max_matches or context_lines`,
      );
    }
  }
}

function inOrder(a: Found, b: Found): number {
  if (a.match.file !== b.match.file) return a.match.file < b.match.file ? -1 : 1;
  return a.match.line - b.match.line || a.unit - b.unit || a.match.pattern - b.match.pattern;
}

/** Of UTF-8, about: what it takes in a result. */
function bytesOf(match: RgMatch): number {
  const texts = [match.text, match.match, ...(match.before ?? []), ...(match.after ?? [])];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

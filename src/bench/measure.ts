// What a benchmark is made of: medians of runs that take turns, so that what else the machine does falls on all of them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Row {
  readonly name: string;
  /** Milliseconds, median. */
  readonly ms: number;
  readonly items: number;
  readonly workers: number;
  /** The same with one worker, or one call at a time; null where that means nothing. */
  readonly oneWorkerMs: number | null;
  /** What it cannot be faster than, measured in the same run. */
  readonly floor: Other | null;
  /** What one would do instead. */
  readonly instead: Other | null;
  /** What the guide of the predecessor says of it. */
  readonly claim: string | null;
}

export interface Other {
  readonly name: string;
  /** Milliseconds, median of the same rounds. */
  readonly ms: number;
}

/** What a process holds, at one moment or at most. */
export interface MemoryRow {
  readonly name: string;
  readonly mb: number;
  /** Of what it was given. */
  readonly copies: number;
}

export function row(name: string, ms: number, items: number, more: Partial<Row> = {}): Row {
  return { name, ms, items, workers: 1, oneWorkerMs: null, floor: null, instead: null, claim: null, ...more };
}

/** Runs works in turn, `rounds` times, after one round that does not count; resolves to the median of each, in milliseconds. */
export async function inTurn(rounds: number, works: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, work] of works.entries()) {
      const ms = await timed(work);
      if (round > 0) times[i]?.push(ms);
    }
  }
  return times.map(median);
}

/** Two of them. */
export async function compared(rounds: number, first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<[number, number]> {
  const [one = Number.NaN, other = Number.NaN] = await inTurn(rounds, [first, second]);
  return [one, other];
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A folder of its own, gone when it is disposed or the process ends, by Ctrl-C too. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "rlm-bench-"));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}

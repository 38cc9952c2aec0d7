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
  readonly floor: { readonly name: string; readonly ms: number } | null;
  /** What the guide of the predecessor says of it. */
  readonly claim: string | null;
}

/** Runs two works in turn, `rounds` times, after one round that does not count; resolves to the median of each, in milliseconds. */
export async function compared(rounds: number, first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const taken = [await timed(first), await timed(second)] as const;
    if (round > 0) for (const i of [0, 1] as const) times[i].push(taken[i]);
  }
  return [median(times[0]), median(times[1])];
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

// How much runs at a time: the machine's own numbers, where nobody said.
import { availableParallelism } from "node:os";

const MAX_WORKERS = 16;
const MIN_WORKERS = 4;

/** Model calls that run at a time over the whole process. */
export const MODEL_CALLS_AT_A_TIME = 10;

/** `max(minLimit, min(maxLimit, available parallelism))`. */
export function automaticWorkers(maxLimit: number = MAX_WORKERS, minLimit: number = MIN_WORKERS): number {
  return Math.max(minLimit, Math.min(maxLimit, availableParallelism()));
}

/** A sentence for a number of workers outside the range the formula gives; undefined inside it. */
export function workersNotice(workers: number, source: string): string | undefined {
  if (workers >= MIN_WORKERS && workers <= MAX_WORKERS) return undefined;
  return `${source} sets ${workers} workers; the formula stays between ${MIN_WORKERS} and ${MAX_WORKERS}`;
}

// The formula users know: as many workers as there are cores, at least `min_limit`, at most `max_limit`; RLM_MAX_WORKERS settles it.
import type { GuestSetup } from "./contract.ts";
import { wholeNumber } from "./options.ts";
import { max, min } from "./primordials.ts";

export function optimalWorkers(setup: GuestSetup, maxLimit: unknown, minLimit: unknown): number {
  const upper = wholeNumber("get_optimal_workers: max_limit", maxLimit) ?? 16;
  const lower = wholeNumber("get_optimal_workers: min_limit", minLimit) ?? 4;
  return setup.workers_fixed ? setup.workers : max(lower, min(upper, setup.parallelism));
}

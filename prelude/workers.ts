// The formula users know: as many workers as there are cores, at least `min_limit`, at most `max_limit`; RLM_MAX_WORKERS settles it.
import type { GuestSetup } from "./contract.ts";

export function optimalWorkers(setup: GuestSetup, maxLimit: unknown = 16, minLimit: unknown = 4): number {
  if (setup.workers_fixed) return setup.workers;
  const upper = typeof maxLimit === "number" && maxLimit >= 1 ? Math.trunc(maxLimit) : 16;
  const lower = typeof minLimit === "number" && minLimit >= 1 ? Math.trunc(minLimit) : 4;
  return Math.max(lower, Math.min(upper, setup.parallelism));
}

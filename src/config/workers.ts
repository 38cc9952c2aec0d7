// `optimalWorkers` of the library: the same answer as `get_optimal_workers` in a cell.
import { automaticWorkers } from "../pool/settings.ts";
import { readVariable } from "./resolve.ts";
import type { Environment } from "./settings.ts";

/** Workers of scans and searches: `max(minLimit, min(maxLimit, available parallelism))`, or RLM_MAX_WORKERS. Throws E_USAGE for a bad one. */
export function optimalWorkers(maxLimit?: number, minLimit?: number, env: Environment = process.env): number {
  const fixed = readVariable("maxWorkers", env);
  return typeof fixed === "number" ? fixed : automaticWorkers(maxLimit, minLimit);
}

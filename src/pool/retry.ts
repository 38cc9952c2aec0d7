// How long to wait before a model call is made again, if at all: at most two retries of what the provider says may pass, with jitter,
// and its own `retry-after` honoured within a bound.
import { HostError } from "../errors.ts";

const MAX_RETRIES = 2;
const FIRST_DELAY_MS = 500;
/** A provider that asks for more is not worth waiting for in a cell. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Milliseconds to wait before the next attempt; undefined: no further one. `random` is in [0, 1). */
export function retryDelay(error: unknown, retriesDone: number, random: () => number): number | undefined {
  if (!(error instanceof HostError) || error.data["retryable"] !== true || retriesDone >= MAX_RETRIES) return undefined;
  const after = error.data["retry_after_ms"];
  if (typeof after === "number" && after > MAX_RETRY_AFTER_MS) return undefined;
  const backoff = FIRST_DELAY_MS * 2 ** retriesDone * (0.5 + random());
  // A little on top of what was asked for, so that those who were told the same do not come back together.
  return typeof after === "number" ? after + random() * Math.min(FIRST_DELAY_MS, after / 4) : backoff;
}

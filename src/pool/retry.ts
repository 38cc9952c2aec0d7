// How long to wait before a model call is made again, if at all: a few retries of what the provider says may pass, with jitter, and its own
// `retry-after` honoured within a bound.
import { HostError } from "../errors.ts";

const MAX_RETRIES = 2;
/** A server that is asked too much gets fewer calls at a time after each refusal: the last of them may have to wait for that. */
const MAX_RETRIES_THROTTLED = 4;
const FIRST_DELAY_MS = 500;
/** A provider that asks for more is not worth waiting for in a cell. */
const MAX_RETRY_AFTER_MS = 30_000;
const OVERLOADED = 529;

/** The server says that it is asked too much: 429, or 529. */
export function isThrottled(error: unknown): error is HostError {
  return (
    error instanceof HostError && error.data["retryable"] === true && (error.code === "E_LLM_RATE" || error.data["status"] === OVERLOADED)
  );
}

/** For how long it says to ask nothing, within the bound. */
export function pauseMs(error: HostError): number {
  const after = error.data["retry_after_ms"];
  return typeof after === "number" && after <= MAX_RETRY_AFTER_MS ? after : 0;
}

/** Milliseconds to wait before the next attempt; undefined: no further one. `random` is in [0, 1). */
export function retryDelay(error: unknown, retriesDone: number, random: () => number): number | undefined {
  if (!(error instanceof HostError) || error.data["retryable"] !== true) return undefined;
  if (retriesDone >= (isThrottled(error) ? MAX_RETRIES_THROTTLED : MAX_RETRIES)) return undefined;
  const after = error.data["retry_after_ms"];
  if (typeof after === "number" && after > MAX_RETRY_AFTER_MS) return undefined;
  const backoff = FIRST_DELAY_MS * 2 ** retriesDone * (0.5 + random());
  // A little on top of what was asked for, so that those who were told the same do not come back together.
  return typeof after === "number" ? after + random() * Math.min(FIRST_DELAY_MS, after / 4) : backoff;
}

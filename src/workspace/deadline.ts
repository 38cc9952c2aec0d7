// One signal for the two ways a host call is stopped from outside: its cell ended (E_CANCELLED), or it took too long (E_TIMEOUT).
import { HostError } from "../errors.ts";

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** `what` begins the sentence: "the search" took longer than 60 s. Dispose it when the work is done: a timer runs. */
export function startDeadline(ms: number, what: string, advice: string, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = (): void => controller.abort(cancellation(what, outer?.reason));
  const timer = setTimeout(
    () => controller.abort(new HostError("E_TIMEOUT", `${what} took longer than ${ms / 1000} s: ${advice}`, { data: { limit_ms: ms } })),
    ms,
  );
  if (outer?.aborted === true) cancel();
  else outer?.addEventListener("abort", cancel, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", cancel);
    },
  };
}

function cancellation(what: string, reason: unknown): HostError {
  return reason instanceof HostError ? reason : new HostError("E_CANCELLED", `${what} was cancelled`, { cause: reason });
}

// Waiting that ends with a signal.
import { HostError } from "../errors.ts";

const leaving = new WeakMap<AbortSignal, Promise<never>>();

/** Rejects with the reason as soon as the signal fires, whatever becomes of the work. */
export async function leavingWith<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return await Promise.race([work, aborted(signal)]);
}

/** One listener a signal: a batch has one for all of its calls, and to take one of many off takes as long as there are others. */
function aborted(signal: AbortSignal): Promise<never> {
  const known = leaving.get(signal);
  if (known !== undefined) return known;
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason instanceof Error ? signal.reason : new HostError("E_CANCELLED", "the call was cancelled"));
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  promise.catch(() => undefined);
  leaving.set(signal, promise);
  return promise;
}

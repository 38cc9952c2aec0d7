// The one way to a model for the whole process: a slot of the semaphore, a reservation in the budget, at most two retries, a deadline.
import { setTimeout as timer } from "node:timers/promises";
import pLimit, { type LimitFunction } from "p-limit";
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import type { Budget } from "./budget.ts";
import { retryDelay } from "./retry.ts";

export interface SchedulerOptions {
  /** Calls that run at a time (`modelLimitSetting`). */
  readonly limit: number;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Waits between attempts; rejects when the signal fires. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with the model before each attempt (`tellFirstRemote`). */
  readonly onRequest?: (model: Model) => void;
}

export interface ScheduleOptions {
  /** Ends the call wherever it is: in the queue, between attempts, or on the wire, whose socket is closed. Its reason is thrown. */
  readonly signal: AbortSignal;
  /** For all attempts together, from the moment the call has a slot. */
  readonly deadlineMs: number;
  readonly budget: Budget;
}

/** Asks a model. Throws E_BUDGET before anything is sent, E_LLM_TIMEOUT, or what the model throws. */
export type Schedule = (model: Model, request: ModelRequest, options: ScheduleOptions) => Promise<ModelReply>;

export class Scheduler {
  readonly #slots: LimitFunction;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #onRequest: (model: Model) => void;

  constructor({ limit, random = Math.random, sleep = realSleep, onRequest = () => undefined }: SchedulerOptions) {
    this.#slots = pLimit(limit);
    this.#random = random;
    this.#sleep = sleep;
    this.#onRequest = onRequest;
  }

  /** Calls on the wire now, and those waiting for a slot. */
  get load(): { readonly active: number; readonly queued: number } {
    return { active: this.#slots.activeCount, queued: this.#slots.pendingCount };
  }

  readonly schedule: Schedule = async (model, request, options) => {
    options.signal.throwIfAborted();
    const turn = this.#slots(() => this.#run(model, request, options));
    return leavingWith(options.signal, turn);
  };

  async #run(model: Model, request: ModelRequest, { signal, deadlineMs, budget }: ScheduleOptions): Promise<ModelReply> {
    signal.throwIfAborted();
    const reservation = await budget.reserve(model, request, signal);
    const deadline = new AbortController();
    const clock = setTimeout(() => deadline.abort(timedOut(model, deadlineMs)), deadlineMs);
    try {
      const reply = await this.#attempts(model, request, AbortSignal.any([signal, deadline.signal]));
      reservation.settle(reply);
      return reply;
    } finally {
      clearTimeout(clock);
      reservation.release();
    }
  }

  async #attempts(model: Model, request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    for (let retries = 0; ; retries++) {
      try {
        this.#onRequest(model);
        return await model.complete(request, signal);
      } catch (error) {
        signal.throwIfAborted();
        const delay = retryDelay(error, retries, this.#random);
        if (delay === undefined) throw error;
        await this.#sleep(delay, signal);
        signal.throwIfAborted();
      }
    }
  }
}

function timedOut(model: Model, deadlineMs: number): HostError {
  return new HostError(
    "E_LLM_TIMEOUT",
    `${model.id} did not answer within ${deadlineMs / 1000} s; raise --call-timeout S or ask with less text`,
    {
      data: { retryable: false },
    },
  );
}

async function realSleep(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

const leaving = new WeakMap<AbortSignal, Promise<never>>();

/** A queue keeps its place for a call that was cancelled, but nobody waits for it: the place is passed on at once when its turn comes. */
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

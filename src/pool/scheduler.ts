// The one way to a model: a slot of the process's, a reservation in the budget, a bounded number of attempts, a deadline.
import { setTimeout as timer } from "node:timers/promises";
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import type { Budget } from "./budget.ts";
import { leavingWith } from "./leaving.ts";
import { isThrottled, pauseMs, retryDelay } from "./retry.ts";
import { Slots, type Lane, type Slot } from "./slots.ts";

export interface SchedulerOptions {
  /** Calls of this session that run at a time (`RLM_SEMAPHORE_LIMIT`). */
  readonly limit: number;
  /** Shared with the other sessions of the process; default its own. */
  readonly slots?: Slots;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Waits between attempts; rejects when the signal fires. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with the model before each attempt (`tellFirstRemote`). */
  readonly onRequest?: (model: Model) => void;
  /** A model is asked too much: so many calls at a time for now. */
  readonly onLowered?: (model: Model, limit: number) => void;
}

export interface ScheduleOptions {
  /** Ends the call wherever it is: in the queue, between attempts, or on the wire, whose socket is closed. Its reason is thrown. */
  readonly signal: AbortSignal;
  /** For all attempts together, from the moment the call has a slot. */
  readonly deadlineMs: number;
  readonly budget: Budget;
}

/** The slot a call has now, and how long it waited for its first one. */
interface Held {
  slot: Slot;
  readonly queueMs: number;
}

/** Asks a model. Throws E_BUDGET before anything is sent, E_LLM_TIMEOUT, or what the model throws. */
export type Schedule = (model: Model, request: ModelRequest, options: ScheduleOptions) => Promise<ModelReply>;

/** Of one session; disposing it gives up its place among the others. */
export class Scheduler implements Disposable {
  readonly #slots: Slots;
  readonly #lane: Lane;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #onRequest: (model: Model) => void;
  readonly #onLowered: (model: Model, limit: number) => void;

  constructor({
    limit,
    slots = new Slots(),
    random = Math.random,
    sleep = realSleep,
    onRequest = () => undefined,
    onLowered = () => undefined,
  }: SchedulerOptions) {
    this.#slots = slots;
    this.#lane = slots.join(limit);
    this.#random = random;
    this.#sleep = sleep;
    this.#onRequest = onRequest;
    this.#onLowered = onLowered;
  }

  /** Calls on the wire now, and those waiting for a slot. */
  get load(): { readonly active: number; readonly queued: number } {
    return this.#slots.load(this.#lane);
  }

  readonly schedule: Schedule = async (model, request, options) => {
    const { signal, budget, deadlineMs } = options;
    signal.throwIfAborted();
    const since = performance.now();
    const slot = await this.#slots.take(this.#lane, serverOf(model), signal);
    const queueMs = performance.now() - since;
    // A queue of the budget is left at once by who was cancelled, though it may go on for a moment.
    return await leavingWith(signal, this.#run(model, request, { slot, queueMs }, { signal, budget, deadlineMs }));
  };

  [Symbol.dispose](): void {
    this.#slots.leave(this.#lane);
  }

  async #run(model: Model, request: ModelRequest, held: Held, { signal, deadlineMs, budget }: ScheduleOptions): Promise<ModelReply> {
    try {
      const reservation = await budget.reserve(model, request, signal);
      const deadline = new AbortController();
      const leftMs = (budget.secondsLeft ?? Infinity) * 1_000;
      const expire = (): void => deadline.abort(leftMs < deadlineMs ? budget.tooLate() : timedOut(model, deadlineMs));
      const clock = setTimeout(expire, Math.min(deadlineMs, leftMs));
      try {
        const reply = await this.#attempts(model, request, held, AbortSignal.any([signal, deadline.signal]));
        reservation.settle(reply, held.queueMs);
        return reply;
      } finally {
        clearTimeout(clock);
        reservation.release();
      }
    } finally {
      held.slot.release();
    }
  }

  /** Between attempts the slot is another call's. */
  async #attempts(model: Model, request: ModelRequest, held: Held, signal: AbortSignal): Promise<ModelReply> {
    const server = serverOf(model);
    for (let retries = 0; ; retries++) {
      try {
        this.#onRequest(model);
        const reply = await model.complete(request, signal);
        this.#slots.raise(server);
        return reply;
      } catch (error) {
        signal.throwIfAborted();
        if (isThrottled(error)) this.#lower(model, held.slot, error);
        const delay = retryDelay(error, retries, this.#random);
        if (delay === undefined) throw error;
        held.slot.release();
        await this.#sleep(delay, signal);
        held.slot = await this.#slots.take(this.#lane, server, signal);
      }
    }
  }

  #lower(model: Model, slot: Slot, error: HostError): void {
    const limit = this.#slots.lower(serverOf(model), slot, pauseMs(error));
    if (limit !== undefined) this.#onLowered(model, limit);
  }
}

/** Models of one server share what it takes. */
function serverOf({ endpoint, id }: Model): string {
  return endpoint ?? id;
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

// Identical calls of a session's cells are made, and paid for, once: the second one gets what the first one got, also while that is on
// its way. What failed, was declined or was cut is not kept. Sessions share what a cache on the disk keeps, where one was asked for.
import { createHash } from "node:crypto";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { usdOf } from "./cost.ts";
import { leavingWith } from "./leaving.ts";
import type { Schedule, ScheduleOptions } from "./scheduler.ts";
import { usageOf, type Usage } from "./usage.ts";

export interface MemoOptions extends ScheduleOptions {
  /** Neither an earlier answer nor this one counts for another call. */
  readonly isFresh?: boolean;
  /** A process that ended had made this call, and had no answer yet: called when it is made again. */
  readonly onAgain?: (() => void) | undefined;
}

export interface Answer {
  readonly reply: ModelReply;
  /** What it is kept by; undefined where it is not kept. */
  readonly key?: string;
  /** Undefined: an earlier call has paid for it, or another one that waited for the same. */
  readonly paid?: Usage;
}

/** Keeps replies over sessions. None of it rejects. */
export interface ReplyStore {
  has(key: string, model: Model): Promise<boolean>;
  get(key: string, model: Model): Promise<ModelReply | undefined>;
  put(key: string, model: Model, reply: ModelReply): Promise<void>;
}

interface Flight {
  readonly reply: Promise<{ readonly reply: ModelReply; readonly paid?: Usage }>;
  readonly controller: AbortController;
  waiting: number;
  isPaid: boolean;
}

/** Of replies that stay in memory, in UTF-16 units; the ones used longest ago go first, and are asked for again. */
const MAX_KEPT = 128 * 1024 * 1024;

export class Memo {
  readonly #schedule: Schedule;
  readonly #cache: ReplyStore | undefined;
  readonly #kept = new Map<string, ModelReply>();
  #keptSize = 0;
  readonly #flights = new Map<string, Flight>();
  readonly #keys = new WeakMap<ModelRequest, string>();

  constructor(schedule: Schedule, cache?: ReplyStore) {
    this.#schedule = schedule;
    this.#cache = cache;
  }

  /** Rejects as the schedule does. A call that waits for another one's answer fails with it. */
  async ask(model: Model, request: ModelRequest, options: MemoOptions): Promise<Answer> {
    const { signal, budget, isFresh = false } = options;
    signal.throwIfAborted();
    if (isFresh) {
      tellAgain(options);
      const reply = await this.#schedule(model, request, options);
      return { reply, paid: usageOf(model, reply.usage) };
    }
    const key = this.#keyOf(model, request);
    const known = this.#recall(key);
    if (known !== undefined) {
      budget.ledger.addSaved(usdOf(model, known.usage));
      return { reply: known, key };
    }
    const flight = this.#flights.get(key) ?? this.#begin(key, model, request, options);
    flight.waiting++;
    try {
      const { reply, paid } = await leavingWith(signal, flight.reply);
      const keptAs = isKept(reply) ? { key } : {};
      if (paid === undefined || flight.isPaid) {
        budget.ledger.addSaved(usdOf(model, reply.usage));
        return { reply, ...keptAs };
      }
      flight.isPaid = true;
      return { reply, ...keptAs, paid };
    } finally {
      if (--flight.waiting === 0) this.#end(key, flight, signal);
    }
  }

  /** Those of a batch whose answer is not there, nor on its way. */
  async unanswered(model: Model, requests: readonly ModelRequest[]): Promise<ModelRequest[]> {
    const open: ModelRequest[] = [];
    for (const request of requests) {
      const key = this.#keyOf(model, request);
      if (this.#kept.has(key) || this.#flights.has(key)) continue;
      if (this.#cache === undefined || !(await this.#cache.has(key, model))) open.push(request);
    }
    return open;
  }

  /** An answer of this session that an earlier process got. */
  keep(key: string, reply: ModelReply): void {
    const size = reply.text.length;
    if (size > MAX_KEPT) return;
    this.#forget(key);
    this.#kept.set(key, reply);
    this.#keptSize += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptSize <= MAX_KEPT) break;
      this.#forget(oldest);
    }
  }

  /** For models that cannot be told apart from those before them. */
  clear(): void {
    this.#kept.clear();
    this.#keptSize = 0;
    this.#flights.clear();
  }

  #begin(key: string, model: Model, request: ModelRequest, options: MemoOptions): Flight {
    const controller = new AbortController();
    const reply = this.#answer(key, model, request, { ...options, signal: controller.signal });
    // Whoever waits hears of it.
    reply.catch(() => undefined);
    const flight: Flight = { reply, controller, waiting: 0, isPaid: false };
    this.#flights.set(key, flight);
    return flight;
  }

  async #answer(
    key: string,
    model: Model,
    request: ModelRequest,
    options: MemoOptions,
  ): Promise<{ readonly reply: ModelReply; readonly paid?: Usage }> {
    const cached = await this.#cache?.get(key, model);
    if (cached !== undefined) {
      this.keep(key, cached);
      return { reply: cached };
    }
    tellAgain(options);
    const reply = await this.#schedule(model, request, options);
    if (isKept(reply)) {
      this.keep(key, reply);
      await this.#cache?.put(key, model, reply);
    }
    return { reply, paid: usageOf(model, reply.usage) };
  }

  /** Nobody waits any more: one that is still on its way is cancelled. */
  #end(key: string, flight: Flight, { reason }: AbortSignal): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.controller.abort(reason);
  }

  #recall(key: string): ModelReply | undefined {
    const reply = this.#kept.get(key);
    if (reply === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, reply);
    return reply;
  }

  #forget(key: string): void {
    const reply = this.#kept.get(key);
    if (reply === undefined) return;
    this.#kept.delete(key);
    this.#keptSize -= reply.text.length;
  }

  #keyOf(model: Model, request: ModelRequest): string {
    const known = this.#keys.get(request);
    if (known !== undefined) return known;
    const key = keyOf(model, request);
    this.#keys.set(request, key);
    return key;
  }
}

/** Provider, address, model, and all that is sent. */
function keyOf({ id, identity }: Model, { system, turns, maxTokens, temperature, schema }: ModelRequest): string {
  const parts = [id, identity, system, turns, maxTokens, temperature, schema];
  return createHash("sha256")
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest("hex");
}

function tellAgain({ onAgain, budget }: MemoOptions): void {
  if (onAgain === undefined) return;
  budget.ledger.addRepeated();
  onAgain();
}

function isKept({ text, stop }: ModelReply): boolean {
  return stop === "end" && text.trim() !== "";
}

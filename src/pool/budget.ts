// Money and calls of one run, bounded: every call is reserved at the most it may cost before it is made, settled at what it did cost,
// and released when it failed. What is spent and what is reserved never pass the limit together.
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { costAtMost, costLikely, dollars } from "./cost.ts";
import { Ledger, usageOf, type Usage } from "./usage.ts";

export interface BudgetLimits {
  /** Null: no limit. */
  readonly maxUsd: number | null;
  readonly maxCalls: number | null;
}

/** What is left, as a cell's `budget()` tells it; null: unlimited or not counted. */
export interface BudgetLeft {
  readonly usd: number | null;
  readonly tokens: null;
  readonly calls: number | null;
  readonly seconds: null;
  readonly depth: number;
  readonly iterations: number | null;
}

/** Held while a call is in flight. Exactly one of the two is called, once; later calls do nothing. */
export interface Reservation {
  settle(reply: ModelReply): void;
  release(): void;
}

/** A bound of a part of the run: what may have been spent, in all, when it is reached. */
interface Cap {
  readonly limits: BudgetLimits;
  readonly usd: number | null;
  readonly calls: number | null;
}

export class Budget {
  readonly #caps: Cap[];
  readonly ledger: Ledger;
  /** Of models with a known price; the ledger's own sum is null once another one answered. */
  #spentUsd = 0;
  #reservedUsd = 0;
  #reservedCalls = 0;
  readonly #waiting = new Set<() => void>();

  /** `spent`: by the session before this process. */
  constructor(limits: BudgetLimits, spent?: Usage) {
    this.ledger = new Ledger(spent);
    this.#spentUsd = spent?.usd ?? 0;
    this.#caps = [{ limits, usd: limits.maxUsd, calls: limits.maxCalls }];
  }

  /** Those of the narrowest part that runs. */
  get limits(): BudgetLimits {
    return this.#caps.at(-1)?.limits ?? { maxUsd: null, maxCalls: null };
  }

  /** Bounds what is spent, until it is disposed, to so much more than `spent` (default: what is spent now), within the bounds there are. */
  narrow(limits: BudgetLimits, spent: Usage = this.ledger.total): Disposable {
    const before = { usd: spent.usd ?? this.#spentUsd, calls: spent.calls };
    const cap: Cap = {
      limits: { maxUsd: least([limits.maxUsd, this.usdLeft]), maxCalls: least([limits.maxCalls, this.callsLeft]) },
      usd: limits.maxUsd === null ? null : before.usd + limits.maxUsd,
      calls: limits.maxCalls === null ? null : before.calls + limits.maxCalls,
    };
    this.#caps.push(cap);
    return { [Symbol.dispose]: () => void this.#caps.splice(this.#caps.indexOf(cap), 1) };
  }

  /** USD neither spent nor reserved; null: no limit. */
  get usdLeft(): number | null {
    const usd = least(this.#caps.map((cap) => cap.usd));
    return usd === null ? null : Math.max(0, usd - this.#spentUsd - this.#reservedUsd);
  }

  get callsLeft(): number | null {
    const calls = least(this.#caps.map((cap) => cap.calls));
    return calls === null ? null : Math.max(0, calls - this.ledger.total.calls - this.#reservedCalls);
  }

  left(run: { readonly depth: number; readonly iterations: number | null }): BudgetLeft {
    return { usd: this.usdLeft, tokens: null, calls: this.callsLeft, seconds: null, ...run };
  }

  /**
   * Reserves a call. When only calls in flight stand in its way it waits until they are settled, since they mostly cost less than
   * they may. Throws E_BUDGET, or the signal's reason.
   */
  async reserve(model: Model, request: ModelRequest, signal: AbortSignal): Promise<Reservation> {
    for (;;) {
      signal.throwIfAborted();
      const usd = costAtMost(model, request) ?? 0;
      if (this.#fits(usd)) return this.#take(model, usd);
      if (this.#reservedCalls === 0) throw this.#refusal(1, usd);
      await this.#change(signal);
    }
  }

  /** Refuses a batch that is out of reach before its first call is made. Throws E_BUDGET. */
  checkBatch(model: Model, requests: readonly ModelRequest[]): void {
    const usd = requests.reduce((sum, request) => sum + (costLikely(model, request) ?? 0), 0);
    const tooMany = this.callsLeft !== null && requests.length > this.callsLeft;
    const tooDear = this.usdLeft !== null && usd > this.usdLeft;
    if (tooMany || tooDear) throw this.#refusal(requests.length, usd);
  }

  #fits(usd: number): boolean {
    return (this.callsLeft === null || this.callsLeft >= 1) && (this.usdLeft === null || usd <= this.usdLeft);
  }

  #take(model: Model, usd: number): Reservation {
    this.#reservedUsd += usd;
    this.#reservedCalls += 1;
    let held = true;
    const end = (record: () => void) => {
      if (!held) return;
      held = false;
      this.#reservedUsd -= usd;
      this.#reservedCalls -= 1;
      // Sums of fractions do not come back to zero by themselves.
      if (this.#reservedCalls === 0) this.#reservedUsd = 0;
      record();
      for (const wake of this.#waiting) wake();
    };
    return { settle: (reply) => end(() => this.#record(model, reply)), release: () => end(() => undefined) };
  }

  #record(model: Model, { usage }: ModelReply): void {
    const used = usageOf(model, usage);
    this.#spentUsd += used.usd ?? 0;
    this.ledger.add(model.id, used);
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const wake = () => resolve();
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    this.#waiting.delete(resolve);
  }

  #refusal(calls: number, usd: number): HostError {
    const { callsLeft, usdLeft } = this;
    const data = { needed_calls: calls, needed_usd: usd, left_calls: callsLeft, left_usd: usdLeft };
    return new HostError(
      "E_BUDGET",
      callsLeft !== null && calls > callsLeft ? this.#tooMany(calls, callsLeft) : tooDear(calls, usd, usdLeft ?? 0),
      { data },
    );
  }

  #tooMany(calls: number, left: number): string {
    if (calls === 1) return `no model call is left of ${this.limits.maxCalls}: raise --max-calls`;
    return `this batch of ${calls} calls is over the ${left} that are left of ${this.limits.maxCalls}: ask in fewer prompts or raise --max-calls`;
  }
}

/** Null: no limit. */
function least(limits: readonly (number | null)[]): number | null {
  const bounds = limits.filter((limit) => limit !== null);
  return bounds.length === 0 ? null : Math.min(...bounds);
}

function tooDear(calls: number, usd: number, left: number): string {
  const [what, remedy] = calls === 1 ? ["this call", "ask with less text"] : [`this batch of ${calls} calls`, "ask in fewer prompts"];
  return `${what} needs about ${dollars(usd, "up")}, ${dollars(left, "down")} are left: ${remedy} or raise --max-cost`;
}

/** An explicit `--max-cost` is a promise that a model of unknown price cannot keep. Throws E_USAGE. */
export function requirePrices(models: readonly Model[], maxCostFlag: string): void {
  const unpriced = models.find((model) => model.price === undefined);
  if (unpriced === undefined) return;
  throw new HostError(
    "E_USAGE",
    `${maxCostFlag} cannot be kept: the price of ${unpriced.id} is unknown; give it by --prices FILE ({"${unpriced.name}": {"input": USD, "output": USD}} per million tokens), or use --max-calls`,
  );
}

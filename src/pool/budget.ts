// What a run may spend, in money, tokens, calls and time: every call is reserved at the most it may come to before it is made, settled at
// what it did come to, and released when it failed. What is spent and what is reserved never pass a limit together. A child gets a part
// of what is left, and gives back what it has not spent.
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { atLeastZero, likely, mostOf, NOTHING, plusAmount, share, type Amount, type Bound, type Kind } from "./amount.ts";
import { Caps, least, NO_LIMITS, type BudgetLimits } from "./caps.ts";
import { batchRefusal, refusalOf, type Left } from "./refusals.ts";
import { Ledger, NO_USAGE, usageOf, type Usage } from "./usage.ts";

/** What is left, as a cell's `budget()` tells it; null: no limit. */
export interface BudgetLeft {
  readonly usd: number | null;
  readonly tokens: number | null;
  readonly calls: number | null;
  readonly seconds: number | null;
  /** Levels of children that may still be started below. */
  readonly depth: number;
  readonly iterations: number | null;
}

/** Held while a call is in flight. Exactly one of the two is called, once; later calls do nothing. */
export interface Reservation {
  /** `queueMs`: how long the call waited for its slot. */
  settle(reply: ModelReply, queueMs?: number): void;
  release(): void;
}

export class Budget implements Disposable {
  readonly ledger: Ledger;
  readonly #caps = new Caps();
  readonly #parent: Budget | undefined;
  /** Money is that of models with a known price: the ledger's own sum is null once another one answered. */
  #spent: Amount;
  /** By calls in flight and children. */
  #reserved: Amount = NOTHING;
  /** Calls in flight, and children. */
  #open = 0;
  /** For the last turn of a loop. */
  #held: Amount & { readonly ms: number } = { ...NOTHING, ms: 0 };
  /** Of a child: what of its part it has not spent. */
  #unspent: Amount = NOTHING;
  #refusals = 0;
  readonly #waiting = new Set<() => void>();

  /** `spent`: by the session before this process. */
  constructor(limits: Partial<BudgetLimits>, spent: Usage = NO_USAGE, within?: { readonly parent: Budget; readonly ledger: Ledger }) {
    this.#parent = within?.parent;
    this.ledger = within?.ledger ?? new Ledger(spent);
    this.#spent = amountOf(spent);
    this.#caps.add({ ...NO_LIMITS, ...limits }, NOTHING);
  }

  /** Those of the narrowest part that runs. */
  get limits(): BudgetLimits {
    return this.#caps.limits;
  }

  /** Calls that were refused so far: a loop ends when it meets one after another. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Bounds what is spent, until it is disposed, to so much more than `spent` (default: what is spent now), within the bounds there are. */
  narrow(given: Partial<BudgetLimits>, spent?: Usage): Disposable {
    const { left } = this;
    const limits = { ...NO_LIMITS, ...given };
    const within: BudgetLimits = {
      maxUsd: least([limits.maxUsd, left.usd]),
      maxCalls: least([limits.maxCalls, left.calls]),
      maxTokens: least([limits.maxTokens, left.tokens]),
      maxSeconds: least([limits.maxSeconds, this.secondsLeft]),
    };
    const before = spent === undefined ? this.#spent : { ...amountOf(spent), usd: spent.usd ?? this.#spent.usd };
    return this.#caps.add(limits, before, within);
  }

  /**
   * A part of what is left, 0 to 1, for a child, which is disposed when it has ended. Without a name it is no node of the ledger: a batch
   * divides it among its children.
   */
  part(of: number, name?: string): Budget {
    const { left } = this;
    const limits: BudgetLimits = {
      maxUsd: share(left.usd, of),
      maxTokens: wholeShare(left.tokens, of),
      maxCalls: wholeShare(left.calls, of),
      maxSeconds: this.secondsLeft,
    };
    const ledger = name === undefined ? this.ledger : this.ledger.child(name);
    const child = new Budget(limits, NO_USAGE, { parent: this, ledger });
    child.#unspent = { usd: limits.maxUsd ?? 0, tokens: limits.maxTokens ?? 0, calls: limits.maxCalls ?? 0 };
    this.#reserved = plusAmount(this.#reserved, child.#unspent);
    this.#open++;
    return child;
  }

  /** Gives back to the parent what was not spent. */
  [Symbol.dispose](): void {
    const parent = this.#parent;
    if (parent === undefined) return;
    parent.#unreserve(this.#unspent);
    this.#unspent = NOTHING;
  }

  /** Neither spent, nor reserved, nor kept for a last turn; null: no limit. */
  get left(): Bound {
    const of = (kind: Kind): number | null => {
      const most = this.#caps.most(kind);
      return most === null ? null : Math.max(0, most - this.#spent[kind] - this.#reserved[kind] - this.#held[kind]);
    };
    return { usd: of("usd"), tokens: of("tokens"), calls: of("calls") };
  }

  /** Until the last turn; null: no limit. */
  get secondsLeft(): number | null {
    const { until } = this.#caps;
    return until === null ? null : Math.max(0, until - this.#held.ms - performance.now()) / 1_000;
  }

  leftIn(run: { readonly depth: number; readonly iterations: number | null }): BudgetLeft {
    const { usd, tokens, calls } = this.left;
    const seconds = this.secondsLeft;
    return { usd, tokens, calls, seconds: seconds === null ? null : Math.round(seconds * 10) / 10, ...run };
  }

  /** Keeps what a last turn may come to, in place of what was kept before; false where that does not fit: it stays as it was then. */
  hold(model: Model, request: ModelRequest, ms: number = this.#held.ms): boolean {
    const before = this.#held;
    this.#held = { ...NOTHING, ms };
    const most = mostOf(model, request);
    const fits = this.#fits(most);
    this.#held = fits ? { ...most, ms } : before;
    return fits;
  }

  /** The last turn begins, or the loop has ended. */
  letGo(): void {
    this.#held = { ...NOTHING, ms: 0 };
    this.#wake();
  }

  /** Whether a call could be made now, beside what is kept. */
  affords(model: Model, request: ModelRequest): boolean {
    return this.#hasTime() && this.#fits(mostOf(model, request));
  }

  /** Waits until a call or a child ends; false at once when there is none. Throws the signal's reason. */
  async more(signal: AbortSignal): Promise<boolean> {
    if (this.#open === 0) return false;
    await this.#change(signal);
    signal.throwIfAborted();
    return true;
  }

  /**
   * Reserves a call. When only calls in flight and children stand in its way it waits until they are settled, since they mostly cost
   * less than they may. Throws E_BUDGET, or the signal's reason.
   */
  async reserve(model: Model, request: ModelRequest, signal: AbortSignal): Promise<Reservation> {
    const most = mostOf(model, request);
    for (;;) {
      signal.throwIfAborted();
      if (!this.#hasTime()) throw this.refusal(1, most);
      if (this.#fits(most)) return this.#take(model, most);
      if (!(await this.more(signal))) throw this.refusal(1, most);
    }
  }

  /** Refuses a batch that is out of reach before its first call is made. Throws E_BUDGET. */
  checkBatch(model: Model, requests: readonly ModelRequest[]): void {
    const needed = requests.reduce((sum, request) => plusAmount(sum, likely(model, request)), NOTHING);
    if (requests.length > 0 && (!this.#fits(needed) || !this.#hasTime())) throw this.refusal(requests.length, needed);
  }

  /** What is paid for at once, and is no call of a model. Throws E_BUDGET. */
  charge(what: string, usd: number): Usage {
    const amount = { ...NOTHING, usd };
    if (!this.#fits(amount) || !this.#hasTime()) throw this.refusal(1, amount);
    const used = { ...NO_USAGE, usd };
    if (usd > 0) {
      this.ledger.add(what, used);
      this.#paid(amount);
    }
    return used;
  }

  /** What tells a cell that so many calls are out of reach. */
  refusal(calls: number, needed: Amount): HostError {
    this.#refusals++;
    const left: Left = { ...this.left, seconds: this.secondsLeft };
    return calls === 1 ? refusalOf(needed, left, this.limits) : batchRefusal(calls, needed, left, this.limits);
  }

  /** What ends a call in flight when the time is over. */
  tooLate(): HostError {
    return this.refusal(1, { ...NOTHING, calls: 1 });
  }

  #hasTime(): boolean {
    const seconds = this.secondsLeft;
    return seconds === null || seconds > 0;
  }

  #fits(amount: Amount): boolean {
    const { usd, tokens, calls } = this.left;
    return (usd === null || amount.usd <= usd) && (tokens === null || amount.tokens <= tokens) && (calls === null || amount.calls <= calls);
  }

  #take(model: Model, most: Amount): Reservation {
    this.#reserved = plusAmount(this.#reserved, most);
    this.#open++;
    let isHeld = true;
    const end = (record: () => void) => {
      if (!isHeld) return;
      isHeld = false;
      record();
      this.#unreserve(most);
    };
    return {
      settle: (reply, queueMs = 0) => end(() => this.#record(model, reply, queueMs)),
      release: () => end(() => undefined),
    };
  }

  #unreserve(amount: Amount): void {
    this.#open--;
    // Sums of fractions do not come back to zero by themselves.
    this.#reserved = this.#open === 0 ? NOTHING : atLeastZero(plusAmount(this.#reserved, amount, -1));
    this.#wake();
  }

  #record(model: Model, { usage }: ModelReply, queueMs: number): void {
    const used = usageOf(model, usage, queueMs);
    this.ledger.add(model.id, used);
    this.#paid(amountOf(used));
  }

  /** What a child pays comes out of the part it was given. */
  #paid(amount: Amount): void {
    this.#spent = plusAmount(this.#spent, amount);
    const parent = this.#parent;
    if (parent === undefined) return;
    const rest = atLeastZero(plusAmount(this.#unspent, amount, -1));
    parent.#reserved = atLeastZero(plusAmount(parent.#reserved, plusAmount(this.#unspent, rest, -1), -1));
    this.#unspent = rest;
    parent.#paid(amount);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
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
}

function amountOf({ usd, inputTokens, outputTokens, calls }: Usage): Amount {
  return { usd: usd ?? 0, tokens: inputTokens + outputTokens, calls };
}

/** At least one of what can be counted, where there is one. */
function wholeShare(left: number | null, of: number): number | null {
  return left === null ? null : Math.min(left, Math.max(1, Math.floor(left * of)));
}

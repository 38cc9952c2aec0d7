// The ledger of model calls: tokens and money of those that were answered, in all and by model, and what was saved. It only ever grows.
import type { Model, TokenUsage } from "../llm/model.ts";
import { usdOf } from "./cost.ts";

export interface Usage {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Null: at least one call went to a model of unknown price. */
  readonly usd: number | null;
  /** Calls that were not made, because the answer to an identical one was there or on its way. They are none of `calls`. */
  readonly memo: number;
  /** What those would have cost. */
  readonly savedUsd: number | null;
  /** Calls that were made again because the process that had made them ended before their answer came. */
  readonly repeated: number;
  /** Time that answered calls waited for their slots, all together, in ms. */
  readonly queueMs: number;
}

export const NO_USAGE: Usage = {
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  usd: 0,
  memo: 0,
  savedUsd: 0,
  repeated: 0,
  queueMs: 0,
};

export const ONE_REPEATED: Usage = { ...NO_USAGE, repeated: 1 };

/** A child's calls are in its parent's sums as well. */
export class Ledger {
  /** Of a child: the session it is. */
  readonly name: string | undefined;
  readonly #parent: Ledger | undefined;
  #total: Usage;
  readonly #byModel = new Map<string, Usage>();
  readonly #children: Ledger[] = [];

  constructor(before: Usage = NO_USAGE, within?: { readonly parent: Ledger; readonly name: string }) {
    this.#total = before;
    this.#parent = within?.parent;
    this.name = within?.name;
  }

  get total(): Usage {
    return this.#total;
  }

  /** By model id. */
  get byModel(): ReadonlyMap<string, Usage> {
    return this.#byModel;
  }

  get children(): readonly Ledger[] {
    return this.#children;
  }

  child(name: string): Ledger {
    const child = new Ledger(NO_USAGE, { parent: this, name });
    this.#children.push(child);
    return child;
  }

  add(model: string, used: Usage): void {
    this.#byModel.set(model, plus(this.#byModel.get(model) ?? NO_USAGE, used));
    this.#total = plus(this.#total, used);
    this.#parent?.add(model, used);
  }

  /** A call that did not have to be made. */
  addSaved(usd: number | null): void {
    this.#add({ ...NO_USAGE, memo: 1, savedUsd: usd });
  }

  addRepeated(): void {
    this.#add(ONE_REPEATED);
  }

  #add(more: Usage): void {
    this.#total = plus(this.#total, more);
    const parent = this.#parent;
    if (parent !== undefined) parent.#add(more);
  }
}

/** What one session paid, and its children within that. */
export interface UsageTree {
  /** Of a child: the session it is. */
  readonly session?: string;
  /** With that of its children. */
  readonly total: Usage;
  readonly byModel: Readonly<Record<string, Usage>>;
  readonly children: readonly UsageTree[];
}

/** Where a ledger stood, so that what came since can be told. */
export interface LedgerMark {
  readonly total: Usage;
  readonly byModel: ReadonlyMap<string, Usage>;
  readonly children: number;
}

export function markOf(ledger: Ledger, total: Usage = ledger.total): LedgerMark {
  return { total, byModel: new Map(ledger.byModel), children: ledger.children.length };
}

const BEGINNING: LedgerMark = { total: NO_USAGE, byModel: new Map(), children: 0 };

/** What came to a ledger since it stood there. */
export function treeOf(ledger: Ledger, since: LedgerMark = BEGINNING): UsageTree {
  const models = [...ledger.byModel].map(([id, usage]) => [id, minus(usage, since.byModel.get(id) ?? NO_USAGE)] as const);
  return {
    ...(ledger.name === undefined ? {} : { session: ledger.name }),
    total: minus(ledger.total, since.total),
    byModel: Object.fromEntries(models.filter(([, { calls, usd }]) => calls > 0 || usd !== 0)),
    children: ledger.children.slice(since.children).map((child) => treeOf(child)),
  };
}

/** A tree as JSON tells it: the sums, `by_model`, and the `children` where there are any. */
export function treeJson({ session, total, byModel, children }: UsageTree): object {
  return {
    ...(session === undefined ? {} : { session }),
    ...usageJson(total),
    by_model: Object.fromEntries(Object.entries(byModel).map(([id, usage]) => [id, usageJson(usage)])),
    ...(children.length === 0 ? {} : { children: children.map(treeJson) }),
  };
}

/** Of one call that was answered. */
export function usageOf(model: Model, usage: TokenUsage, queueMs = 0): Usage {
  const { inputTokens, outputTokens, cachedInputTokens } = usage;
  return { ...NO_USAGE, calls: 1, inputTokens, outputTokens, cachedInputTokens, usd: usdOf(model, usage), queueMs };
}

export function plus(a: Usage, b: Usage): Usage {
  return combined(a, b, (x, y) => x + y);
}

/** What came to a ledger since `before`. */
export function minus(now: Usage, before: Usage): Usage {
  return combined(now, before, (x, y) => x - y);
}

function combined(a: Usage, b: Usage, by: (x: number, y: number) => number): Usage {
  const money = (x: number | null, y: number | null): number | null => (x === null || y === null ? null : by(x, y));
  return {
    calls: by(a.calls, b.calls),
    inputTokens: by(a.inputTokens, b.inputTokens),
    outputTokens: by(a.outputTokens, b.outputTokens),
    cachedInputTokens: by(a.cachedInputTokens, b.cachedInputTokens),
    usd: money(a.usd, b.usd),
    memo: by(a.memo, b.memo),
    savedUsd: money(a.savedUsd, b.savedUsd),
    repeated: by(a.repeated, b.repeated),
    queueMs: by(a.queueMs, b.queueMs),
  };
}

/** Usage as JSON tells it, everywhere; money to 10⁻¹² USD, which leaves out what adding fractions adds. */
export function usageJson(usage: Usage): Readonly<Record<string, number | null>> {
  return {
    calls: usage.calls,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    usd: rounded(usage.usd),
    memo: usage.memo,
    saved_usd: rounded(usage.savedUsd),
    repeated: usage.repeated,
    queue_ms: Math.round(usage.queueMs),
  };
}

/** What `usageJson` said; undefined for anything else. */
export function readUsage(json: unknown): Usage | undefined {
  const number = (key: string): number | undefined => {
    const value: unknown = typeof json === "object" && json !== null ? Reflect.get(json, key) : undefined;
    return typeof value === "number" ? value : undefined;
  };
  const calls = number("calls");
  if (calls === undefined) return undefined;
  return {
    calls,
    inputTokens: number("input_tokens") ?? 0,
    outputTokens: number("output_tokens") ?? 0,
    cachedInputTokens: number("cached_input_tokens") ?? 0,
    usd: number("usd") ?? null,
    memo: number("memo") ?? 0,
    savedUsd: number("saved_usd") ?? null,
    repeated: number("repeated") ?? 0,
    queueMs: number("queue_ms") ?? 0,
  };
}

function rounded(usd: number | null): number | null {
  return usd === null ? null : Number(usd.toFixed(12));
}

// The ledger of answered model calls: tokens and money, in all and by model. It only ever grows.
import type { TokenUsage } from "../llm/model.ts";

/** `usd` null: at least one call went to a model of unknown price. */
export interface Usage {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly usd: number | null;
}

const NOTHING: Usage = { calls: 0, inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, usd: 0 };

export class Ledger {
  #total: Usage;
  readonly #byModel = new Map<string, Usage>();

  constructor(before: Usage = NOTHING) {
    this.#total = before;
  }

  get total(): Usage {
    return this.#total;
  }

  /** By model id. */
  get byModel(): ReadonlyMap<string, Usage> {
    return this.#byModel;
  }

  add(model: string, usage: TokenUsage, usd: number | null): void {
    this.#total = plus(this.#total, usage, usd);
    this.#byModel.set(model, plus(this.#byModel.get(model) ?? NOTHING, usage, usd));
  }
}

function plus(sum: Usage, usage: TokenUsage, usd: number | null): Usage {
  return {
    calls: sum.calls + 1,
    inputTokens: sum.inputTokens + usage.inputTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
    usd: sum.usd === null || usd === null ? null : sum.usd + usd,
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
  };
}

/** What came to a ledger since `before`. */
export function minus(now: Usage, before: Usage): Usage {
  return {
    calls: now.calls - before.calls,
    inputTokens: now.inputTokens - before.inputTokens,
    outputTokens: now.outputTokens - before.outputTokens,
    cachedInputTokens: now.cachedInputTokens - before.cachedInputTokens,
    usd: now.usd === null || before.usd === null ? null : now.usd - before.usd,
  };
}

/** Usage as JSON tells it, everywhere; money to 10⁻¹² USD, which leaves out what adding fractions adds. */
export function usageJson({ calls, inputTokens, outputTokens, cachedInputTokens, usd }: Usage): Readonly<Record<string, number | null>> {
  return {
    calls,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cached_input_tokens: cachedInputTokens,
    usd: usd === null ? null : Number(usd.toFixed(12)),
  };
}

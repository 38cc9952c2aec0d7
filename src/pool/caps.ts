// Bounds of a run and of its parts: what may have been spent, in all, when one is reached. The narrowest holds.
import type { Amount, Bound, Kind } from "./amount.ts";

export interface BudgetLimits {
  /** Null: no limit. */
  readonly maxUsd: number | null;
  readonly maxCalls: number | null;
  /** Of prompts and replies together. */
  readonly maxTokens: number | null;
  /** Wall time. */
  readonly maxSeconds: number | null;
}

export const NO_LIMITS: BudgetLimits = { maxUsd: null, maxCalls: null, maxTokens: null, maxSeconds: null };

interface Cap {
  readonly limits: BudgetLimits;
  readonly most: Bound;
  /** In ms of the process's clock. */
  readonly until: number | null;
}

export class Caps {
  readonly #caps: Cap[] = [];

  /** Those of the part that was added last. */
  get limits(): BudgetLimits {
    return this.#caps.at(-1)?.limits ?? NO_LIMITS;
  }

  /** So much more than `before`; told as `limits`. Disposing takes it away again. */
  add(more: BudgetLimits, before: Amount, limits: BudgetLimits = more): Disposable {
    const { maxUsd, maxTokens, maxCalls, maxSeconds } = more;
    const cap: Cap = {
      limits,
      most: {
        usd: maxUsd === null ? null : before.usd + maxUsd,
        tokens: maxTokens === null ? null : before.tokens + maxTokens,
        calls: maxCalls === null ? null : before.calls + maxCalls,
      },
      until: maxSeconds === null ? null : performance.now() + maxSeconds * 1_000,
    };
    this.#caps.push(cap);
    return { [Symbol.dispose]: () => void this.#caps.splice(this.#caps.indexOf(cap), 1) };
  }

  most(kind: Kind): number | null {
    return least(this.#caps.map((cap) => cap.most[kind]));
  }

  get until(): number | null {
    return least(this.#caps.map((cap) => cap.until));
  }
}

/** Null: no limit. */
export function least(limits: readonly (number | null)[]): number | null {
  const bounds = limits.filter((limit) => limit !== null);
  return bounds.length === 0 ? null : Math.min(...bounds);
}

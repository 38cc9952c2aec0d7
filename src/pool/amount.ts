// What calls come to, counted in everything that is bounded.
import type { Model, ModelRequest } from "../llm/model.ts";
import { tokensAtMost } from "../llm/tokens.ts";
import { costAtMost, costLikely, tokensLikely } from "./cost.ts";

export interface Amount {
  /** Of models of known price. */
  readonly usd: number;
  /** Of prompts and replies. */
  readonly tokens: number;
  readonly calls: number;
}

export type Kind = keyof Amount;

/** Null: no limit. */
export type Bound = Readonly<Record<Kind, number | null>>;

export const NOTHING: Amount = { usd: 0, tokens: 0, calls: 0 };

/** The most a call may come to. */
export function mostOf(model: Model, request: ModelRequest): Amount {
  return { usd: costAtMost(model, request) ?? 0, tokens: tokensAtMost(request) + request.maxTokens, calls: 1 };
}

/** What a call is likely to come to. */
export function likely(model: Model, request: ModelRequest): Amount {
  return { usd: costLikely(model, request) ?? 0, tokens: tokensLikely(request), calls: 1 };
}

export function plusAmount(a: Amount, b: Amount, times = 1): Amount {
  return { usd: a.usd + times * b.usd, tokens: a.tokens + times * b.tokens, calls: a.calls + times * b.calls };
}

export function atLeastZero({ usd, tokens, calls }: Amount): Amount {
  return { usd: Math.max(0, usd), tokens: Math.max(0, tokens), calls: Math.max(0, calls) };
}

export function share(left: number | null, of: number): number | null {
  return left === null ? null : left * of;
}

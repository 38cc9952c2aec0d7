// The dated data file of default models, windows and prices (`catalog.json`). The user's price file (`prices.ts`) goes before it.
import catalog from "./catalog.json" with { type: "json" };
import type { Price, Rates } from "./model.ts";

export type Provider = "anthropic" | "openai";

export interface ModelFacts {
  /** Tokens of prompt and reply together; undefined when unknown. */
  readonly window: number | undefined;
  readonly price: Price | undefined;
}

interface ListedRates {
  readonly input: number;
  readonly output: number;
  readonly cached_input: number;
  readonly cache_write: number;
}

interface Listed {
  readonly window: number;
  readonly price: ListedRates & { readonly long?: ListedRates & { readonly above: number } };
}

/** Year and month the file was made in. */
export const CATALOG_DATE: string = catalog.date;

/** The model a provider's name alone stands for, and the cheaper one its sub-calls go to. */
export function defaultModels(provider: Provider): { readonly root: string; readonly sub: string } {
  const { root, sub } = catalog.providers[provider];
  return { root, sub };
}

/** What is known of a model; `prices` has the user's own, by name or by `provider:name`. */
export function factsOf(provider: Provider, name: string, prices: ReadonlyMap<string, Price> = new Map()): ModelFacts {
  const listed = listedModels(provider).get(name);
  const price = prices.get(`${provider}:${name}`) ?? prices.get(name) ?? (listed && toPrice(listed));
  return { window: listed?.window, price };
}

function listedModels(provider: Provider): ReadonlyMap<string, Listed> {
  return new Map<string, Listed>(Object.entries(catalog.providers[provider].models));
}

function toPrice({ price }: Listed): Price {
  return { ...toRates(price), ...(price.long ? { long: { ...toRates(price.long), above: price.long.above } } : {}) };
}

function toRates(listed: ListedRates): Rates {
  return { input: listed.input, output: listed.output, cachedInput: listed.cached_input, cacheWrite: listed.cache_write };
}

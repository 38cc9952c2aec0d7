// What calls cost, in USD: the most a call may come to, what it is likely to come to, and what it came to.
import { HostError } from "../errors.ts";
import type { Model, ModelRequest, Price, Rates, TokenUsage } from "../llm/model.ts";
import { estimateTokens, requestText, tokensAtMost } from "../llm/tokens.ts";

const MILLION = 1_000_000;
/** Replies to batched prompts are short, whatever their bound. */
const LIKELY_OUTPUT_TOKENS = 400;

/** The most a request may cost; undefined when the price is unknown. */
export function costAtMost(model: Model, request: ModelRequest): number | undefined {
  const { price } = model;
  if (price === undefined) return undefined;
  const input = tokensAtMost(request);
  const rates = ratesFor(price, input);
  return (input * Math.max(rates.input, rates.cacheWrite ?? 0) + request.maxTokens * rates.output) / MILLION;
}

/** What a request is likely to cost, for saying beforehand that a batch is out of reach; undefined when the price is unknown. */
export function costLikely(model: Model, request: ModelRequest): number | undefined {
  const { price } = model;
  if (price === undefined) return undefined;
  const input = inputLikely(request);
  const rates = ratesFor(price, input);
  return (input * rates.input + outputLikely(request) * rates.output) / MILLION;
}

/** Of prompt and reply. */
export function tokensLikely(request: ModelRequest): number {
  return inputLikely(request) + outputLikely(request);
}

function inputLikely(request: ModelRequest): number {
  return requestText(request).reduce((sum, text) => sum + estimateTokens(text), 0);
}

function outputLikely({ maxTokens }: ModelRequest): number {
  return Math.min(maxTokens, LIKELY_OUTPUT_TOKENS);
}

/** What an answered call cost. */
export function costOf(price: Price, usage: TokenUsage): number {
  const rates = ratesFor(price, usage.inputTokens);
  const written = usage.cacheWriteTokens ?? 0;
  const plain = Math.max(0, usage.inputTokens - usage.cachedInputTokens - written);
  const input =
    plain * rates.input + usage.cachedInputTokens * (rates.cachedInput ?? rates.input) + written * (rates.cacheWrite ?? rates.input);
  return (input + usage.outputTokens * rates.output) / MILLION;
}

/** Null: the price is unknown. */
export function usdOf({ price }: Model, usage: TokenUsage): number | null {
  return price === undefined ? null : costOf(price, usage);
}

function ratesFor(price: Price, inputTokens: number): Rates {
  return price.long !== undefined && inputTokens > price.long.above ? price.long : price;
}

/** `$1.20`, `$0.004`. What is needed is rounded up and what is left down, so that the two never look equal when they are not enough. */
export function dollars(usd: number, toward: "up" | "down"): string {
  const digits = usd >= 0.01 || usd <= 0 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(usd)));
  const scaled = usd * 10 ** digits;
  // A hair of tolerance: 1.2 * 100 is 120, but 4.1 * 100 is 409.99999999999994.
  const whole = toward === "up" ? Math.ceil(scaled - 1e-6) : Math.floor(scaled + 1e-6);
  return `$${(whole / 10 ** digits).toFixed(digits)}`;
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

// What an evaluation came to: the mean score with its confidence interval, and what it took.
import type { EvalRow, EvalRun } from "./run.ts";

export interface Summary {
  readonly kind: string;
  readonly tokens: number;
  readonly system: string;
  readonly score: number;
  /** Half of the 95 % confidence interval of the mean, by Student's t; null for fewer than two runs. */
  readonly interval: number | null;
  readonly n: number;
  /** Means of a run. */
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of `inputTokens`. */
  readonly cachedTokens: number;
  readonly usd: number | null;
  readonly seconds: number;
  readonly stopReasons: Readonly<Record<string, number>>;
}

/** Two-sided 95 % of Student's t, by degrees of freedom from 1; beyond them that of the normal distribution. */
const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09];
const NORMAL = 1.96;

export function summaryOf({ kind, tokens, system, runs }: EvalRow): Summary {
  const mean = (of: (run: EvalRun) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const score = mean((run) => run.score);
  const variance = runs.reduce((sum, run) => sum + (run.score - score) ** 2, 0) / Math.max(1, runs.length - 1);
  const t = T[runs.length - 2] ?? NORMAL;
  return {
    kind,
    tokens,
    system,
    score,
    interval: runs.length < 2 ? null : t * Math.sqrt(variance / runs.length),
    n: runs.length,
    calls: mean(({ usage }) => usage.calls),
    inputTokens: mean(({ usage }) => usage.inputTokens),
    outputTokens: mean(({ usage }) => usage.outputTokens),
    cachedTokens: mean(({ usage }) => usage.cachedInputTokens),
    usd: runs.some(({ usage }) => usage.usd === null) ? null : mean(({ usage }) => usage.usd ?? 0),
    seconds: mean(({ ms }) => ms) / 1_000,
    stopReasons: Object.fromEntries(
      [...Map.groupBy(runs, ({ stopReason }) => stopReason)].map(([reason, all]) => [reason, all.length] as const),
    ),
  };
}

export const HEAD = `${"task".padEnd(13)}${"context".padStart(10)}  ${"system".padEnd(7)}${"score".padStart(7)}${"± 95 %".padStart(8)}${"n".padStart(4)}${"calls".padStart(8)}${"tokens in".padStart(11)}${"cached".padStart(9)}${"out".padStart(8)}${"USD".padStart(9)}${"s".padStart(7)}  ended`;

export function lineOf(summary: Summary): string {
  const { kind, tokens, system, score, interval, n, calls, inputTokens, outputTokens, cachedTokens, usd, seconds, stopReasons } = summary;
  const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
  const ended = Object.entries(stopReasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(", ");
  return `${kind.padEnd(13)}${whole(tokens).padStart(10)}  ${system.padEnd(7)}${(100 * score).toFixed(1).padStart(7)}${(interval === null ? "–" : (100 * interval).toFixed(1)).padStart(8)}${String(n).padStart(4)}${calls.toFixed(1).padStart(8)}${whole(inputTokens).padStart(11)}${whole(cachedTokens).padStart(9)}${whole(outputTokens).padStart(8)}${(usd === null ? "unknown" : usd.toFixed(4)).padStart(9)}${seconds.toFixed(1).padStart(7)}  ${ended}`;
}

export function summaryJson(summary: Summary): object {
  const { interval, inputTokens, outputTokens, cachedTokens, stopReasons, ...rest } = summary;
  return {
    ...rest,
    confidence_95: interval,
    input_tokens: inputTokens,
    cached_input_tokens: cachedTokens,
    output_tokens: outputTokens,
    stop_reasons: stopReasons,
  };
}

// The recursive-language-model loop (arXiv:2512.24601): the root model writes cells until one calls FINAL, or until it may not go on.
import { HostError } from "../errors.ts";
import { holdFirst, lastRequest, nextRequest } from "./afford.ts";
import { Conversation } from "./conversation.ts";
import { takeTurn } from "./turn.ts";
import type { AskResult, LoopOptions, StopReason } from "./types.ts";

/** Replies without code in a row; a model that writes prose after that is asked for its answer. */
const MAX_NUDGES = 3;
/** Turns in a row whose cells were refused a call for want of budget. */
const MAX_REFUSED = 2;
/** Of the time there is, kept for the last turn; at most so many ms. */
const LAST_SHARE = 0.1;
const LAST_MS = 60_000;

type End = { readonly type: "final"; readonly value: unknown } | { readonly type: "max_iterations" | "budget" };

/** Always resolves for what models, cells and the budget do; rejects only for a defect. */
export async function runLoop(options: LoopOptions): Promise<AskResult> {
  const { budget } = options;
  const conversation = new Conversation(options.system, options.first, options.model, options.reply);
  const progress = { iterations: 0 };
  const seconds = budget.secondsLeft;
  const lastMs = seconds === null ? 0 : Math.min(LAST_MS, seconds * 1_000 * LAST_SHARE);
  holdFirst(conversation, options, lastMs);
  try {
    const end = await explore(conversation, progress, options);
    if (end.type === "final") return { answer: end.value, stop_reason: "final", partial: false, iterations: progress.iterations };
    const answer = await lastAnswer(conversation, progress.iterations, options);
    return { answer, stop_reason: end.type, partial: true, iterations: progress.iterations };
  } catch (error) {
    return stopped(error, progress.iterations, options.signal);
  } finally {
    budget.letGo();
  }
}

async function explore(conversation: Conversation, progress: { iterations: number }, options: LoopOptions): Promise<End> {
  const { budget } = options;
  using clock = new Clock(budget.secondsLeft);
  const timed = { ...options, signal: AbortSignal.any([options.signal, clock.signal]) };
  const { maxIterations } = options.limits;
  let nudges = 0;
  let refused = 0;
  try {
    while (progress.iterations < maxIterations && nudges <= MAX_NUDGES) {
      const isEarlier = progress.iterations < options.earlier.length;
      const request = isEarlier ? conversation.request() : clock.signal.aborted ? undefined : await nextRequest(conversation, timed);
      if (request === undefined) return { type: "budget" };
      const before = budget.refusals;
      const turn = await takeTurn(
        conversation,
        { iteration: progress.iterations + 1, left: maxIterations - progress.iterations - 1, request },
        timed,
      );
      progress.iterations++;
      if (turn.type === "final") return { type: "final", value: turn.answer };
      nudges = turn.type === "prose" ? nudges + 1 : 0;
      refused = budget.refusals > before ? refused + 1 : 0;
      if (refused >= MAX_REFUSED) return { type: "budget" };
    }
    return { type: "max_iterations" };
  } catch (error) {
    if (clock.signal.aborted && !options.signal.aborted) return { type: "budget" };
    throw error;
  }
}

/** One more turn with the demand to answer. Words are none: null. */
async function lastAnswer(conversation: Conversation, iterations: number, options: LoopOptions): Promise<unknown> {
  conversation.demandAnswer();
  const request = await lastRequest(conversation, options);
  using clock = new Clock(options.budget.secondsLeft);
  const timed = { ...options, signal: AbortSignal.any([options.signal, clock.signal]) };
  const turn = await takeTurn(conversation, { iteration: iterations + 1, left: 0, request }, timed);
  return turn.type === "final" ? turn.answer : null;
}

/** Aborts when the time is over. */
class Clock implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number | null) {
    const over = (): void => this.#controller.abort(new HostError("E_BUDGET", "the time of --max-time is over"));
    this.#timer = seconds === null ? undefined : setTimeout(over, seconds * 1_000);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function stopped(error: unknown, iterations: number, signal: AbortSignal): AskResult {
  const end = (stop_reason: StopReason, more: Partial<AskResult> = {}): AskResult => ({
    answer: null,
    stop_reason,
    partial: true,
    iterations,
    ...more,
  });
  if (signal.aborted) return end("interrupted");
  if (!(error instanceof HostError)) throw error;
  return end(error.code === "E_BUDGET" ? "budget" : "error", { error: { code: error.code, message: error.message } });
}

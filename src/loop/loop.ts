// The recursive-language-model loop (arXiv:2512.24601): the root model writes cells until one calls FINAL, or until it may not go on.
import { HostError, messageOf } from "../errors.ts";
import { holdFirst, lastRequest, nextRequest } from "./afford.ts";
import type { Model } from "../llm/model.ts";
import { digest, isTooLong } from "./compaction.ts";
import { Conversation } from "./conversation.ts";
import type { Problem } from "./parse.ts";
import { takeTurn } from "./turn.ts";
import type { AskResult, CheckedAnswer, LoopOptions, StopReason } from "./types.ts";

/** Replies without a cell in a row; a model that goes on so is asked for its answer. */
const MAX_NUDGES = 3;
/** Replies in a row that declined. */
const MAX_DECLINED = 2;
/** Turns in a row whose cells were refused a call for want of budget. */
const MAX_REFUSED = 2;
/** Of the time there is, kept for the last turn; at most so many ms. */
const LAST_SHARE = 0.1;
const LAST_MS = 60_000;

/** Tries of the last turn, where they can be paid: its reply may have no cell, and its cell may fail. */
const LAST_TRIES = 3;

type End = { readonly type: "final"; readonly value: unknown } | { readonly type: "max_iterations" | "budget" };

interface Progress {
  iterations: number;
  compactions: number;
  readonly nudges: Partial<Record<Problem, number>>;
}

/** Always resolves for what models, cells and the budget do; rejects only for a defect. */
export async function runLoop(options: LoopOptions): Promise<AskResult> {
  const { budget } = options;
  const conversation = new Conversation(options.system, options.first, options.model, options.reply);
  const progress: Progress = { iterations: 0, compactions: 0, nudges: {} };
  const seconds = budget.secondsLeft;
  const lastMs = seconds === null ? 0 : Math.min(LAST_MS, seconds * 1_000 * LAST_SHARE);
  holdFirst(conversation, options, lastMs);
  try {
    const end = await explore(conversation, progress, options);
    if (end.type === "final") return { answer: end.value, stop_reason: "final", partial: false, ...progress };
    return { answer: await lastAnswer(conversation, progress, options), stop_reason: end.type, partial: true, ...progress };
  } catch (error) {
    return stopped(error, progress, options.signal);
  } finally {
    budget.letGo();
  }
}

async function explore(conversation: Conversation, progress: Progress, options: LoopOptions): Promise<End> {
  const { budget, model } = options;
  using clock = new Clock(budget.secondsLeft);
  const timed = { ...options, signal: AbortSignal.any([options.signal, clock.signal]) };
  const { maxIterations } = options.limits;
  const inARow = { nudges: 0, declined: 0, refused: 0 };
  try {
    while (progress.iterations < maxIterations && inARow.nudges <= MAX_NUDGES) {
      const isEarlier = progress.iterations < options.earlier.length;
      await compactIfTooLong(conversation, progress, options);
      const request = isEarlier ? conversation.request() : clock.signal.aborted ? undefined : await nextRequest(conversation, timed);
      if (request === undefined) return { type: "budget" };
      const before = budget.refusals;
      const left = maxIterations - progress.iterations - 1;
      const takesWords = options.isDirect === true && progress.iterations === 0;
      const turn = await takeTurn(conversation, { iteration: progress.iterations + 1, left, request, takesWords }, timed);
      progress.iterations++;
      if (turn.type === "final") return { type: "final", value: turn.answer };
      if (turn.type === "words") {
        const value = await answerOf(turn.text, options);
        if ("answer" in value) return { type: "final", value: value.answer };
        if (!isEarlier) options.onTurn?.({ type: "nudge", iteration: progress.iterations, text: value.error });
        conversation.addNudge(value.error);
        continue;
      }
      countProblem(progress.nudges, turn.problem);
      inARow.nudges = turn.type === "nudge" ? inARow.nudges + 1 : 0;
      inARow.declined = turn.problem === "refused" ? inARow.declined + 1 : 0;
      if (inARow.declined >= MAX_DECLINED) throw declined(model);
      inARow.refused = budget.refusals > before ? inARow.refused + 1 : 0;
      if (inARow.refused >= MAX_REFUSED) return { type: "budget" };
    }
    return { type: "max_iterations" };
  } catch (error) {
    if (clock.signal.aborted && !options.signal.aborted) return { type: "budget" };
    throw error;
  }
}

/** One more turn with the demand to answer, and once more where it comes to nothing. Words are no answer: null. */
async function lastAnswer(conversation: Conversation, progress: Progress, options: LoopOptions): Promise<unknown> {
  options.budget.letGo();
  using clock = new Clock(options.budget.secondsLeft);
  const timed = { ...options, signal: AbortSignal.any([options.signal, clock.signal]) };
  for (let tries = 1; ; tries++) {
    conversation.demandAnswer();
    const request = await lastRequest(conversation, options);
    if (tries > 1 && !options.budget.affords(options.model, request)) return null;
    const turn = await takeTurn(conversation, { iteration: progress.iterations + tries, left: 0, request }, timed).catch(
      (error: unknown) => {
        // The run has come to its end before: what keeps another try from it is no news.
        if (tries > 1 && error instanceof HostError && !options.signal.aborted) return undefined;
        throw error;
      },
    );
    if (turn === undefined) return null;
    if (turn.type === "final") return turn.answer;
    if (turn.type === "words") throw new Error("words are no answer to a last turn");
    countProblem(progress.nudges, turn.problem);
    if (tries === LAST_TRIES) return null;
  }
}

/** The reply to a context that was read whole: its words, or where the answer has a schema its JSON. */
async function answerOf(text: string, { check }: LoopOptions): Promise<CheckedAnswer> {
  if (check === undefined) return { answer: text.trim() };
  try {
    const checked = await check(JSON.parse(text));
    return "answer" in checked ? checked : { error: `The answer does not fit its schema: ${checked.error}` };
  } catch (error) {
    return { error: `The answer is not JSON: ${messageOf(error)}` };
  }
}

/** Where an earlier process did so, in the very same words. */
async function compactIfTooLong(conversation: Conversation, progress: Progress, options: LoopOptions): Promise<void> {
  const { earlier, model, variables, onTurn } = options;
  const { iterations: iteration } = progress;
  const before = earlier[iteration - 1]?.compaction;
  if (before !== undefined) progress.compactions += conversation.compact(() => before) ? 1 : 0;
  if (iteration < earlier.length || before !== undefined || variables === undefined) return;
  if (!isTooLong(model, conversation.request())) return;
  const found = await variables();
  const isDone = conversation.compact((steps) => {
    const text = digest(steps, found);
    onTurn?.({ type: "compaction", iteration, text });
    return text;
  });
  if (isDone) progress.compactions++;
}

export function countProblem(counts: Partial<Record<Problem, number>>, problem: Problem | undefined): void {
  if (problem !== undefined) counts[problem] = (counts[problem] ?? 0) + 1;
}

function declined({ id }: Model): HostError {
  return new HostError("E_LLM_REFUSED", `${id} declined to answer ${MAX_DECLINED} times in a row`);
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

function stopped(error: unknown, progress: Progress, signal: AbortSignal): AskResult {
  const end = (stop_reason: StopReason, more: Partial<AskResult> = {}): AskResult => ({
    answer: null,
    stop_reason,
    partial: true,
    ...progress,
    ...more,
  });
  if (signal.aborted) return end("interrupted");
  if (!(error instanceof HostError)) throw error;
  return end(error.code === "E_BUDGET" ? "budget" : "error", { error: { code: error.code, message: error.message } });
}

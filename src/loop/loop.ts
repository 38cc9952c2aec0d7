// The recursive-language-model loop (arXiv:2512.24601): the root model writes cells until one calls FINAL, or until it may not go on.
import { HostError } from "../errors.ts";
import { Conversation } from "./conversation.ts";
import { takeTurn } from "./turn.ts";
import type { AskResult, LoopOptions, StopReason } from "./types.ts";

/** Replies without code in a row; a model that writes prose after that is asked for its answer. */
const MAX_NUDGES = 3;

/** Always resolves for what models, cells and the budget do; rejects only for a defect. */
export async function runLoop(options: LoopOptions): Promise<AskResult> {
  const conversation = new Conversation(options.system, options.first, options.model);
  const progress = { iterations: 0 };
  try {
    const answer = await exploreUntilFinal(conversation, progress, options);
    if (answer !== undefined) return { answer: answer.value, stop_reason: "final", partial: false, iterations: progress.iterations };
    return {
      answer: await lastAnswer(conversation, progress.iterations, options),
      stop_reason: "max_iterations",
      partial: true,
      iterations: progress.iterations,
    };
  } catch (error) {
    return stopped(error, progress.iterations, options.signal);
  }
}

/** Undefined: the turns are used up, or the model only writes prose. */
async function exploreUntilFinal(
  conversation: Conversation,
  progress: { iterations: number },
  options: LoopOptions,
): Promise<{ readonly value: unknown } | undefined> {
  const { maxIterations } = options.limits;
  let nudges = 0;
  while (progress.iterations < maxIterations && nudges <= MAX_NUDGES) {
    const turn = await takeTurn(conversation, progress.iterations + 1, maxIterations - progress.iterations - 1, options);
    progress.iterations++;
    if (turn.type === "final") return { value: turn.answer };
    nudges = turn.type === "prose" ? nudges + 1 : 0;
  }
  return undefined;
}

/** One more turn with the demand to answer; a model that still does not call FINAL is taken by its words. */
async function lastAnswer(conversation: Conversation, iterations: number, options: LoopOptions): Promise<unknown> {
  conversation.demandAnswer();
  const turn = await takeTurn(conversation, iterations + 1, 0, options);
  if (turn.type === "final") return turn.answer;
  return turn.text.trim() === "" ? null : turn.text.trim();
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

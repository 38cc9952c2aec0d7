// One turn: the root model replies, its cell runs, and what the cell did goes back into the conversation.
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { HostError } from "../errors.ts";
import { tokensIn } from "./compaction.ts";
import type { Conversation } from "./conversation.ts";
import { CONTEXT_SHOWN, nudge, ONLY_FIRST_RAN, REPLY_CUT, showsContext } from "./nudges.ts";
import { parseReply, type ParsedReply, type Problem } from "./parse.ts";
import { renderOutcome, renderUnfit } from "./render.ts";
import type { LoopOptions } from "./types.ts";

export type TurnResult =
  /** Words, where they are an answer. */
  | { readonly type: "words"; readonly text: string }
  /** FINAL was called. */
  | { readonly type: "final"; readonly answer: unknown }
  | { readonly type: "cell"; readonly problem?: "unfit" }
  /** The reply had no cell to run. */
  | { readonly type: "nudge"; readonly problem: Problem };

/** UTF-16 units of the output of a cell that only shows its context: it is known from the start. */
const SHOWN_OUTPUT = 1_000;

export interface Turn {
  /** From 1. */
  readonly iteration: number;
  /** Turns after this one. */
  readonly left: number;
  readonly request: ModelRequest;
  /** A reply without a cell is the answer. */
  readonly takesWords?: boolean;
}

/** Throws what the scheduler or the session throws, and the signal's reason. */
export async function takeTurn(conversation: Conversation, turn: Turn, options: LoopOptions): Promise<TurnResult> {
  const { session, signal, budget, depth, onTurn } = options;
  const { iteration } = turn;
  const earlier = options.earlier[iteration - 1];
  const { reply, parsed } =
    earlier === undefined ? await nextReply(turn, options) : { reply: earlier.reply, parsed: parseReply(earlier.reply) };
  conversation.addReply(parsed);

  if (parsed.code === null && parsed.problem === "no_code" && turn.takesWords === true) return { type: "words", text: parsed.text };
  if (parsed.code === null) {
    const { problem = "no_code", language } = parsed;
    const text = nudge(problem, { language, maxTokens: turn.request.maxTokens });
    if (earlier === undefined) onTurn?.({ type: "nudge", iteration, text });
    conversation.addNudge(earlier?.nudge ?? text);
    return { type: "nudge", problem };
  }
  if (earlier?.output !== undefined) {
    conversation.addOutput(earlier.output);
    return { type: "cell" };
  }

  const outcome = await session.run(parsed.code, { signal });
  // A cell that the time ran out for has still come to something.
  if (!isOverTime(signal)) signal.throwIfAborted();
  const left = budget.leftIn({ depth, iterations: turn.left });
  let text: string;
  let problem: "unfit" | undefined;
  if (outcome.outcome === "final") {
    const answer = outcome.value?.json === undefined ? (outcome.value?.long ?? null) : toAnswer(outcome.value.json);
    const checked = (await options.check?.(answer)) ?? { answer };
    if ("answer" in checked) return { type: "final", answer: checked.answer };
    problem = "unfit";
    text = renderUnfit(outcome, checked.error, left);
  } else {
    const isShown = showsContext(parsed.code) && outcome.outcome === "ok";
    const notes = [
      ...(isShown ? [CONTEXT_SHOWN] : []),
      ...(parsed.hasMore === true ? [ONLY_FIRST_RAN] : []),
      ...(reply.stop === "length" ? [REPLY_CUT] : []),
    ];
    text = [renderOutcome(outcome, left, isShown ? SHOWN_OUTPUT : conversation.outputBound), ...notes].join("\n");
  }
  onTurn?.({ type: "output", iteration, text });
  conversation.addOutput(text);
  return { type: "cell", ...(problem === undefined ? {} : { problem }) };
}

async function nextReply(
  { iteration, request }: Turn,
  options: LoopOptions,
): Promise<{ readonly reply: ModelReply; readonly parsed: ParsedReply }> {
  const { onEvent, onTurn } = options;
  onEvent?.({ type: "turn_start", iteration });
  const reply = await ask(request, options);
  const parsed = parseReply(reply);
  onEvent?.({ type: "turn_reply", iteration, text: parsed.text, code: parsed.code });
  onTurn?.({ type: "reply", iteration, reply, code: parsed.code });
  return { reply, parsed };
}

async function ask(
  request: ModelRequest,
  { model, schedule, budget, limits, signal, onEvent, now = performance.now.bind(performance) }: LoopOptions,
): Promise<ModelReply> {
  const started = now();
  let ok = false;
  try {
    checkWindow(model, request);
    const reply = await schedule(model, request, { signal, deadlineMs: limits.modelCallMs, budget });
    ok = true;
    return reply;
  } finally {
    onEvent?.({ type: "model_call", model: model.id, purpose: "root", ms: now() - started, ok });
  }
}

/** Throws E_LLM_TOO_LARGE before anything is sent. */
function checkWindow({ id, window }: Model, request: ModelRequest): void {
  const tokens = tokensIn(request);
  if (window === undefined || tokens <= window) return;
  throw new HostError(
    "E_LLM_TOO_LARGE",
    `the conversation has about ${tokens} tokens, ${id} takes ${window}: ask with less, or a model with a larger window`,
  );
}

function isOverTime({ reason }: AbortSignal): boolean {
  return reason instanceof HostError && reason.code === "E_BUDGET";
}

function toAnswer(json: string): unknown {
  return JSON.parse(json);
}

// One turn: the root model replies, its cell runs, and what the cell did goes back into the conversation.
import type { ModelReply, ModelRequest } from "../llm/model.ts";
import { HostError } from "../errors.ts";
import type { Conversation } from "./conversation.ts";
import { parseReply, type ParsedReply } from "./parse.ts";
import { nudge } from "./prompt.ts";
import { renderOutcome } from "./render.ts";
import type { LoopOptions } from "./types.ts";

export type TurnResult =
  /** FINAL was called. */
  | { readonly type: "final"; readonly answer: unknown }
  | { readonly type: "cell"; readonly text: string }
  /** The reply had no code. */
  | { readonly type: "prose"; readonly text: string };

export interface Turn {
  /** From 1. */
  readonly iteration: number;
  /** Turns after this one. */
  readonly left: number;
  readonly request: ModelRequest;
}

/** Throws what the scheduler or the session throws, and the signal's reason. */
export async function takeTurn(conversation: Conversation, turn: Turn, options: LoopOptions): Promise<TurnResult> {
  const { session, signal, budget, depth, onTurn } = options;
  const { iteration } = turn;
  const earlier = options.earlier[iteration - 1];
  const { reply, parsed } =
    earlier === undefined ? await nextReply(turn, options) : { reply: earlier.reply, parsed: parseReply(earlier.reply) };
  conversation.addReply(parsed);

  if (parsed.code === null) {
    const text = nudge(reply.stop === "length");
    if (earlier === undefined) onTurn?.({ type: "nudge", iteration, text });
    conversation.addNudge(text);
    return { type: "prose", text: reply.text };
  }
  if (earlier?.output !== undefined) {
    conversation.addOutput(earlier.output);
    return { type: "cell", text: reply.text };
  }

  const outcome = await session.run(parsed.code, { signal });
  // A cell that the time ran out for has still come to something.
  if (!isOverTime(signal)) signal.throwIfAborted();
  if (outcome.outcome === "final")
    return { type: "final", answer: outcome.value?.json === undefined ? (outcome.value?.long ?? null) : toAnswer(outcome.value.json) };
  const cut = reply.stop === "length" ? "\nnote: your reply was cut because it was too long; write shorter cells" : "";
  const text = renderOutcome(outcome, budget.leftIn({ depth, iterations: turn.left })) + cut;
  onTurn?.({ type: "output", iteration, text });
  conversation.addOutput(text);
  return { type: "cell", text: reply.text };
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
    const reply = await schedule(model, request, { signal, deadlineMs: limits.modelCallMs, budget });
    if (reply.stop === "refusal")
      throw new HostError(
        "E_LLM_REFUSED",
        `${model.id} declined to answer${reply.text.trim() === "" ? "" : `: ${reply.text.trim().slice(0, 300)}`}`,
      );
    ok = true;
    return reply;
  } finally {
    onEvent?.({ type: "model_call", model: model.id, purpose: "root", ms: now() - started, ok });
  }
}

function isOverTime({ reason }: AbortSignal): boolean {
  return reason instanceof HostError && reason.code === "E_BUDGET";
}

function toAnswer(json: string): unknown {
  return JSON.parse(json);
}

// What the root model's next request may come to, so that one more, the last, can always be paid.
import type { ModelRequest } from "../llm/model.ts";
import type { Conversation } from "./conversation.ts";
import type { LoopOptions } from "./types.ts";

/** Bounds of a reply, in tokens: shorter ones where a longer one cannot be paid. */
const SHORTEST_REPLY = 1_000;
/** A last reply is a short cell. */
const LAST_REPLY = 4_096;
/** What may come between a request and the last one: a reply, and what its cell did. Letters count half a token. */
const REPLY = "x".repeat(8_000);
const OUTPUT = "x".repeat(12_000);

type Purse = Pick<LoopOptions, "budget" | "model" | "signal">;

/** The next request, with the longest reply that can be paid beside a last turn, which is kept; undefined: only the last one can. */
export async function nextRequest(conversation: Conversation, { budget, model, signal }: Purse): Promise<ModelRequest | undefined> {
  for (;;) {
    for (const maxTokens of bounds(conversation.maxTokens)) {
      const request = conversation.request(maxTokens);
      if (budget.hold(model, lastAfter(request)) && budget.affords(model, request)) return request;
    }
    if (!(await budget.more(signal))) return undefined;
  }
}

/** The last request, once what was kept for it is let go; cut where it is too long for that. It may be more than is left all the same. */
export async function lastRequest(conversation: Conversation, { budget, model, signal }: Purse): Promise<ModelRequest> {
  for (const shorten of [() => undefined, () => conversation.cutOutput()]) {
    shorten();
    for (;;) {
      for (const maxTokens of bounds(Math.min(LAST_REPLY, conversation.maxTokens))) {
        const request = conversation.request(maxTokens);
        if (budget.affords(model, request)) return request;
      }
      if (!(await budget.more(signal))) break;
    }
  }
  return conversation.request(SHORTEST_REPLY);
}

/** Keeps what the very first turn would come to, were it the last. */
export function holdFirst(conversation: Conversation, { budget, model }: Purse, ms: number): void {
  budget.hold(model, conversation.request(SHORTEST_REPLY), ms);
}

function* bounds(most: number): Generator<number> {
  for (let maxTokens = most; maxTokens > SHORTEST_REPLY; maxTokens = Math.floor(maxTokens / 2)) yield maxTokens;
  yield Math.min(most, SHORTEST_REPLY);
}

function lastAfter(request: ModelRequest): ModelRequest {
  return {
    ...request,
    turns: [...request.turns, { role: "assistant", text: REPLY }, { role: "output", text: OUTPUT }],
    maxTokens: Math.min(LAST_REPLY, request.maxTokens),
  };
}

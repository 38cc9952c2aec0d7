// The root model's conversation as it grows: what the next request of it is. Turns are only ever added at the end, so that providers
// can reuse what they cached.
import type { Model, ModelRequest, Turn } from "../llm/model.ts";
import { LAST_TURN } from "../llm/transcript.ts";
import { headAndTail } from "./cut.ts";
import type { ParsedReply } from "./parse.ts";
import type { ReplyOptions } from "./types.ts";

/** Bound of a root reply in tokens: thinking included, where the model has room for it. */
const REPLY_TOKENS = 16_000;
const REPLY_TOKENS_SMALL = 4_096;
const ROOMY_WINDOW = 100_000;
/** What is left of an output that a last turn has no room for, in UTF-16 units. */
const SCANT_OUTPUT = 1_000;

export class Conversation {
  readonly #system: string;
  readonly #turns: Turn[];
  readonly #maxTokens: number;
  readonly #temperature: number | undefined;

  constructor(system: string, first: string, model: Model, { temperature, maxTokens }: ReplyOptions = {}) {
    this.#system = system;
    this.#turns = [{ role: "user", text: first }];
    this.#maxTokens = maxTokens ?? ((model.window ?? 0) >= ROOMY_WINDOW ? REPLY_TOKENS : REPLY_TOKENS_SMALL);
    this.#temperature = temperature;
  }

  /** Of the next reply, in tokens. */
  get maxTokens(): number {
    return this.#maxTokens;
  }

  request(maxTokens: number = this.#maxTokens): ModelRequest {
    const temperature = this.#temperature === undefined ? {} : { temperature: this.#temperature };
    return { purpose: "root", system: this.#system, turns: [...this.#turns], maxTokens, repl: true, ...temperature };
  }

  addReply({ text, call }: ParsedReply): void {
    this.#turns.push({ role: "assistant", text, ...(call === undefined ? {} : { call }) });
  }

  /** What the cell of the last reply did. */
  addOutput(text: string): void {
    const asked = this.#turns.at(-1);
    const callId = asked?.role === "assistant" ? asked.call?.id : undefined;
    this.#turns.push({ role: "output", text, ...(callId === undefined ? {} : { callId }) });
  }

  addNudge(text: string): void {
    this.#turns.push({ role: "user", text });
  }

  /** Adds to the last turn that the next reply is the last. */
  demandAnswer(): void {
    const last = this.#turns.pop();
    if (last !== undefined) this.#turns.push({ ...last, text: `${last.text}\n\n${LAST_TURN}` });
  }

  /** Shortens the last output for a turn that could not be paid with all of it. */
  cutOutput(): void {
    const last = this.#turns.at(-1);
    if (last?.role === "output") this.#turns[this.#turns.length - 1] = { ...last, text: headAndTail(last.text, SCANT_OUTPUT) };
  }
}

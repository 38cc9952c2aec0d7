// The root model's conversation as it grows: what the next request of it is. Turns are only ever added at the end, so that providers
// can reuse what they cached; only a compaction changes what was there.
import type { Model, ModelRequest, Turn } from "../llm/model.ts";
import { LAST_TURN } from "../llm/transcript.ts";
import { KEPT_TURNS, stepOf } from "./compaction.ts";
import { headAndTail } from "./cut.ts";
import type { ParsedReply } from "./parse.ts";
import type { ReplyOptions } from "./types.ts";

/** Bound of a root reply in tokens: thinking included, where the model has room for it. */
const REPLY_TOKENS = 16_000;
const REPLY_TOKENS_SMALL = 4_096;
const ROOMY_WINDOW = 100_000;
/** UTF-16 units of one output: a part of what outputs have not used up yet of all they should come to, within these. */
const OUTPUTS = 12_000;
const OUTPUT_PART = 1 / 4;
const LEAST_OUTPUT = 600;
const MOST_OUTPUT = 3_000;
/** Turns of a compaction that are told, one line each. */
const MAX_STEPS = 100;
/** What is left of an output that a last turn has no room for, in UTF-16 units. */
const SCANT_OUTPUT = 1_000;

export class Conversation {
  readonly #system: string;
  readonly #first: string;
  readonly #turns: Turn[];
  /** Code of the replies, oldest first. */
  readonly #codes = new Map<Turn, string>();
  readonly #steps: string[] = [];
  #shown = 0;
  readonly #maxTokens: number;
  readonly #temperature: number | undefined;

  constructor(system: string, first: string, model: Model, { temperature, maxTokens }: ReplyOptions = {}) {
    this.#system = system;
    this.#first = first;
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

  /** UTF-16 units that the next output may have. */
  get outputBound(): number {
    return Math.round(Math.min(MOST_OUTPUT, Math.max(LEAST_OUTPUT, (OUTPUTS - this.#shown) * OUTPUT_PART)));
  }

  addReply({ text, call, code }: ParsedReply): void {
    const turn: Turn = { role: "assistant", text, ...(call === undefined ? {} : { call }) };
    this.#turns.push(turn);
    if (code !== null) this.#codes.set(turn, code);
  }

  /** What the cell of the last reply did. */
  addOutput(text: string): void {
    const asked = this.#turns.at(-1);
    const callId = asked?.role === "assistant" ? asked.call?.id : undefined;
    this.#turns.push({ role: "output", text, ...(callId === undefined ? {} : { callId }) });
    this.#shown += text.length;
  }

  /** A call has to be answered as one, though it did not run. */
  addNudge(text: string): void {
    const asked = this.#turns.at(-1);
    if (asked?.role === "assistant" && asked.call !== undefined) this.addOutput(text);
    else this.#turns.push({ role: "user", text });
  }

  /** Gives up all but the last turns, for a text behind the first one; false where there are no more than those. */
  compact(write: (steps: readonly string[]) => string): boolean {
    const replies = this.#turns.flatMap(({ role }, at) => (role === "assistant" ? [at] : []));
    const from = replies.at(-KEPT_TURNS);
    if (from === undefined || from <= 1) return false;
    for (const at of replies) {
      const turn = this.#turns[at];
      const code = turn === undefined || at >= from ? undefined : this.#codes.get(turn);
      if (code !== undefined) this.#steps.push(stepOf(code, this.#turns[at + 1]?.text ?? ""));
    }
    this.#steps.splice(0, this.#steps.length - MAX_STEPS);
    this.#turns.splice(0, from, { role: "user", text: `${this.#first}\n\n${write(this.#steps)}` });
    return true;
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

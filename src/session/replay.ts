// Runs a journal's entries in a fresh guest, so that it comes to the state the journal tells of. Nothing is served, shown or waited for:
// answers come from the journal, and what can be had again is had again and compared. The first call that differs ends it.
import type { EntryFacts, Operation } from "../../prelude/contract.ts";
import { guardPost, type Death, type Kernel } from "../../sandbox/index.ts";
import type { Handlers } from "../calls/types.ts";
import { HostError, messageOf } from "../errors.ts";
import { digest, type Journal } from "./journal.ts";
import type { EntryStep, Plan, RecordedCall } from "./steps.ts";

/** Where replay came to something else than the journal. */
export interface Divergence {
  readonly cell: number;
  readonly expected: string;
  readonly found: string;
}

export interface ReplayOptions {
  readonly plan: Plan;
  readonly journal: Journal;
  readonly handlers: Handlers;
  /** Loads the contexts of a generation in place of those there are. */
  readonly loadContexts: (kernel: Kernel, generation: number, now: number) => Promise<void>;
  /** Own time of a cell: the bound of one that never ended. */
  readonly cellMs: number;
}

/** A slow machine does not change history: slices get ten times what their whole cell took, and this much more. */
const SLACK_MS = 10_000;
const SLACK_FACTOR = 10;

export class Replay {
  readonly #options: ReplayOptions;
  /** Calls of the entry that runs, as the guest made them. */
  #found: { readonly seq: number; readonly op: Operation; readonly key: string }[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** A post of the guest that is rebuilt. False for what no guest of ours posts. */
  take(text: string): boolean {
    const post = guardPost(text);
    if (post?.[0] === "call") this.#found.push({ seq: post[1], op: post[2], key: keyOf(post[2], JSON.stringify(post[3])) });
    return post !== undefined;
  }

  /** Undefined: every entry came to what the journal tells. */
  async run(kernel: Kernel): Promise<Divergence | undefined> {
    const { plan, loadContexts } = this.#options;
    for (const step of plan.steps) {
      if (step.type === "contexts") await loadContexts(kernel, step.generation, step.now);
      else {
        const divergence = await this.#enter(kernel, step);
        if (divergence !== undefined) return divergence;
      }
    }
    return undefined;
  }

  async #enter(kernel: Kernel, step: EntryStep): Promise<Divergence | undefined> {
    const { cell, kind, id, now, budget, cancelled, sequence, calls } = step;
    const text = await this.#textOf(step);
    if (typeof text !== "string") return { cell, ...text };
    const facts: EntryFacts = { now, budget, sequence, ...(cancelled.length === 0 ? {} : { cancelled }) };
    this.#found = [];
    const ended = await kernel.enter(kind, id, text, JSON.stringify(facts), this.#timeoutOf(cell));
    if (ended.end === "dead" && isOutside(ended.death)) throw new HostError("E_KERNEL", "the sandbox died while the session was rebuilt");
    if (ended.end !== "ok" && ended.end !== "threw")
      return {
        cell,
        expected: `an entry that ends (${kind} ${id})`,
        found: ended.end === "dead" ? `a dead sandbox (${ended.death})` : ended.end,
      };
    const differs =
      calls.length === this.#found.length
        ? calls.findIndex((call, i) => !isSame(call, this.#found[i]))
        : Math.min(calls.length, this.#found.length);
    if (differs === -1) return undefined;
    return { cell, expected: shown(calls[differs]), found: shown(this.#found[differs]) };
  }

  async #textOf({ kind, id, cell }: EntryStep): Promise<string | { readonly expected: string; readonly found: string }> {
    const { plan, journal } = this.#options;
    try {
      if (kind === "timer") return "";
      if (kind === "run") return journal.textOf(plan.scripts.get(cell)?.script ?? "");
      return await this.#settlement(id);
    } catch (error) {
      return { expected: kind === "run" ? `the script of cell ${cell}` : `the answer to call ${id}`, found: messageOf(error) };
    }
  }

  async #settlement(seq: number): Promise<string> {
    const { plan, journal, handlers } = this.#options;
    const answer = plan.answers.get(seq);
    const call = plan.calls.get(seq);
    if (answer === undefined || call === undefined) throw new Error("no record of it");
    if (!answer.ok) return JSON.stringify({ ok: false, error: answer.value });
    if ("value" in answer) return `{"ok":true,"value":${journal.jsonOf(answer.value)}}`;
    const { op } = call;
    if (op === "timer" || op === "clear_timer" || op === "scan") throw new Error("no record of its value");
    const args: unknown = JSON.parse(journal.jsonOf(call.args));
    const value = await handlers[op](args, {
      signal: AbortSignal.timeout(SLACK_MS * SLACK_FACTOR),
      emit: ignore,
      slot: ignore,
      warn: ignore,
    });
    const json = JSON.stringify(value ?? null);
    if (digest(json) !== answer.hash) throw new Error("what is read or found now is something else than it was");
    return `{"ok":true,"value":${json}}`;
  }

  #timeoutOf(cell: number): number {
    const { plan, cellMs } = this.#options;
    const ms = plan.ms.get(cell);
    return ms === undefined ? cellMs : Math.ceil(ms * SLACK_FACTOR + SLACK_MS);
  }
}

function ignore(): void {
  // History is not told again.
}

/** A death that neither a limit nor the guest's own doing explains: what ran may run again. */
export function isOutside(death: Death): boolean {
  return death === "died" || death === "silent";
}

export function keyOf(operation: Operation, argsJson: string): string {
  return digest(`${operation}\n${argsJson}`);
}

function isSame(recorded: RecordedCall, found: RecordedCall | undefined): boolean {
  return found !== undefined && recorded.seq === found.seq && recorded.key === found.key;
}

function shown(call: RecordedCall | undefined): string {
  return call === undefined ? "no further call" : `call ${call.seq}, ${call.op} (${call.key.slice(0, 12)})`;
}

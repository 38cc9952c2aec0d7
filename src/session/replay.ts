// Runs a journal's entries in a fresh guest, so that it comes to the state the journal tells of. Nothing is served, shown or waited for:
// answers come from the journal, and what can be had again is had again and compared. The first call that differs ends it.
import type { EntryFacts, Operation, Post } from "../../prelude/contract.ts";
import { guardPost, type Death, type Kernel } from "../../sandbox/index.ts";
import type { Handlers } from "../calls/types.ts";
import { HostError, messageOf } from "../errors.ts";
import { digest } from "./blobs.ts";
import type { Journal } from "./journal.ts";
import { isKeptWhole, settlementOf, type EntryStep, type Plan, type RecordedCall } from "./steps.ts";

/** Where replay came to something else than the journal. */
export interface Divergence {
  readonly cell: number;
  readonly expected: string;
  readonly found: string;
}

interface OpenStep {
  readonly step: EntryStep;
  readonly found: { readonly seq: number; readonly op: Operation; readonly key: string }[];
}

export interface ReplayOptions {
  readonly plan: Plan;
  readonly journal: Journal;
  readonly handlers: Handlers;
  /** Loads the contexts of a generation in place of those there are. */
  readonly loadContexts: (kernel: Kernel, generation: number, now: number) => Promise<void>;
  /** Own time of a cell: the bound of one that never ended. */
  readonly cellMs: number;
  /** What else an entry of a cell posts. */
  /** Called as entries come to their end. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly onPost?: ((cell: number, post: Post) => void) | undefined;
}

/** A slow machine does not change history: slices get ten times what their whole cell took, and this much more. */
const SLACK_MS = 10_000;
const SLACK_FACTOR = 10;

export class Replay {
  readonly #options: ReplayOptions;
  /** Entries that were sent, by how many the kernel had ended before each: with their calls, as the guest makes them. */
  readonly #open = new Map<number, OpenStep>();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** A post of the guest that is rebuilt. False for what no guest of ours posts. */
  take(kernel: Kernel, text: string): boolean {
    const post = guardPost(text);
    const open = this.#open.get(kernel.ended);
    if (post?.[0] === "call") open?.found.push({ seq: post[1], op: post[2], key: keyOf(post[2], JSON.stringify(post[3])) });
    if (post !== undefined && open !== undefined) this.#options.onPost?.(open.step.cell, post);
    return post !== undefined;
  }

  /** Undefined: every entry came to what the journal tells. */
  async run(kernel: Kernel): Promise<Divergence | undefined> {
    const { plan, loadContexts, onProgress } = this.#options;
    let done = 0;
    const ahead = new Ahead();
    let place = kernel.ended;
    for (const step of plan.steps) {
      if (step.type === "contexts") {
        const divergence = await ahead.all();
        if (divergence !== undefined) return divergence;
        await loadContexts(kernel, step.generation, step.now);
        place = kernel.ended;
        continue;
      }
      const text = await this.textOf(step);
      if (typeof text !== "string") return (await ahead.all()) ?? text;
      const divergence = await ahead.room();
      if (divergence !== undefined) return divergence;
      ahead.add(this.#enter(kernel, step, text, place++), text.length);
      onProgress?.(++done, plan.steps.length);
    }
    return await ahead.all();
  }

  async #enter(kernel: Kernel, step: EntryStep, text: string, place: number): Promise<Divergence | undefined> {
    const { cell, kind, id, now, budget, cancelled, sequence, calls } = step;
    const facts: EntryFacts = { now, budget, sequence, ...(cancelled.length === 0 ? {} : { cancelled }) };
    const found: OpenStep["found"] = [];
    this.#open.set(place, { step, found });
    const ended = await kernel.enter(kind, id, text, JSON.stringify(facts), this.#timeoutOf(cell));
    this.#open.delete(place);
    if (ended.end === "dead" && isOutside(ended.death)) throw new HostError("E_KERNEL", "the sandbox died while the session was rebuilt");
    if (ended.end !== "ok" && ended.end !== "threw")
      return {
        cell,
        expected: `an entry that ends (${kind} ${id})`,
        found: ended.end === "dead" ? `a dead sandbox (${ended.death})` : ended.end,
      };
    const differs =
      calls.length === found.length ? calls.findIndex((call, i) => !isSame(call, found[i])) : Math.min(calls.length, found.length);
    if (differs === -1) return undefined;
    return { cell, expected: shown(calls[differs]), found: shown(found[differs]) };
  }

  /** What an entry brings to the guest. */
  async textOf({ kind, id, cell }: EntryStep): Promise<string | Divergence> {
    const { plan, journal } = this.#options;
    try {
      if (kind === "timer") return "";
      if (kind === "run") return journal.textOf(plan.scripts.get(cell)?.script ?? "");
      return await this.#settlement(id);
    } catch (error) {
      return { cell, expected: kind === "run" ? `the script of cell ${cell}` : `the answer to call ${id}`, found: messageOf(error) };
    }
  }

  async #settlement(seq: number): Promise<string> {
    const { plan, journal, handlers } = this.#options;
    const answer = plan.answers.get(seq);
    const call = plan.calls.get(seq);
    if (answer === undefined || call === undefined) throw new Error("no record of it");
    if (isKeptWhole(answer)) return settlementOf(answer, journal);
    const { op } = call;
    if (op === "timer" || op === "clear_timer" || op === "scan") throw new Error("no record of its value");
    const args: unknown = JSON.parse(journal.jsonOf(call.args));
    const value = await handlers[op](args, {
      seq,
      signal: AbortSignal.timeout(SLACK_MS * SLACK_FACTOR),
      emit: ignore,
      slot: ignore,
      served: ignore,
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

/** Entries, and UTF-16 units of what they bring, that are sent ahead of the one that runs: the way there and back takes longer than most. */
const MAX_AHEAD = 64;
const MAX_TEXT_AHEAD = 4 * 1024 * 1024;

class Ahead {
  readonly #sent: { readonly ended: Promise<Divergence | undefined>; readonly size: number }[] = [];
  #size = 0;

  add(ended: Promise<Divergence | undefined>, size: number): void {
    // Where an earlier one differs nobody waits for this one.
    ended.catch(() => undefined);
    this.#sent.push({ ended, size });
    this.#size += size;
  }

  /** Waits until another one may be sent. Resolves to the first that differs. */
  room(): Promise<Divergence | undefined> {
    return this.#until(() => this.#sent.length < MAX_AHEAD && this.#size < MAX_TEXT_AHEAD);
  }

  all(): Promise<Divergence | undefined> {
    return this.#until(() => false);
  }

  async #until(isEnough: () => boolean): Promise<Divergence | undefined> {
    while (!isEnough()) {
      const first = this.#sent.shift();
      if (first === undefined) return undefined;
      this.#size -= first.size;
      const divergence = await first.ended;
      if (divergence !== undefined) return divergence;
    }
    return undefined;
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

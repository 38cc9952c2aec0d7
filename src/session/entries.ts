// What enters the isolate, strictly one at a time, also between cells: write the record, enter, wait until it has ended and its posts are
// here. Whatever else wants in waits its turn.
import type { EntryFacts } from "../../prelude/contract.ts";
import type { Ended, Kernel } from "../../sandbox/index.ts";
import type { Delivery } from "./host-calls.ts";
import type { Journal } from "./journal.ts";

export type CellEntry = Delivery | { readonly kind: "run"; readonly id: number; readonly text: string; readonly cell: number };
export type Look = { readonly kind: "look"; readonly id: number; readonly text: string };
type Entry = CellEntry | Look;

export interface EntriesOptions {
  readonly journal: Journal;
  readonly clock: () => number;
  /** What `budget()` returns now. */
  readonly budget: () => unknown;
  /** An entry of this cell begins; returns how long it may take, in ms. */
  readonly onBegin: (cell: number) => number;
  /** `swept`: after an entry that was cut, how an empty one ended that came next. */
  readonly onEnded: (kernel: Kernel, cell: number, ended: Ended, swept?: Ended) => void;
  readonly onLooked: (kernel: Kernel, id: number, ended: Ended) => void;
  /** Nothing is left to enter. */
  readonly onIdle: () => void;
}

/** A person waits for it at a prompt. */
const LOOK_TIMEOUT_MS = 500;
const NO_FACTS = JSON.stringify({ now: 0, budget: null } satisfies EntryFacts);
/** A question about nothing. */
const NOTHING = JSON.stringify({ what: "members", path: [""] });

export class Entries {
  readonly #options: EntriesOptions;
  #queue: Entry[] = [];
  #entering = false;
  #owner = 0;
  /** Calls the guest must forget, told with the next entry. */
  #cancelled: number[] = [];

  constructor(options: EntriesOptions) {
    this.#options = options;
  }

  /** The cell whose entry runs, or ran last: what is posted is its. */
  get owner(): number {
    return this.#owner;
  }

  get isEntering(): boolean {
    return this.#entering;
  }

  get isIdle(): boolean {
    return !this.#entering && this.#queue.length === 0;
  }

  /** `kernel`: the one that lives; without one it waits for the next `serve`. */
  push(entry: Entry, kernel: Kernel | undefined): void {
    this.#queue.push(entry);
    if (kernel !== undefined) void this.#serve(kernel);
  }

  /** Calls that will never be answered, because their cell ended before them. */
  forget(ids: readonly number[]): void {
    this.#cancelled.push(...ids);
  }

  dropTimers(): void {
    this.#queue = this.#queue.filter((entry) => entry.kind !== "timer");
  }

  dropOf(cell: number): void {
    this.#queue = this.#queue.filter((entry) => entry.kind === "look" || entry.cell !== cell);
  }

  /** The guest they were for is gone. */
  clear(): void {
    this.#queue = [];
    this.#cancelled = [];
  }

  /** Waits until nothing enters, and keeps it so while `work` does. */
  async apart(kernel: Kernel, work: () => Promise<void>): Promise<void> {
    while (this.#entering) await new Promise((resolve) => setTimeout(resolve, 1));
    this.#entering = true;
    try {
      await work();
    } finally {
      this.#entering = false;
      void this.#serve(kernel);
    }
  }

  async #serve(kernel: Kernel): Promise<void> {
    if (this.#entering) return;
    this.#entering = true;
    try {
      for (let entry = this.#queue.shift(); entry !== undefined; entry = kernel.isAlive ? this.#queue.shift() : undefined) {
        if (entry.kind === "look") await this.#look(kernel, entry);
        else await this.#enter(kernel, entry);
      }
    } finally {
      this.#entering = false;
    }
    this.#options.onIdle();
  }

  /** Nothing of it is recorded, the guest's clock stands still, and the cell that runs does not pay for it. */
  async #look(kernel: Kernel, { id, text }: Look): Promise<void> {
    this.#options.onLooked(kernel, id, await kernel.enter("look", id, text, NO_FACTS, LOOK_TIMEOUT_MS));
  }

  async #enter(kernel: Kernel, entry: CellEntry): Promise<void> {
    const { clock, budget, journal, onBegin, onEnded } = this.#options;
    this.#owner = entry.cell;
    const now = clock();
    const left = budget();
    journal.write({ type: "entry", cell: entry.cell, kind: entry.kind, seq: entry.id, now, budget: left });
    const facts: EntryFacts = { now, budget: left, ...(this.#cancelled.length === 0 ? {} : { cancelled: this.#cancelled }) };
    this.#cancelled = [];
    const timeoutMs = Math.ceil(Math.max(1, onBegin(entry.cell)));
    const ended = await kernel.enter(entry.kind, entry.id, entry.text, JSON.stringify(facts), timeoutMs);
    // Rejections that a cut slice left behind are thrown by the next entry, whatever that is: let it be an empty one of the same cell.
    const swept = ended.end === "timeout" ? await kernel.enter("look", 0, NOTHING, NO_FACTS, LOOK_TIMEOUT_MS) : undefined;
    onEnded(kernel, entry.cell, ended, swept);
  }
}

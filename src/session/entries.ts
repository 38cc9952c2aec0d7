// What enters the isolate, strictly one at a time, also between cells: write the record, enter, wait until it has ended and its posts are
// here. Whatever else wants in waits its turn.
import type { EntryFacts } from "../../prelude/contract.ts";
import type { Ended, Kernel } from "../../sandbox/index.ts";
import type { Delivery } from "./host-calls.ts";
import type { Journal } from "./journal.ts";
import type { EntryStep } from "./steps.ts";

export type CellEntry = (Delivery | { readonly kind: "run"; readonly id: number; readonly text: string; readonly cell: number }) & {
  /** An earlier process had entered with it already: it stands in the journal. */
  readonly again?: Pick<EntryStep, "now" | "budget" | "cancelled" | "sequence">;
};
export type Look = { readonly kind: "look"; readonly id: number; readonly text: string };
type Entry = CellEntry | Look;

export interface EntriesOptions {
  readonly journal: Journal;
  readonly clock: () => number;
  /** What `budget()` returns now. */
  readonly budget: () => unknown;
  /** Number of the session's last call. */
  readonly sequence: () => number;
  /** An entry of this cell begins, or begins again in another kernel; returns how long it may take, in ms. */
  readonly onBegin: (cell: number, again: boolean) => number;
  readonly onEnded: (kernel: Kernel, cell: number, ended: Ended) => void;
  readonly onLooked: (kernel: Kernel, id: number, ended: Ended) => void;
  /** Nothing is left to enter. */
  readonly onIdle: () => void;
  /** The kernel died in the middle of an entry. Resolves to another one in the state before it, where the entry may run once more. */
  readonly onDied: (kernel: Kernel, ended: Ended) => Promise<Kernel | undefined>;
}

/** A person waits for it at a prompt. */
const LOOK_TIMEOUT_MS = 500;
const NO_FACTS = JSON.stringify({ now: 0, budget: null } satisfies EntryFacts);

export class Entries {
  readonly #options: EntriesOptions;
  #queue: Entry[] = [];
  #entering = false;
  #owner = 0;
  /** Calls the guest must forget, told with the next entry. */
  #cancelled: number[] = [];
  #sequence: number | undefined;

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

  /** The guest has not seen every call: it is told with the next entry from which number on to count. */
  countFrom(sequence: number): void {
    this.#sequence = sequence;
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

  /** Enters with what waits, if nothing enters already. */
  serve(kernel: Kernel): void {
    void this.#serve(kernel);
  }

  async #serve(first: Kernel): Promise<void> {
    if (this.#entering) return;
    this.#entering = true;
    let kernel = first;
    try {
      for (let entry = this.#queue.shift(); entry !== undefined; entry = kernel.isAlive ? this.#queue.shift() : undefined) {
        if (entry.kind === "look") await this.#look(kernel, entry);
        else kernel = await this.#enter(kernel, entry);
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

  /** Resolves to the kernel it ended in. */
  async #enter(first: Kernel, entry: CellEntry): Promise<Kernel> {
    const { sequence, onBegin, onEnded, onDied } = this.#options;
    this.#owner = entry.cell;
    const before = sequence();
    const facts = entry.again ?? this.#written(entry);
    const enter = (into: Kernel, facts: EntryFacts, again: boolean): Promise<Ended> => {
      const timeoutMs = Math.ceil(Math.max(1, onBegin(entry.cell, again)));
      return into.enter(entry.kind, entry.id, entry.text, JSON.stringify(facts), timeoutMs);
    };
    let kernel = first;
    let ended = await enter(kernel, facts, false);
    const next = ended.end === "dead" ? await onDied(kernel, ended) : undefined;
    if (next !== undefined) {
      kernel = next;
      ended = await enter(kernel, { ...facts, sequence: before }, true);
    }
    onEnded(kernel, entry.cell, ended);
    return kernel;
  }
  /** Writes an entry, and returns what the guest is told with it. */
  #written({ cell, kind, id }: CellEntry): EntryFacts {
    const { clock, budget, journal } = this.#options;
    const facts = { now: clock(), budget: budget(), ...(this.#cancelled.length === 0 ? {} : { cancelled: this.#cancelled }) };
    const counted = this.#sequence === undefined ? {} : { sequence: this.#sequence };
    this.#cancelled = [];
    this.#sequence = undefined;
    journal.write({ type: "entry", cell, kind, seq: id, ...facts });
    return { ...facts, ...counted };
  }
}

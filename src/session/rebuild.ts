// A fresh guest brought to the state the session had: by replay of its journal, and where replay comes to something else, to the state
// before the cell that differs. What cannot be had again is told, never hidden.
import type { Post } from "../../prelude/contract.ts";
import type { Kernel } from "../../sandbox/index.ts";
import type { EventSink } from "../events.ts";
import type { Handlers } from "../calls/types.ts";
import type { Journal } from "./journal.ts";
import { Replay, type Divergence } from "./replay.ts";
import { planOf, type EntryStep } from "./steps.ts";

export interface RebuildOptions {
  readonly journal: Journal;
  readonly handlers: Handlers;
  readonly loadContexts: (kernel: Kernel, generation: number, now: number) => Promise<void>;
  readonly cellMs: number;
  readonly emit: EventSink;
}

/** A person waits for more entries than this. */
const TOLD_FROM = 2_000;

/** An entry that is entered once more. */
export interface LastEntry {
  readonly step: EntryStep;
  readonly text: string;
}

export type Rebuilt =
  /** `ran`: there was something to run again. `last`: the entry that was left out. */
  | { readonly type: "rebuilt"; readonly ran: boolean; readonly last?: LastEntry }
  /** The guest is not to be used: another one comes to the state before that cell. */
  | { readonly type: "diverged"; readonly divergence: Divergence }
  /** There is no journal to rebuild it from. */
  | { readonly type: "lost" };

export class Rebuild {
  readonly #options: RebuildOptions;
  #running: { readonly kernel: Kernel; readonly replay: Replay } | undefined;

  constructor(options: RebuildOptions) {
    this.#options = options;
  }

  /** Undefined for a kernel that is not being rebuilt; else as `Replay.take`. */
  take(kernel: Kernel, text: string): boolean | undefined {
    return this.#running?.kernel === kernel ? this.#running.replay.take(kernel, text) : undefined;
  }

  /** `inEntry`: the journal's last entry has not ended. Rejects when the kernel dies of something else than the replay. */
  async run(kernel: Kernel, inEntry: boolean, onPost?: (cell: number, post: Post) => void): Promise<Rebuilt> {
    const { journal, handlers, loadContexts, cellMs, emit } = this.#options;
    const records = recordsOf(journal);
    if (records === undefined) return { type: "lost" };
    const plan = planOf(records, inEntry);
    const replay = new Replay({
      plan,
      journal,
      handlers,
      loadContexts,
      cellMs,
      onPost,
      onProgress: (done, total) => {
        if (total >= TOLD_FROM) emit({ type: "progress", label: "rebuilding", done, total });
      },
    });
    this.#running = { kernel, replay };
    try {
      const divergence = await replay.run(kernel);
      if (divergence !== undefined) return { type: "diverged", divergence };
      const ran = plan.steps.length > 0;
      if (plan.last === undefined) return { type: "rebuilt", ran };
      const text = await replay.textOf(plan.last);
      return typeof text === "string" ? { type: "rebuilt", ran, last: { step: plan.last, text } } : { type: "diverged", divergence: text };
    } finally {
      this.#running = undefined;
    }
  }
}

function recordsOf(journal: Journal): ReturnType<Journal["records"]> {
  try {
    return journal.records();
  } catch {
    // The disk took it away.
    return undefined;
  }
}

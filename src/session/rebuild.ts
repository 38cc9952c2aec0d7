// A fresh guest brought to the state the session had: by replay of its journal, and where replay comes to something else, to the state
// before the cell that differs. What cannot be had again is told, never hidden.
import type { Kernel } from "../../sandbox/index.ts";
import type { Handlers } from "../calls/types.ts";
import type { Journal } from "./journal.ts";
import { Replay, type Divergence } from "./replay.ts";
import { planOf } from "./steps.ts";

export interface RebuildOptions {
  readonly journal: Journal;
  readonly handlers: Handlers;
  readonly loadContexts: (kernel: Kernel, generation: number, now: number) => Promise<void>;
  readonly cellMs: number;
}

export type Rebuilt =
  /** There was nothing to run again. */
  | { readonly type: "fresh" }
  | { readonly type: "rebuilt" }
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
    return this.#running?.kernel === kernel ? this.#running.replay.take(text) : undefined;
  }

  /** `inEntry`: the journal's last entry has not ended. Rejects when the kernel dies of something else than the replay. */
  async run(kernel: Kernel, inEntry: boolean): Promise<Rebuilt> {
    const { journal, handlers, loadContexts, cellMs } = this.#options;
    const records = recordsOf(journal);
    if (records === undefined) return { type: "lost" };
    const plan = planOf(records, inEntry);
    if (plan.steps.length === 0) return { type: "fresh" };
    const replay = new Replay({ plan, journal, handlers, loadContexts, cellMs });
    this.#running = { kernel, replay };
    try {
      const divergence = await replay.run(kernel);
      return divergence === undefined ? { type: "rebuilt" } : { type: "diverged", divergence };
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

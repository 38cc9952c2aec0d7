// The state of a session's guest over its kernels: fresh, rebuilt by replay of the journal, or lost; and what is to be told of it.
import type { Post } from "../../prelude/contract.ts";
import { spawnKernel, type Death, type Kernel, type KernelProcess } from "../../sandbox/index.ts";
import type { SessionState } from "../../sandbox/outcome.ts";
import { HostError } from "../errors.ts";
import { contextHeapMb, loadContexts, openGuest } from "./guest.ts";
import { KernelLife } from "./kernel-life.ts";
import { Rebuild, type LastEntry, type Rebuilt } from "./rebuild.ts";
import type { Divergence } from "./replay.ts";
import type { SessionOptions } from "./options.ts";

export interface GuestStateOptions {
  readonly session: SessionOptions;
  /** A post of a guest that is up. False for one that none of ours makes. */
  readonly onPost: (kernel: Kernel, text: string) => boolean;
  /** Its state is the session's; `isFirst`: no entry waits to run in it again. `last`: one of another process's, which runs again. */
  readonly onRestored: (kernel: Kernel, isFirst: boolean, last?: LastEntry) => void;
  /** What is posted while a session that goes on comes to its state. */
  readonly onRetold: (cell: number, post: Post) => void;
  /** It can be entered from now on. */
  readonly onUp: (kernel: Kernel) => void;
  readonly onDeath: (kernel: Kernel, death: Death) => void;
  /** Its kernel was given up, its state was not. */
  readonly onReplaced: () => void;
  /** Nothing that came from the guest so far can be answered any more. */
  readonly onLost: () => void;
}

/** What became of the state since it was last told. */
export interface Told {
  readonly state?: SessionState;
  /** Why it is not what it was. */
  readonly warning?: string;
}

/** A context loaded into a living sandbox may take this part of its heap; for a larger one the sandbox is replaced. */
const CONTEXT_SHARE = 4;

/** Owns the session's kernels; `close` ends them. */
export class GuestState {
  readonly #options: GuestStateOptions;
  readonly #spawn: () => KernelProcess;
  readonly #kernels: KernelLife;
  readonly #rebuild: Rebuild;
  /** Cells whose effects are in it, in order. */
  #standing: readonly number[];
  /** How often its contexts were replaced. */
  #generation: number;
  #state: SessionState | undefined;
  #warning: string | undefined;
  /** The entry that ran when the kernel died, or the process, is not over. */
  #inEntry: boolean;
  #wasUp = false;
  /** Heap the living kernel has for contexts, in MiB. */
  #contextHeapMb = 0;

  constructor(options: GuestStateOptions) {
    this.#options = options;
    const { zone, locale, jitless, resumed, journal, handlers, contexts, limits, maxDeaths, spawn, startTurns, emit } = options.session;
    this.#standing = resumed?.standing ?? [];
    this.#generation = resumed?.generation ?? 0;
    this.#inEntry = resumed?.unfinished.entry !== undefined;
    this.#spawn = spawn ?? (() => spawnKernel({ zone, locale, jitless }));
    this.#rebuild = new Rebuild({
      journal,
      handlers,
      loadContexts: (kernel, generation, now) => loadContexts(kernel, contexts(generation), now),
      cellMs: limits.cellMs,
      emit,
    });
    this.#kernels = new KernelLife({
      spawn: this.#spawn,
      open: (process) => this.#open(process),
      maxDeaths,
      turns: startTurns,
      onUp: options.onUp,
    });
  }

  /** The kernel that can be entered now, if there is one. */
  get live(): Kernel | undefined {
    return this.#kernels.live;
  }

  /** Number of the last cell whose effects are in it, or come into it. */
  get lastCell(): number | undefined {
    return this.#standing.at(-1);
  }

  /** The kernel, in the session's state. Rejects with what keeps it from starting, or E_RESTART_LIMIT. */
  async ready(): Promise<Kernel> {
    return await this.#kernels.ready();
  }

  /** A cell's effects come into it. */
  begin(cell: number): void {
    this.#standing = [...this.#standing, cell];
  }

  /** Gives a kernel up; another one comes to the same state. */
  lose(kernel: Kernel): void {
    if (this.#kernels.replace(kernel)) this.#options.onReplaced();
  }

  /** The kernel died in the middle of an entry: another one comes to the state before it. Undefined when none does. */
  async beforeEntry(kernel: Kernel): Promise<Kernel | undefined> {
    this.#inEntry = true;
    try {
      this.lose(kernel);
      const next = await this.#kernels.ready();
      this.#state ??= "rebuilt";
      return this.#state === "lost" ? undefined : next;
    } catch {
      return undefined;
    } finally {
      this.#inEntry = false;
    }
  }

  /** Waits until the state after a loss is known: it is told with the cell that cost it. */
  async settled(): Promise<void> {
    await this.#kernels.ready().catch(() => (this.#state = "lost"));
  }

  /** Takes the last cell back. Resolves to its number; undefined when there is none. */
  async takeBack(): Promise<number | undefined> {
    const cell = this.#standing.at(-1);
    if (cell === undefined) return undefined;
    this.#standing = this.#standing.slice(0, -1);
    this.#options.session.journal.write({ type: "rewound", to: cell, reason: "taken back" });
    const kernel = await this.#kernels.ready();
    this.#options.onLost();
    this.lose(kernel);
    await this.#kernels.ready();
    this.told();
    return cell;
  }

  /** Puts the contexts there are now in place of those the guest has, by `load` where they fit. Resolves to what that cost. */
  async replaceContexts(load: (kernel: Kernel, work: () => Promise<void>) => Promise<void>): Promise<SessionState | undefined> {
    const { contexts, contextRecords, journal, clock, limits } = this.#options.session;
    const kernel = await this.#kernels.ready();
    const now = clock();
    this.#generation++;
    const fresh = contexts();
    for (const [i, record] of (await contextRecords()).entries()) journal.write({ ...record, ...(i === 0 ? { replaces: true } : {}), now });
    if (contextHeapMb(fresh) > Math.max(this.#contextHeapMb, limits.memoryMb / CONTEXT_SHARE)) {
      this.lose(kernel);
      await this.#kernels.ready();
      return this.told().state;
    }
    await load(kernel, () => loadContexts(kernel, fresh, now));
    return undefined;
  }

  /** What there is to tell, once. */
  told(): Told {
    const told = {
      ...(this.#state === undefined ? {} : { state: this.#state }),
      ...(this.#warning === undefined ? {} : { warning: this.#warning }),
    };
    this.#state = undefined;
    this.#warning = undefined;
    return told;
  }

  async close(): Promise<void> {
    await this.#kernels.close();
  }

  /** A kernel in the state the session is in: a fresh one, or one rebuilt. */
  async #open(process: KernelProcess): Promise<Kernel> {
    for (let next = process; ; next = this.#spawn()) {
      const kernel = await this.#openFresh(next);
      try {
        const rebuilt = await this.#rebuild.run(kernel, this.#inEntry, this.#wasUp ? undefined : this.#options.onRetold);
        if (rebuilt.type !== "diverged") {
          this.#restored(kernel, rebuilt);
          return kernel;
        }
        this.#diverged(rebuilt.divergence);
      } catch (error) {
        kernel.kill("closed");
        throw error;
      }
      kernel.kill("closed");
    }
  }

  /** That a session which goes on was rebuilt is no news. */
  #restored(kernel: Kernel, rebuilt: Exclude<Rebuilt, { type: "diverged" }>): void {
    const { onRestored } = this.#options;
    if (!this.#wasUp) {
      this.#wasUp = true;
      this.#inEntry = false;
      return onRestored(kernel, true, rebuilt.type === "rebuilt" ? rebuilt.last : undefined);
    }
    if (rebuilt.type === "lost") this.#lost();
    else if (rebuilt.ran) this.#state ??= "rebuilt";
    onRestored(kernel, !this.#inEntry);
  }

  async #openFresh(process: KernelProcess): Promise<Kernel> {
    const { session, onPost, onDeath } = this.#options;
    const { seed, started, workers, tools, limits, scans, contexts } = session;
    const heaps = Array.from({ length: this.#generation + 1 }, (_, generation) => contextHeapMb(contexts(generation)));
    this.#contextHeapMb = Math.max(...heaps);
    return await openGuest({
      process,
      seed,
      now: started,
      workers,
      tools,
      heapMb: limits.memoryMb + this.#contextHeapMb,
      contexts: contexts(0),
      profiles: session.profile !== undefined,
      onPost: (kernel, text) => {
        if (!(this.#rebuild.take(kernel, text) ?? onPost(kernel, text))) kernel.kill("forged");
      },
      onJobEnd: (scan, end, value) => scans.jobEnded(scan, end, value),
      onScanRead: ({ scan, read }, what) => scans.reads(scan, read, what),
      onDeath: (kernel, death) => {
        this.#kernels.noteDeath(death);
        onDeath(kernel, death);
      },
    });
  }

  /** The guest is as it was before a cell: nothing that came since can be answered. */
  #diverged({ cell, expected, found }: Divergence): void {
    const { journal, resumed } = this.#options.session;
    const what = `in cell ${cell} ${expected} was expected, and ${found} was found`;
    if (resumed?.isStrict === true && this.#standing === resumed.standing)
      throw new HostError(
        "E_DIVERGED",
        `the session cannot go on as it was: ${what}; --fork goes on from cell ${cell - 1} as a new session`,
      );
    journal.write({ type: "rewound", to: cell, reason: what });
    this.#standing = this.#standing.filter((n) => n < cell);
    this.#warning = `the session could be rebuilt only up to cell ${cell - 1}: ${what} (E_DIVERGED)`;
    this.#lost();
  }

  #lost(): void {
    this.#state = "lost";
    this.#inEntry = false;
    this.#options.onLost();
  }
}

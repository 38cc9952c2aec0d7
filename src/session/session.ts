// A session: cells one after another in one isolate, their host calls served and answered in arrival order, everything that enters
// written first. What a cell ends with is decided here; what enters is `entries.ts`, what the guest posts `posts.ts`.
import type { LookQuery } from "../../prelude/contract.ts";
import { spawnKernel, transform, type Death, type Ended, type Kernel, type KernelProcess } from "../../sandbox/index.ts";
import { FINAL_GRACE_MS, type Limits } from "../../sandbox/limits.ts";
import type { Outcome, SessionState } from "../../sandbox/outcome.ts";
import type { ScanService } from "../calls/scan.ts";
import type { Handlers } from "../calls/types.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { ContextSource } from "../workspace/types.ts";
import { CellRun } from "./cell-run.ts";
import { Entries } from "./entries.ts";
import { contextHeapMb, loadContexts, openGuest, type Workers } from "./guest.ts";
import { HostCalls } from "./host-calls.ts";
import type { Journal } from "./journal.ts";
import { KernelLife } from "./kernel-life.ts";
import { Looks } from "./looks.ts";
import { Posts } from "./posts.ts";
import { RunningCell } from "./running-cell.ts";
import { afterSweep, INTERRUPTED, verdict, type Cut } from "./verdict.ts";

export interface SessionOptions {
  readonly id: string;
  readonly limits: Limits;
  readonly workers: Workers;
  readonly zone: string;
  readonly locale: string;
  readonly seed: number;
  readonly clock: () => number;
  /** Asked whenever a sandbox is brought up: they can be replaced. */
  readonly contexts: () => readonly ContextSource[];
  readonly handlers: Handlers;
  readonly scans: ScanService;
  /** What `budget()` returns now. */
  readonly budget: () => unknown;
  /** Usage so far, for the journal. */
  readonly usage: () => unknown;
  readonly journal: Journal;
  readonly emit: EventSink;
  /** Deaths that no limit explains, in 60 s, before the session ends. */
  readonly maxDeaths?: number;
  /** Starts a kernel process; default the sandbox's own way. */
  readonly spawn?: () => KernelProcess;
}

/** A context loaded into a living sandbox may take this part of its heap; for a larger one the sandbox is replaced. */
const CONTEXT_SHARE = 4;

/** Owns its kernels and everything in flight; `close` ends them. */
export class Session {
  readonly #options: SessionOptions;
  readonly #kernels: KernelLife;
  readonly #calls: HostCalls;
  readonly #entries: Entries;
  readonly #posts: Posts;
  readonly #looks = new Looks();
  #cells = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #running: RunningCell | undefined;
  /** The variables went while no cell ran. */
  #lost = false;
  #closed = false;
  /** Heap the living kernel has for contexts, in MiB. */
  #contextHeapMb = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { handlers, scans, journal, emit, clock, budget, zone, locale } = options;
    this.#calls = new HostCalls({
      handlers,
      scans,
      journal,
      emit,
      deliver: (delivery) => this.#entries.push(delivery, this.#kernels.live),
      warn: (text) => this.#running?.run.warn(text),
    });
    this.#entries = new Entries({
      journal,
      clock,
      budget,
      onBegin: (cell) => this.#running?.begin(cell) ?? options.limits.sliceMs,
      onEnded: (kernel, cell, ended, swept) => this.#entered(kernel, cell, ended, swept),
      onLooked: (kernel, id, ended) => this.#looked(kernel, id, ended),
      onIdle: () => this.#rest(),
    });
    this.#posts = new Posts({
      calls: this.#calls,
      looks: this.#looks,
      emit,
      running: () => this.#running?.run,
      owner: () => this.#entries.owner,
      onFinal: (kernel, run) => this.#graceAfterFinal(kernel, run),
    });
    // The kernel comes up while the first cell is read and transformed.
    this.#kernels = new KernelLife({
      spawn: options.spawn ?? (() => spawnKernel(zone, locale)),
      open: (process) => this.#openKernel(process),
      maxDeaths: options.maxDeaths,
    });
  }

  get id(): string {
    return this.#options.id;
  }

  /** Resolves when the contexts are loaded; rejects with what kept the sandbox from starting. */
  async ready(): Promise<void> {
    await this.#kernels.ready();
  }

  /** Runs one cell after those before it. What becomes of it is data; only a session that cannot run at all rejects. */
  run(source: string, options: { readonly signal?: AbortSignal } = {}): Promise<Outcome> {
    const turn = this.#turn.then(() => this.#cell(source, options.signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Answers from the guest without a cell; undefined when it has none to give: it is gone, or its code did not stop. */
  async look(query: LookQuery): Promise<unknown> {
    if (this.#closed) return undefined;
    const kernel = await this.#kernels.ready();
    return await this.#looks.ask(query, (look) => this.#entries.push(look, kernel));
  }

  /** Loads the contexts there are now in place of those the guest has. Resolves to what that cost: `lost` when the sandbox was too small. */
  loadContexts(): Promise<SessionState | undefined> {
    const turn = this.#turn.then(() => this.#reload());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#running?.end({ kind: "interrupted", error: INTERRUPTED });
    this.#calls.cancel("the session was closed");
    this.#calls.clearTimers();
    this.#looks.answerAll();
    await this.#kernels.close();
    this.#options.journal.close();
  }

  async #reload(): Promise<SessionState | undefined> {
    const { contexts, journal, clock, limits } = this.#options;
    const kernel = await this.#kernels.ready();
    const now = clock();
    for (const [i, { name, kind, identity }] of contexts().entries())
      journal.write({ type: "context", name, kind, identity, ...(i === 0 ? { replaces: true } : {}), now });
    if (contextHeapMb(contexts()) > Math.max(this.#contextHeapMb, limits.memoryMb / CONTEXT_SHARE)) {
      const hadCells = this.#cells > 0;
      this.#loseKernel(kernel);
      this.#lost = false;
      await this.#kernels.ready();
      return hadCells ? "lost" : undefined;
    }
    await this.#entries.apart(kernel, () => loadContexts(kernel, contexts(), now));
    return undefined;
  }

  async #cell(source: string, signal: AbortSignal | undefined): Promise<Outcome> {
    if (this.#closed) throw new HostError("E_CLOSED", "the session is closed; open another");
    const { journal, emit } = this.#options;
    const n = ++this.#cells;
    const run = new CellRun(n, source, performance.now());
    emit({ type: "cell_start", cell: n, source });
    const transformed = await transform(source, n);
    this.#replaceSpoilt();
    // Before the cell is written: a session that cannot run it ends with a journal that has the end of every cell.
    const kernel = transformed.ok ? await this.#kernels.ready() : undefined;
    journal.write({ type: "cell", n, source, script: transformed.ok ? journal.text(transformed.script) : "" });
    if (!transformed.ok) return this.#finish(run.outcome("rejected", performance.now(), { error: transformed.error }));
    for (const warning of transformed.warnings) run.warn(warning);

    const before: SessionState | undefined = this.#lost ? "lost" : undefined;
    this.#lost = false;
    const cut =
      signal?.aborted === true
        ? { kind: "interrupted" as const, error: INTERRUPTED }
        : await this.#drive(kernel, run, transformed.script, signal);
    const after = this.#replaceSpoilt();
    // Told here: the next cell need not say it again.
    if (after !== undefined) this.#lost = false;
    return this.#finish(this.#outcome(run, cut, after ?? before));
  }

  /** Enters with the script and serves the cell until it has ended. */
  async #drive(kernel: Kernel | undefined, run: CellRun, script: string, signal: AbortSignal | undefined): Promise<Cut | undefined> {
    const onAbort = (): void => this.#interrupt();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#running = new RunningCell(run, this.#options.limits);
      this.#entries.push({ kind: "run", id: run.n, text: script, cell: run.n }, kernel);
      return await this.#running.ended;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#afterCell(run);
    }
  }

  /** Timers end with their cell; calls it did not await go on, unless it was cut or ended by FINAL. */
  #afterCell(run: CellRun): void {
    this.#running = undefined;
    this.#calls.clearTimers();
    this.#entries.dropTimers();
    if (run.done !== undefined && run.final === undefined) return;
    this.#entries.forget(this.#calls.cancel("the cell that made this call has ended", run.n));
    this.#entries.dropOf(run.n);
  }

  /** Between cells: what scans have cost the sandbox goes with it. */
  #replaceSpoilt(): SessionState | undefined {
    const kernel = this.#kernels.live;
    if (kernel?.isSpoilt !== true) return undefined;
    this.#loseKernel(kernel);
    return "lost";
  }

  #outcome(run: CellRun, cut: Cut | undefined, before: SessionState | undefined): Outcome {
    if (run.late !== "") this.#options.emit({ type: "console", cell: run.n, text: run.late });
    const now = performance.now();
    const state = cut?.state ?? before;
    const known = state === undefined ? {} : { state };
    if (run.final !== undefined) return run.outcome("final", now, known);
    if (cut === undefined) return run.outcome(run.done?.outcome ?? "ok", now, known);
    this.#options.journal.write({ type: "terminated", cell: run.n, reason: cut.kind });
    return run.outcome(cut.kind, now, { error: cut.error, ...known });
  }

  #finish(outcome: Outcome): Outcome {
    const { journal, usage, emit } = this.#options;
    const preview = outcome.value?.preview ?? outcome.error?.message ?? "";
    journal.write({ type: "end", cell: outcome.cell, outcome: outcome.outcome, preview, usage: usage(), ms: outcome.ms });
    journal.sync();
    emit({ type: "cell_end", outcome });
    return outcome;
  }

  /** What an entry's end means for the kernel, and for the running cell. */
  #entered(kernel: Kernel, cell: number, ended: Ended, swept: Ended | undefined): void {
    const { limits, emit } = this.#options;
    const found = afterSweep(verdict(ended, limits), swept && verdict(swept, limits));
    if (found.kernelLost === true) this.#loseKernel(kernel);
    if (this.#running !== undefined) this.#running.entered(cell, found);
    else if (found.warning !== undefined) emit({ type: "notice", text: `cell ${cell} left behind ${found.warning}` });
  }

  #looked(kernel: Kernel, id: number, ended: Ended): void {
    this.#looks.answer(id, undefined);
    if (verdict(ended, this.#options.limits).kernelLost === true) this.#loseKernel(kernel);
  }

  #rest(): void {
    if (this.#entries.isIdle && this.#kernels.live !== undefined) this.#running?.rest(this.#calls.pending);
  }

  #interrupt(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (!this.#entries.isEntering) return running.end({ kind: "interrupted", error: INTERRUPTED });
    // Code in the middle of a slice cannot be stopped and kept: the isolate goes.
    const kernel = this.#kernels.live;
    running.end({ kind: "interrupted", error: INTERRUPTED, state: "lost" });
    if (kernel !== undefined) this.#loseKernel(kernel);
  }

  /** Code that catches FINAL's sentinel has a second left; then its isolate goes, and the answer stands. */
  #graceAfterFinal(kernel: Kernel, run: CellRun): void {
    setTimeout(() => {
      if (this.#running?.run !== run) return;
      this.#running.end({ kind: "final", error: INTERRUPTED, state: "lost" });
      this.#loseKernel(kernel);
    }, FINAL_GRACE_MS).unref();
  }

  async #openKernel(process: KernelProcess): Promise<Kernel> {
    const { seed, clock, workers, limits, scans } = this.#options;
    const contexts = this.#options.contexts();
    this.#contextHeapMb = contextHeapMb(contexts);
    return await openGuest({
      process,
      seed,
      now: clock(),
      sequence: this.#calls.last,
      workers,
      memoryMb: limits.memoryMb,
      contexts,
      onPost: (kernel, text) => {
        if (!this.#posts.take(kernel, text)) kernel.kill("forged");
      },
      onJobEnd: (end, value) => scans.jobEnded(end, value),
      onDeath: (kernel, death) => this.#died(kernel, death),
    });
  }

  /** A kernel that died between entries; during one, the entry's end says so. */
  #died(kernel: Kernel, death: Death): void {
    this.#kernels.noteDeath(death);
    if (death === "closed" || this.#entries.isEntering) return;
    const running = this.#running;
    this.#loseKernel(kernel);
    running?.end(verdict({ end: "dead", death, ms: 0 }, this.#options.limits).cut);
  }

  #loseKernel(kernel: Kernel): void {
    if (!this.#kernels.replace(kernel)) return;
    this.#lost = this.#running === undefined;
    this.#looks.answerAll();
    this.#entries.clear();
    this.#calls.cancel("the sandbox that made this call is gone");
    this.#calls.clearTimers();
  }
}

// A session: cells one after another in one isolate, their host calls served and answered in arrival order, everything that enters
// written first. What a cell ends with is decided here; what enters is `entries.ts`, what the guest posts `posts.ts`.
import type { LookQuery } from "../../prelude/contract.ts";
import { transform, type Death, type Ended, type Kernel, type KernelProcess } from "../../sandbox/index.ts";
import { FINAL_GRACE_MS, type Limits } from "../../sandbox/limits.ts";
import type { Outcome, SessionState } from "../../sandbox/outcome.ts";
import type { ScanService } from "../calls/scan.ts";
import type { Handlers } from "../calls/types.ts";
import { HostError, messageOf } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { ContextSource } from "../workspace/types.ts";
import { CellRun } from "./cell-run.ts";
import type { ContextRecord } from "./context-records.ts";
import { Entries } from "./entries.ts";
import type { Workers } from "./guest.ts";
import { GuestState } from "./guest-state.ts";
import { HostCalls } from "./host-calls.ts";
import type { Journal } from "./journal.ts";
import { Looks } from "./looks.ts";
import { Posts } from "./posts.ts";
import { isOutside } from "./replay.ts";
import { RunningCell } from "./running-cell.ts";
import { INTERRUPTED, verdict, type Cut } from "./verdict.ts";

export interface SessionOptions {
  readonly id: string;
  readonly limits: Limits;
  readonly workers: Workers;
  readonly zone: string;
  readonly locale: string;
  /** V8 without machine code. */
  readonly jitless: boolean;
  readonly seed: number;
  /** The guest's clock before its first entry. */
  readonly started: number;
  readonly clock: () => number;
  /** Those there are, or those of a generation: 0 for the first ones, one more each time they were replaced. */
  readonly contexts: (generation?: number) => readonly ContextSource[];
  /** What the journal keeps of the contexts there are. */
  readonly contextRecords: () => Promise<readonly ContextRecord[]>;
  /** Where a session stood that goes on: numbers of its last cell and call, and how often its contexts were replaced. */
  readonly resumed?: Resumed;
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

export interface Resumed {
  readonly cells: number;
  readonly calls: number;
  readonly generation: number;
  /** Cells whose effects are in its state. */
  readonly standing: readonly number[];
  /** A replay that comes to something else ends it, instead of going on from the last cell that agreed. */
  readonly isStrict: boolean;
}

/** Owns its kernels and everything in flight; `close` ends them. */
export class Session {
  readonly #options: SessionOptions;
  readonly #calls: HostCalls;
  readonly #entries: Entries;
  readonly #posts: Posts;
  readonly #looks = new Looks();
  readonly #guest: GuestState;
  #cells: number;
  #turn: Promise<unknown> = Promise.resolve();
  #running: RunningCell | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { handlers, scans, journal, emit, clock, budget, resumed } = options;
    this.#cells = resumed?.cells ?? 0;
    this.#calls = new HostCalls({
      handlers,
      scans,
      journal,
      emit,
      deliver: (delivery) => this.#entries.push(delivery, this.#guest.live),
      warn: (text) => this.#running?.run.warn(text),
      last: resumed?.calls ?? 0,
    });
    this.#entries = new Entries({
      journal,
      clock,
      budget,
      sequence: () => this.#calls.last,
      onBegin: (cell, again) => this.#begin(cell, again),
      onEnded: (kernel, cell, ended) => this.#entered(kernel, cell, ended),
      onLooked: (kernel, id, ended) => this.#looked(kernel, id, ended),
      onIdle: () => this.#rest(),
      onDied: (kernel, ended) => this.#goOn(kernel, ended),
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
    this.#guest = new GuestState({
      session: options,
      onPost: (kernel, text) => this.#posts.take(kernel, text),
      onRestored: (kernel, isFirst) => {
        this.#calls.repeatIn(kernel);
        if (isFirst) this.#entries.countFrom(this.#calls.last);
      },
      onUp: (kernel) => this.#entries.serve(kernel),
      onDeath: (kernel, death) => this.#died(kernel, death),
      onReplaced: () => this.#looks.answerAll(),
      onLost: () => this.#lost(),
    });
  }

  get id(): string {
    return this.#options.id;
  }

  /** Resolves when the contexts are loaded; rejects with what kept the sandbox from starting. */
  async ready(): Promise<void> {
    await this.#guest.ready();
  }

  /** Runs one cell after those before it. What becomes of it is data; only a session that cannot run at all rejects. */
  run(source: string, options: { readonly signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#next(() => this.#cell(source, options.signal));
  }

  /** Answers from the guest without a cell; undefined when it has none to give: it is gone, or its code did not stop. */
  async look(query: LookQuery): Promise<unknown> {
    if (this.#closed) return undefined;
    const kernel = await this.#guest.ready();
    return await this.#looks.ask(query, (look) => this.#entries.push(look, kernel));
  }

  /** Loads the contexts there are now in place of those the guest has. Resolves to what that cost, where the sandbox was too small. */
  loadContexts(): Promise<SessionState | undefined> {
    return this.#next(() => this.#guest.replaceContexts((kernel, load) => this.#entries.apart(kernel, load)));
  }

  /** Takes the last cell back: the state is that before it. Resolves to its number; undefined when there is none. */
  undo(): Promise<number | undefined> {
    return this.#next(() => this.#guest.takeBack());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#running?.end({ kind: "interrupted", error: INTERRUPTED });
    this.#calls.cancel("the session was closed");
    this.#calls.clearTimers();
    this.#looks.answerAll();
    await this.#guest.close();
    this.#options.journal.close();
  }

  /** After everything before it. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #cell(source: string, signal: AbortSignal | undefined): Promise<Outcome> {
    if (this.#closed) throw new HostError("E_CLOSED", "the session is closed; open another");
    const { journal, emit } = this.#options;
    const n = ++this.#cells;
    const run = new CellRun(n, source, performance.now());
    this.#guest.begin(n);
    emit({ type: "cell_start", cell: n, source });
    const transformed = await transform(source, n);
    this.#replaceSpoilt();
    // Before the cell is written: a session that cannot run it ends with a journal that has the end of every cell.
    const kernel = transformed.ok ? await this.#guest.ready() : undefined;
    journal.write({ type: "cell", n, source, script: transformed.ok ? journal.text(transformed.script) : "" });
    if (!transformed.ok) return this.#finish(run.outcome("rejected", performance.now(), { error: transformed.error }));
    for (const warning of transformed.warnings) run.warn(warning);

    const cut: Cut | undefined =
      signal?.aborted === true ? { kind: "interrupted", error: INTERRUPTED } : await this.#drive(kernel, run, transformed.script, signal);
    const isSpoilt = this.#replaceSpoilt();
    // What became of the variables is told with the cell that cost them.
    if (cut?.state === "lost" || isSpoilt) await this.#guest.settled();
    return this.#finish(this.#outcome(run, cut));
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
    const { timers } = this.#calls.pending;
    if (timers > 0 && run.done !== undefined && run.final === undefined) {
      run.warn(`${timers === 1 ? "a timer" : `${timers} timers`} still waiting when the cell ended will not fire; await what they do`);
    }
    this.#calls.clearTimers();
    this.#entries.dropTimers();
    if (run.done !== undefined && run.final === undefined) return;
    this.#entries.forget(this.#calls.cancel("the cell that made this call has ended", run.n));
    this.#entries.dropOf(run.n);
  }

  /** Between cells: what scans have cost the sandbox goes with it. True when there was any. */
  #replaceSpoilt(): boolean {
    const kernel = this.#guest.live;
    if (kernel?.isSpoilt !== true) return false;
    this.#guest.lose(kernel);
    return true;
  }

  #outcome(run: CellRun, cut: Cut | undefined): Outcome {
    if (run.late !== "") this.#options.emit({ type: "console", cell: run.n, text: run.late });
    const now = performance.now();
    const told = this.#guest.told();
    const state = told.state ?? (cut?.state === "lost" ? undefined : cut?.state);
    if (told.warning !== undefined) run.warn(told.warning);
    const known = state === undefined ? {} : { state };
    if (run.final !== undefined) return run.outcome("final", now, known);
    if (cut === undefined) return run.outcome(run.done?.outcome ?? "ok", now, known);
    if (!run.isTerminated) this.#options.journal.write({ type: "terminated", cell: run.n, reason: cut.kind });
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

  #begin(cell: number, again: boolean): number {
    if (again) this.#posts.beginAgain();
    else this.#posts.begin();
    return this.#running?.begin(cell) ?? this.#options.limits.sliceMs;
  }

  /** What an entry's end means for the kernel, and for the running cell. */
  #entered(kernel: Kernel, cell: number, ended: Ended): void {
    const { limits, emit, journal } = this.#options;
    const found = verdict(ended, limits);
    const { cut, warning, kernelLost } = found;
    const running = this.#running;
    if (cut !== undefined) {
      journal.write({ type: "terminated", cell, reason: cut.kind, slice: true });
      if (running?.run.n === cell) running.run.isTerminated = true;
      // What is still queued for a cell that ends with this would run as code it left behind.
      if (running !== undefined && (kernelLost === true || running.run.n === cell)) this.#entries.dropOf(running.run.n);
    }
    if (kernelLost === true) this.#guest.lose(kernel);
    if (running !== undefined) running.entered(cell, found);
    else if (warning !== undefined) emit({ type: "notice", text: `cell ${cell} left behind ${warning}` });
  }

  #looked(kernel: Kernel, id: number, ended: Ended): void {
    this.#looks.answer(id, undefined);
    if (verdict(ended, this.#options.limits).kernelLost === true) this.#guest.lose(kernel);
  }

  #rest(): void {
    if (this.#entries.isIdle && this.#guest.live !== undefined) this.#running?.rest(this.#calls.pending);
  }

  #interrupt(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (!this.#entries.isEntering) return running.end({ kind: "interrupted", error: INTERRUPTED });
    // Code in the middle of a slice cannot be stopped and kept: the isolate goes.
    const kernel = this.#guest.live;
    running.end({ kind: "interrupted", error: INTERRUPTED, state: "lost" });
    if (kernel !== undefined) this.#guest.lose(kernel);
  }

  /** Code that catches FINAL's sentinel has a second left; then its isolate goes, and the answer stands. */
  #graceAfterFinal(kernel: Kernel, run: CellRun): void {
    setTimeout(() => {
      if (this.#running?.run !== run) return;
      this.#running.end({ kind: "final", error: INTERRUPTED, state: "lost" });
      this.#guest.lose(kernel);
    }, FINAL_GRACE_MS).unref();
  }

  /** A kernel that died between entries; during one, the entry's end says so. */
  #died(kernel: Kernel, death: Death): void {
    if (death === "closed" || this.#entries.isEntering) return;
    this.#guest.lose(kernel);
    const cut = verdict({ end: "dead", death, ms: 0 }, this.#options.limits).cut;
    if (!isOutside(death)) return this.#running?.end(cut);
    // A cell that only waits goes on in the next kernel, if there is one.
    void this.#guest
      .ready()
      .catch((error: unknown) => this.#running?.end(cut && { ...cut, error: { ...cut.error, message: messageOf(error) } }));
  }

  /** The kernel died of nothing of its own in the middle of an entry: another one comes to the state before it. */
  async #goOn(kernel: Kernel, ended: Ended): Promise<Kernel | undefined> {
    if (ended.end !== "dead" || !isOutside(ended.death)) return undefined;
    this.#running?.run.own.stop();
    return await this.#guest.beforeEntry(kernel);
  }

  /** Nobody waits any more for what is on its way. */
  #lost(): void {
    this.#entries.clear();
    this.#calls.cancel("the sandbox that made this call is gone");
    this.#calls.clearTimers();
    this.#running?.end(verdict({ end: "dead", death: "died", ms: 0 }, this.#options.limits).cut);
  }
}

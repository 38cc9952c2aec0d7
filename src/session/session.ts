// A session: cells one after another in one isolate, their host calls served and answered in arrival order, everything that enters
// written first. Entries are strictly one at a time: write the record, enter, wait until it has ended and its posts are here.
import type { EntryFacts, LookQuery, Post } from "../../prelude/contract.ts";
import { guardPost, transform, type Death, type Ended, type Kernel } from "../../sandbox/index.ts";
import { FINAL_GRACE_MS, type Limits } from "../../sandbox/limits.ts";
import type { Outcome, SessionState } from "../../sandbox/outcome.ts";
import type { ScanService } from "../calls/scan.ts";
import type { Handlers } from "../calls/types.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { ContextSource } from "../workspace/types.ts";
import { CellRun } from "./cell-run.ts";
import { contextHeapMb, loadContexts, openGuest, type Workers } from "./guest.ts";
import { HostCalls, type Delivery } from "./host-calls.ts";
import type { Journal } from "./journal.ts";
import { KernelLife } from "./kernel-life.ts";
import { INTERRUPTED, NEVER_SETTLES, timedOut, verdict, type Cut } from "./verdict.ts";

export interface SessionOptions {
  readonly id: string;
  readonly limits: Limits;
  readonly workers: Workers;
  readonly zone: string;
  readonly locale: string;
  /** V8 without machine code. */
  readonly jitless: boolean;
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
}

type CellEntry = Delivery | { readonly kind: "run"; readonly id: number; readonly text: string; readonly cell: number };
type Look = { readonly kind: "look"; readonly id: number; readonly text: string };
type Entry = CellEntry | Look;

/** A person waits for it at a prompt. */
const LOOK_TIMEOUT_MS = 500;
const NO_FACTS = JSON.stringify({ now: 0, budget: null } satisfies EntryFacts);
/** A context loaded into a living sandbox may take this part of its heap; for a larger one the sandbox is replaced. */
const CONTEXT_SHARE = 4;

interface Running {
  readonly run: CellRun;
  readonly end: (cut?: Cut) => void;
}

/** Owns its kernel and everything in flight; `close` ends them. */
export class Session {
  readonly #options: SessionOptions;
  readonly #kernels: KernelLife;
  readonly #calls: HostCalls;
  #cells = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #running: Running | undefined;
  #queue: Entry[] = [];
  #entering = false;
  /** The cell whose entry runs, or ran last: what is posted is its. */
  #owner = 0;
  /** Calls the guest must forget, told with the next entry. */
  #cancelled: number[] = [];
  /** The variables went while no cell ran. */
  #lost = false;
  /** While nothing but timers is pending: since when, and what ends it. */
  #resting: { readonly since: number; readonly limit: NodeJS.Timeout } | undefined;
  #closed = false;
  /** Questions of a person's prompt that the guest has not answered. */
  readonly #looks = new Map<number, (json: string | undefined) => void>();
  #lookCount = 0;
  /** Heap the living kernel has for contexts, in MiB. */
  #contextHeapMb = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { handlers, scans, journal, emit } = options;
    this.#calls = new HostCalls({
      handlers,
      scans,
      journal,
      emit,
      deliver: (delivery) => this.#deliver(delivery),
      warn: (text) => this.#running?.run.warn(text),
    });
    // The kernel comes up while the first cell is read and transformed.
    this.#kernels = new KernelLife(() => this.#openKernel(), options.maxDeaths);
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
    const id = ++this.#lookCount;
    const json = await new Promise<string | undefined>((resolve) => {
      this.#looks.set(id, resolve);
      this.#queue.push({ kind: "look", id, text: JSON.stringify(query) });
      void this.#pump(kernel);
    });
    this.#looks.delete(id);
    return json === undefined ? undefined : (JSON.parse(json) as unknown);
  }

  /** Loads the contexts there are now in place of those the guest has. Resolves to what that cost: `lost` when the sandbox was too small. */
  loadContexts(): Promise<SessionState | undefined> {
    const turn = this.#turn.then(() => this.#reload());
    this.#turn = turn.catch(() => undefined);
    return turn;
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
    await this.#pumped();
    this.#entering = true;
    try {
      await loadContexts(kernel, contexts(), now);
    } finally {
      this.#entering = false;
      void this.#pump(kernel);
    }
    return undefined;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#running?.end({ kind: "interrupted", error: INTERRUPTED });
    this.#calls.cancel("the session was closed");
    this.#calls.clearTimers();
    this.#wake();
    await this.#kernels.close();
    this.#options.journal.close();
  }

  async #cell(source: string, signal: AbortSignal | undefined): Promise<Outcome> {
    if (this.#closed) throw new HostError("E_CLOSED", "the session is closed; open another");
    const { journal, emit } = this.#options;
    const n = ++this.#cells;
    const run = new CellRun(n, source, performance.now());
    emit({ type: "cell_start", cell: n, source });
    const transformed = await transform(source, n);
    journal.write({ type: "cell", n, source, script: transformed.ok ? journal.text(transformed.script) : "" });
    if (!transformed.ok) return this.#finish(run.outcome("rejected", performance.now(), { error: transformed.error }));
    for (const warning of transformed.warnings) run.warn(warning);

    const kernel = await this.#kernels.ready();
    const before: SessionState | undefined = this.#lost ? "lost" : undefined;
    this.#lost = false;
    const cut =
      signal?.aborted === true
        ? { kind: "interrupted" as const, error: INTERRUPTED }
        : await this.#drive(kernel, run, transformed.script, signal);
    return this.#finish(this.#outcome(run, cut, before));
  }

  /** Enters with the script and serves the cell until it has ended. */
  async #drive(kernel: Kernel, run: CellRun, script: string, signal: AbortSignal | undefined): Promise<Cut | undefined> {
    const onAbort = (): void => this.#interrupt();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await new Promise<Cut | undefined>((resolve) => {
        this.#running = { run, end: resolve };
        this.#queue.push({ kind: "run", id: run.n, text: script, cell: run.n });
        void this.#pump(kernel);
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#afterCell(run);
    }
  }

  /** Timers end with their cell; calls it did not await go on, unless it was cut or ended by FINAL. */
  #afterCell(run: CellRun): void {
    this.#running = undefined;
    this.#wake();
    this.#calls.clearTimers();
    this.#queue = this.#queue.filter((entry) => entry.kind !== "timer");
    if (run.done !== undefined && run.final === undefined) return;
    this.#cancelled.push(...this.#calls.cancel("the cell that made this call has ended", run.n));
    this.#queue = this.#queue.filter((entry) => entry.kind === "look" || entry.cell !== run.n);
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

  /** Serves the queue, one entry at a time, also between cells. */
  async #pump(kernel: Kernel): Promise<void> {
    if (this.#entering) return;
    this.#entering = true;
    this.#wake();
    try {
      for (let entry = this.#queue.shift(); entry !== undefined; entry = kernel.isAlive ? this.#queue.shift() : undefined) {
        if (entry.kind === "look") {
          await this.#lookOnce(kernel, entry);
          continue;
        }
        this.#owner = entry.cell;
        const ended = await this.#enter(kernel, entry);
        this.#entered(kernel, entry.cell, ended);
      }
    } finally {
      this.#entering = false;
    }
    this.#rest();
  }

  /** Nothing of it is recorded, the guest's clock stands still, and the cell that runs does not pay for it. */
  async #lookOnce(kernel: Kernel, { id, text }: Look): Promise<void> {
    const ended = await kernel.enter("look", id, text, NO_FACTS, LOOK_TIMEOUT_MS);
    this.#looks.get(id)?.(undefined);
    if (verdict(ended, this.#options.limits).kernelLost === true) this.#loseKernel(kernel);
  }

  /** Waits until no entry runs. */
  async #pumped(): Promise<void> {
    while (this.#entering) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async #enter(kernel: Kernel, entry: CellEntry): Promise<Ended> {
    const { limits, clock, budget, journal } = this.#options;
    const now = clock();
    const left = budget();
    journal.write({ type: "entry", cell: entry.cell, kind: entry.kind, seq: entry.id, now, budget: left });
    const facts: EntryFacts = { now, budget: left, ...(this.#cancelled.length === 0 ? {} : { cancelled: this.#cancelled }) };
    this.#cancelled = [];
    const run = this.#running?.run;
    const timeoutMs = Math.ceil(Math.max(1, Math.min(limits.sliceMs, limits.cellMs - (run?.ownMs ?? 0))));
    const ended = await kernel.enter(entry.kind, entry.id, entry.text, JSON.stringify(facts), timeoutMs);
    if (run !== undefined) run.ownMs += ended.ms;
    return ended;
  }

  /** What an entry's end means for the running cell. */
  #entered(kernel: Kernel, cell: number, ended: Ended): void {
    const { cut, warning, kernelLost = false } = verdict(ended, this.#options.limits);
    if (kernelLost) this.#loseKernel(kernel);
    const running = this.#running;
    if (running === undefined) return;
    const { run, end } = running;
    if (cut !== undefined && (cell === run.n || kernelLost)) return end(cut);
    // Code that an earlier cell left behind is not this one's fault, as long as the isolate stands.
    if (cut !== undefined) run.warn(`code that cell ${cell} left behind ran past the time limit and was stopped`);
    if (warning !== undefined && run.final === undefined) run.warn(warning);
    if (run.done !== undefined || run.final !== undefined) end();
  }

  /** Nothing is left to enter: wait for an answer, count own time while only timers are pending, or find that nothing can come. */
  #rest(): void {
    const running = this.#running;
    if (running === undefined || this.#entering || this.#queue.length > 0) return;
    const { calls, timers } = this.#calls.pending;
    if (calls > 0) return;
    const { run, end } = running;
    if (timers === 0) {
      if (this.#kernels.live !== undefined) end({ kind: "threw", error: NEVER_SETTLES });
      return;
    }
    const { limits } = this.#options;
    const expire = (): void => end({ kind: "timeout", error: timedOut(limits) });
    this.#resting = { since: performance.now(), limit: setTimeout(expire, Math.max(0, limits.cellMs - run.ownMs)) };
  }

  /** Ends the rest: what was waited counts as the cell's own time. */
  #wake(): void {
    if (this.#resting === undefined) return;
    clearTimeout(this.#resting.limit);
    if (this.#running !== undefined) this.#running.run.ownMs += performance.now() - this.#resting.since;
    this.#resting = undefined;
  }

  #interrupt(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (!this.#entering) return running.end({ kind: "interrupted", error: INTERRUPTED });
    // Code in the middle of a slice cannot be stopped and kept: the isolate goes.
    const kernel = this.#kernels.live;
    running.end({ kind: "interrupted", error: INTERRUPTED, state: "lost" });
    if (kernel !== undefined) this.#loseKernel(kernel);
  }

  #deliver(delivery: Delivery): void {
    this.#queue.push(delivery);
    const kernel = this.#kernels.live;
    if (kernel !== undefined) void this.#pump(kernel);
  }

  /** One message of the guest; what is none of ours ends the kernel. */
  #posted(kernel: Kernel, text: string): void {
    const post = guardPost(text);
    if (post === undefined || !this.#receive(kernel, post)) kernel.kill("forged");
  }

  #receive(kernel: Kernel, post: Post): boolean {
    const run = this.#running?.run;
    const { emit } = this.#options;
    switch (post[0]) {
      case "call": {
        const [, seq, operation, args] = post;
        if (run !== undefined && operation !== "timer" && operation !== "clear_timer") run.calls++;
        return this.#calls.serve(kernel, this.#owner, seq, operation, args);
      }
      case "console":
        this.#console(post[1]);
        return true;
      case "time": {
        const line = run?.time(post[1], post[2], performance.now());
        if (line !== undefined) this.#console(line);
        return true;
      }
      case "progress":
        emit({ type: "progress", label: "cell", done: post[1], total: post[2], text: post[3] });
        return true;
      case "warning":
        run?.warn(post[1]);
        return true;
      case "final":
        if (run !== undefined && run.final === undefined) {
          run.final = post[1];
          this.#graceAfterFinal(kernel, run);
        }
        return true;
      case "look":
        this.#looks.get(post[1])?.(post[2]);
        return true;
      case "done":
        if (run !== undefined && run.done === undefined && this.#owner === run.n) run.done = post[1];
        return true;
    }
  }

  #console(text: string): void {
    this.#running?.run.console(text);
    this.#options.emit({ type: "console", cell: this.#owner, text });
  }

  /** Code that catches FINAL's sentinel has a second left; then its isolate goes, and the answer stands. */
  #graceAfterFinal(kernel: Kernel, run: CellRun): void {
    setTimeout(() => {
      if (this.#running?.run !== run) return;
      this.#running.end({ kind: "final", error: INTERRUPTED, state: "lost" });
      this.#loseKernel(kernel);
    }, FINAL_GRACE_MS).unref();
  }

  async #openKernel(): Promise<Kernel> {
    const { seed, clock, workers, limits, zone, locale, jitless, scans } = this.#options;
    const contexts = this.#options.contexts();
    this.#contextHeapMb = contextHeapMb(contexts);
    return await openGuest({
      seed,
      now: clock(),
      sequence: this.#calls.last,
      workers,
      memoryMb: limits.memoryMb,
      zone,
      locale,
      jitless,
      contexts,
      onPost: (kernel, text) => this.#posted(kernel, text),
      onJobEnd: (end, value) => scans.jobEnded(end, value),
      onDeath: (kernel, death) => this.#died(kernel, death),
    });
  }

  /** A kernel that died between entries; during one, the entry's end says so. */
  #died(kernel: Kernel, death: Death): void {
    this.#kernels.noteDeath(death);
    if (death === "closed" || this.#entering) return;
    const running = this.#running;
    this.#loseKernel(kernel);
    running?.end(verdict({ end: "dead", death, ms: 0 }, this.#options.limits).cut);
  }

  #loseKernel(kernel: Kernel): void {
    if (!this.#kernels.replace(kernel)) return;
    this.#lost = this.#running === undefined;
    for (const answer of this.#looks.values()) answer(undefined);
    this.#queue = [];
    this.#cancelled = [];
    this.#calls.cancel("the sandbox that made this call is gone");
    this.#calls.clearTimers();
  }
}

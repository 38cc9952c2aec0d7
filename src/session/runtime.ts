// What cells run in: kernels, entries, host calls and posts put together, around the one cell that runs. What an end of an entry, a death
// or an interruption means for them is decided here.
import type { LookQuery } from "../../prelude/contract.ts";
import type { Death, Ended, Kernel } from "../../sandbox/index.ts";
import { FINAL_GRACE_MS } from "../../sandbox/limits.ts";
import type { SessionState } from "../../sandbox/outcome.ts";
import { messageOf } from "../errors.ts";
import type { CellRun } from "./cell-run.ts";
import { Entries } from "./entries.ts";
import { GuestState } from "./guest-state.ts";
import { HostCalls } from "./host-calls.ts";
import { Looks } from "./looks.ts";
import { Posts } from "./posts.ts";
import type { LastEntry } from "./rebuild.ts";
import { isOutside } from "./replay.ts";
import { RunningCell } from "./running-cell.ts";
import type { SessionOptions } from "./options.ts";
import type { Unfinished } from "./unfinished.ts";
import { INTERRUPTED, verdict, type Cut } from "./verdict.ts";

/** A slice has so long to end by itself when its cell is interrupted. */
const INTERRUPT_GRACE_MS = 50;

/** Owns its kernels and everything in flight; `close` ends them. */
export class Runtime {
  readonly #options: SessionOptions;
  readonly #calls: HostCalls;
  readonly #entries: Entries;
  readonly #posts: Posts;
  readonly #looks = new Looks();
  readonly guest: GuestState;
  #running: RunningCell | undefined;
  /** It ends with the slice that runs. */
  #interrupted: RunningCell | undefined;
  /** What an earlier process left open, until it is taken up. */
  #unfinished: Unfinished | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { handlers, scans, journal, emit, clock, budget, resumed } = options;
    this.#calls = new HostCalls({
      handlers,
      scans,
      journal,
      emit,
      deliver: (delivery) => this.#entries.push(delivery, this.guest.live),
      warn: (text) => this.#running?.run.warn(text),
      last: resumed?.calls ?? 0,
    });
    this.#unfinished = resumed?.unfinished;
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
    this.guest = new GuestState({
      session: options,
      onPost: (kernel, text) => this.#posts.take(kernel, text),
      onRestored: (kernel, isFirst, last) => {
        this.#calls.repeatIn(kernel);
        if (isFirst && last === undefined) this.#entries.countFrom(this.#calls.last);
        this.#takeUp(kernel, last);
      },
      onRetold: (cell, post) => {
        if (this.#running?.run.n === cell) this.#posts.retell(post);
      },
      onUp: (kernel) => this.#entries.serve(kernel),
      onDeath: (kernel, death) => this.#died(kernel, death),
      onReplaced: () => this.#looks.answerAll(),
      onLost: () => this.#lost(),
    });
  }

  /** What is heard of a cell from now on is this one's, before it is driven. */
  hear(run: CellRun): void {
    this.#running = new RunningCell(run, this.#options.limits);
  }

  /** Enters with the script, if that was not done before, and serves the cell until it has ended. */
  async drive(kernel: Kernel | undefined, run: CellRun, script: string | undefined, signal?: AbortSignal): Promise<Cut | undefined> {
    const onAbort = (): void => this.interrupt();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#running ??= new RunningCell(run, this.#options.limits);
      // All of it had run, but for its end.
      if (run.done !== undefined || run.final !== undefined) this.#running.end();
      if (script !== undefined) this.#entries.push({ kind: "run", id: run.n, text: script, cell: run.n }, kernel);
      return await this.#running.ended;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#afterCell(run);
    }
  }

  /** Answers from the guest without a cell. */
  async look(query: LookQuery): Promise<unknown> {
    const kernel = await this.guest.ready();
    return await this.#looks.ask(query, (look) => this.#entries.push(look, kernel));
  }

  /** Loads the contexts there are now in place of those the guest has. */
  loadContexts(): Promise<SessionState | undefined> {
    return this.guest.replaceContexts((kernel, load) => this.#entries.apart(kernel, load));
  }

  /** Between cells: what scans have cost the sandbox goes with it. True when there was any. */
  replaceSpoilt(): boolean {
    const kernel = this.guest.live;
    if (kernel?.isSpoilt !== true) return false;
    this.guest.lose(kernel);
    return true;
  }

  /** Ends the running cell; what it assigned before stays. */
  interrupt(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (!this.#entries.isEntering) return running.end({ kind: "interrupted", error: INTERRUPTED });
    // A slice that is about to end keeps everything; code in the middle of one cannot be stopped and kept: the isolate goes.
    this.#interrupted = running;
    setTimeout(() => {
      if (this.#running !== running) return;
      const kernel = this.guest.live;
      running.end({ kind: "interrupted", error: INTERRUPTED, state: "lost" });
      if (kernel !== undefined) this.guest.lose(kernel);
    }, INTERRUPT_GRACE_MS).unref();
  }

  async close(): Promise<void> {
    this.#running?.end({ kind: "interrupted", error: INTERRUPTED });
    this.#calls.cancel("the session was closed");
    this.#calls.clearTimers();
    this.#looks.answerAll();
    await this.guest.close();
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

  #begin(cell: number, again: boolean): number {
    if (again) this.#posts.beginAgain();
    else this.#posts.begin();
    return this.#running?.begin(cell) ?? this.#options.limits.sliceMs;
  }

  /** What an earlier process left open goes on in this kernel: first the entry it was in, then what waited to enter, then its calls. */
  #takeUp(kernel: Kernel, last: LastEntry | undefined): void {
    const open = this.#unfinished;
    if (open === undefined) return;
    this.#unfinished = undefined;
    if (last !== undefined) {
      const { step, text } = last;
      this.#calls.expect(open.entry ?? [], step.sequence);
      this.#entries.push({ kind: step.kind, id: step.id, cell: step.cell, text, again: step }, undefined);
    }
    for (const delivery of open.deliveries) this.#entries.push(delivery, undefined);
    this.#entries.forget(open.forgotten);
    for (const call of open.calls) this.#calls.takeUp(kernel, call);
  }

  /** What an entry's end means for the kernel, and for the running cell. */
  #entered(kernel: Kernel, cell: number, end: Ended): void {
    const { limits, emit, journal } = this.#options;
    const ended: Ended = this.#calls.metExpectation() ? end : { end: "dead", death: "forged", ms: end.ms };
    const found = verdict(ended, limits);
    const { cut, warning, kernelLost } = found;
    const running = this.#running;
    if (cut !== undefined) {
      journal.write({ type: "terminated", cell, reason: cut.kind, slice: true });
      if (running?.run.n === cell) running.run.isTerminated = true;
      // What is still queued for a cell that ends with this would run as code it left behind.
      if (running !== undefined && (kernelLost === true || running.run.n === cell)) this.#entries.dropOf(running.run.n);
    }
    if (kernelLost === true) this.guest.lose(kernel);
    if (running !== undefined) running.entered(cell, found);
    if (running !== undefined && running === this.#interrupted) running.end({ kind: "interrupted", error: INTERRUPTED });
    if (running === undefined && warning !== undefined) emit({ type: "notice", text: `cell ${cell} left behind ${warning}` });
  }

  #looked(kernel: Kernel, id: number, ended: Ended): void {
    this.#looks.answer(id, undefined);
    if (verdict(ended, this.#options.limits).kernelLost === true) this.guest.lose(kernel);
  }

  #rest(): void {
    if (this.#entries.isIdle && this.guest.live !== undefined) this.#running?.rest(this.#calls.pending);
  }

  /** Code that catches FINAL's sentinel has a second left; then its isolate goes, and the answer stands. */
  #graceAfterFinal(kernel: Kernel, run: CellRun): void {
    setTimeout(() => {
      if (this.#running?.run !== run) return;
      this.#running.end({ kind: "final", error: INTERRUPTED, state: "lost" });
      this.guest.lose(kernel);
    }, FINAL_GRACE_MS).unref();
  }

  /** A kernel that died between entries; during one, the entry's end says so. */
  #died(kernel: Kernel, death: Death): void {
    if (death === "closed" || this.#entries.isEntering) return;
    this.guest.lose(kernel);
    const cut = verdict({ end: "dead", death, ms: 0 }, this.#options.limits).cut;
    if (!isOutside(death)) return this.#running?.end(cut);
    // A cell that only waits goes on in the next kernel, if there is one.
    void this.guest
      .ready()
      .catch((error: unknown) => this.#running?.end(cut && { ...cut, error: { ...cut.error, message: messageOf(error) } }));
  }

  /** The kernel died of nothing of its own in the middle of an entry: another one comes to the state before it. */
  async #goOn(kernel: Kernel, ended: Ended): Promise<Kernel | undefined> {
    if (ended.end !== "dead" || !isOutside(ended.death)) return undefined;
    this.#running?.run.own.stop();
    return await this.guest.beforeEntry(kernel);
  }

  /** Nobody waits any more for what is on its way. */
  #lost(): void {
    this.#unfinished = undefined;
    this.#entries.clear();
    this.#calls.cancel("the sandbox that made this call is gone");
    this.#calls.clearTimers();
    this.#running?.end(verdict({ end: "dead", death: "died", ms: 0 }, this.#options.limits).cut);
  }
}

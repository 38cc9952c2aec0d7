// A cell while it runs: what its own time allows, what an entry's end means for it, and when nothing can come any more. It ends once.
import type { Limits } from "../../sandbox/limits.ts";
import type { CellRun } from "./cell-run.ts";
import { NEVER_SETTLES, timedOut, type Cut, type Verdict } from "./verdict.ts";

export class RunningCell {
  readonly run: CellRun;
  readonly #limits: Limits;
  readonly #ended = Promise.withResolvers<Cut | undefined>();
  /** Ends a wait with nothing but timers pending. */
  #limit: NodeJS.Timeout | undefined;
  /** Code was stopped in an entry that an earlier cell's call brought: it may have been this one's, which had waited for that call. */
  #wasStopped = false;

  constructor(run: CellRun, limits: Limits) {
    this.run = run;
    this.#limits = limits;
  }

  /** Resolves to what cut it, if anything did. */
  get ended(): Promise<Cut | undefined> {
    return this.#ended.promise;
  }

  end(cut?: Cut): void {
    clearTimeout(this.#limit);
    this.#ended.resolve(cut);
  }

  /** An entry of a cell begins; time that an earlier cell's code takes is not this one's. Returns how long the entry may take, in ms. */
  begin(cell: number): number {
    clearTimeout(this.#limit);
    const { sliceMs, cellMs } = this.#limits;
    const { own, n } = this.run;
    if (n !== cell) {
      own.stop();
      return sliceMs;
    }
    own.run();
    return Math.min(sliceMs, cellMs - own.ms);
  }

  entered(cell: number, { cut, warning, kernelLost = false }: Verdict): void {
    const { run } = this;
    const isOwn = cell === run.n;
    if (warning !== undefined && run.final === undefined) run.warn(isOwn ? warning : `cell ${cell} left behind ${warning}`);
    if (cut !== undefined && (isOwn || kernelLost)) return this.end(cut);
    // Code that an earlier cell left behind is not this one's fault, as long as the isolate stands.
    if (cut !== undefined) {
      this.#wasStopped = true;
      run.warn(`code that cell ${cell} left behind ran past the time limit and was stopped`);
    }
    if (run.done !== undefined || run.final !== undefined) this.end();
    else if (run.own.ms >= this.#limits.cellMs) this.#outOfTime();
  }

  /** Nothing is left to enter: wait for an answer, bound the wait for timers, or find that nothing can come. */
  rest({ calls, timers }: { readonly calls: number; readonly timers: number }): void {
    const { own } = this.run;
    if (calls > 0) return own.stop();
    if (timers === 0 && this.#wasStopped) return this.end({ kind: "timeout", error: timedOut(this.#limits), state: "partial" });
    if (timers === 0) return this.end({ kind: "threw", error: NEVER_SETTLES });
    own.run();
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#outOfTime(), Math.max(0, this.#limits.cellMs - own.ms));
  }

  #outOfTime(): void {
    this.end({ kind: "timeout", error: timedOut(this.#limits) });
  }
}

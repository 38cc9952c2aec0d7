// A session: cells one after another, each written to the journal, run, and ended with an outcome. What they run in is `runtime.ts`.
import type { LookQuery } from "../../prelude/contract.ts";
import { transform } from "../../sandbox/index.ts";
import type { Outcome, SessionState } from "../../sandbox/outcome.ts";
import { HostError } from "../errors.ts";
import { CellRun } from "./cell-run.ts";
import type { SessionOptions } from "./options.ts";
import { Runtime } from "./runtime.ts";
import type { Unfinished } from "./unfinished.ts";
import { INTERRUPTED, type Cut } from "./verdict.ts";

/** A cell that ran when its process ended, and goes on in this one. Cells that are run meanwhile wait for it. */
export interface ResumedCell {
  readonly cell: number;
  readonly source: string;
  /** Rejects as `Session.run` does. */
  readonly outcome: Promise<Outcome>;
}

/** Owns its kernels and everything in flight; `close` ends them. */
export class Session {
  readonly #options: SessionOptions;
  readonly #runtime: Runtime;
  #cells: number;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly resumedCell: ResumedCell | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { resumed } = options;
    this.#cells = resumed?.cells ?? 0;
    // The kernel comes up while the first cell is read and transformed.
    this.#runtime = new Runtime(options);
    const open = resumed?.unfinished.cell;
    if (open !== undefined) {
      const outcome = this.#next(() => this.#goOnWith(open));
      // Whoever wants it awaits it.
      outcome.catch(() => undefined);
      this.resumedCell = { cell: open.n, source: open.source, outcome };
    }
  }

  /** Number of the last cell that counts. */
  get lastCell(): number | undefined {
    return this.#runtime.guest.lastCell;
  }

  get id(): string {
    return this.#options.id;
  }

  /** Resolves when the contexts are loaded; rejects with what kept the sandbox from starting. */
  async ready(): Promise<void> {
    await this.#runtime.guest.ready();
  }

  /** Runs one cell after those before it. What becomes of it is data; only a session that cannot run at all rejects. */
  run(source: string, options: { readonly signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#next(() => this.#cell(source, options.signal));
  }

  /** Answers from the guest without a cell; undefined when it has none to give: it is gone, or its code did not stop. */
  async look(query: LookQuery): Promise<unknown> {
    if (this.#closed) return undefined;
    return await this.#runtime.look(query);
  }

  /** Loads the contexts there are now in place of those the guest has. Resolves to what that cost, where the sandbox was too small. */
  loadContexts(): Promise<SessionState | undefined> {
    return this.#next(() => this.#runtime.loadContexts());
  }

  /** Takes the last cell back: the state is that before it. Resolves to its number; undefined when there is none. */
  undo(): Promise<number | undefined> {
    return this.#next(() => this.#runtime.guest.takeBack());
  }

  /** After everything before it; nothing runs and nothing is written meanwhile. */
  between<T>(work: () => T): Promise<T> {
    return this.#next(() => Promise.resolve(work()));
  }

  /** Ends the running cell; what it assigned before stays. */
  interrupt(): void {
    this.#runtime.interrupt();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#runtime.close();
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
    this.#runtime.guest.begin(n);
    emit({ type: "cell_start", cell: n, source });
    const transformed = await transform(source, n);
    this.#runtime.replaceSpoilt();
    // Before the cell is written: a session that cannot run it ends with a journal that has the end of every cell.
    const kernel = transformed.ok ? await this.#runtime.guest.ready() : undefined;
    journal.write({ type: "cell", n, source, script: transformed.ok ? journal.text(transformed.script) : "" });
    if (!transformed.ok) return this.#finish(run.outcome("rejected", performance.now(), { error: transformed.error }));
    for (const warning of transformed.warnings) run.warn(warning);
    this.#options.profile?.add(n, transformed.script);

    const cut: Cut | undefined =
      signal?.aborted === true
        ? { kind: "interrupted", error: INTERRUPTED }
        : await this.#runtime.drive(kernel, run, transformed.script, signal);
    return await this.#ended(run, cut);
  }

  /** The rest of a cell whose process ended in the middle of it. */
  async #goOnWith({ n, source, script, isEntered }: NonNullable<Unfinished["cell"]>): Promise<Outcome> {
    const run = new CellRun(n, source, performance.now());
    this.#options.emit({ type: "cell_start", cell: n, source });
    if (script === "") {
      const read = await transform(source, n);
      if (!read.ok) return this.#finish(run.outcome("rejected", performance.now(), { error: read.error }));
    }
    // What it printed before is heard while the guest comes up.
    if (isEntered) this.#runtime.hear(run);
    const kernel = await this.#runtime.guest.ready();
    return await this.#ended(run, await this.#runtime.drive(kernel, run, isEntered ? undefined : script));
  }

  async #ended(run: CellRun, cut: Cut | undefined): Promise<Outcome> {
    await this.#options.profile?.take(this.#runtime.guest.live);
    const isSpoilt = this.#runtime.replaceSpoilt();
    // What became of the variables is told with the cell that cost them.
    if (cut?.state === "lost" || isSpoilt) await this.#runtime.guest.settled();
    return this.#finish(this.#outcome(run, cut));
  }

  #outcome(run: CellRun, cut: Cut | undefined): Outcome {
    if (run.late !== "") this.#options.emit({ type: "console", cell: run.n, text: run.late });
    const now = performance.now();
    const told = this.#runtime.guest.told();
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
}

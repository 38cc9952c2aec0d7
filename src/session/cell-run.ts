// The running cell as the host sees it: what it printed, called and posted so far, and the outcome that becomes of it.
import type { DonePost, FinalPost } from "../../prelude/contract.ts";
import { MAX_CONSOLE } from "../../sandbox/limits.ts";
import { OwnTime } from "./own-time.ts";
import type { CellError, Outcome, OutcomeKind, SessionState } from "../../sandbox/outcome.ts";

const HALF = MAX_CONSOLE / 2;
const MAX_WARNINGS = 100;

export class CellRun {
  readonly n: number;
  readonly source: string;
  readonly #started: number;
  #head = "";
  #tail = "";
  #length = 0;
  calls = 0;
  readonly own = new OwnTime();
  /** The journal has been told that it was cut. */
  isTerminated = false;
  done: DonePost | undefined;
  final: FinalPost | undefined;
  readonly #warnings: string[] = [];
  readonly #timers = new Map<string, number>();

  constructor(n: number, source: string, started: number) {
    this.n = n;
    this.source = source;
    this.#started = started;
  }

  /** Returns what a reader of the live text is shown: an honest guest keeps the rest back itself. */
  console(text: string): string {
    this.#length += text.length;
    const shown = text.slice(0, HALF - this.#head.length);
    this.#head += shown;
    if (shown.length < text.length) this.#tail = (this.#tail + text.slice(shown.length)).slice(-HALF);
    return shown;
  }

  /** `console.time`: a line for `log` and `end`. */
  time(kind: "start" | "log" | "end", label: string, now: number): string | undefined {
    const started = this.#timers.get(label);
    if (kind === "start") {
      if (this.#timers.size < 1_000) this.#timers.set(label, now);
      return undefined;
    }
    if (kind === "end") this.#timers.delete(label);
    return started === undefined ? `${label}: no such timer\n` : `${label}: ${(now - started).toFixed(3)} ms\n`;
  }

  warn(text: string): void {
    if (this.#warnings.length < MAX_WARNINGS && !this.#warnings.includes(text)) this.#warnings.push(text);
  }

  outcome(kind: OutcomeKind, now: number, extra: { readonly error?: CellError; readonly state?: SessionState } = {}): Outcome {
    const value = kind === "final" ? this.final?.value : kind === "ok" ? this.done?.value : undefined;
    const error = extra.error ?? (kind === "threw" ? this.done?.error : undefined);
    return {
      cell: this.n,
      outcome: kind,
      ...(value === undefined ? {} : { value }),
      output: this.#output(),
      ...(error === undefined ? {} : { error }),
      ms: Math.round((now - this.#started) * 10) / 10,
      calls: this.calls,
      vars: this.done?.vars ?? [],
      warnings: this.#warnings,
      ...(extra.state === undefined ? {} : { state: extra.state }),
    };
  }

  /** What the guest kept back until the cell ended, as a reader of the live text sees it. */
  get late(): string {
    return this.#output().text.slice(this.#head.length);
  }

  /** Head and tail, with what is missing between them said. */
  #output(): { readonly text: string; readonly length: number } {
    const tail = (this.#tail + (this.done?.tail ?? "")).slice(-HALF);
    const length = Math.max(this.#length, this.done?.console_length ?? 0);
    const missing = length - this.#head.length - tail.length;
    const gap = missing > 0 ? `\n… ${missing.toLocaleString("en-US")} characters left out …\n` : "";
    return { text: this.#head + gap + tail, length };
  }
}

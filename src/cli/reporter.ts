// What happens meanwhile, on stderr: console output, notices, progress on one line that is wiped before anything else is written.
import type { EventSink, RunEvent } from "../events.ts";
import type { Output } from "./terminal.ts";
import { visible } from "./terminal.ts";

export interface ReporterOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Cells' console text is shown; `--json` carries it in its own field. */
  readonly console: boolean;
  /** Turns of the root model and outcomes of its cells are shown. */
  readonly turns: boolean;
}

const PROGRESS_EVERY_MS = 80;
const MAX_CODE_LINES = 12;

export class Reporter {
  readonly #err: Output;
  readonly #options: ReporterOptions;
  #lineShown = false;
  #lastProgress = 0;
  #consoleOpen = false;

  constructor(err: Output, options: ReporterOptions) {
    this.#err = err;
    this.#options = options;
  }

  readonly emit: EventSink = (event) => {
    const { quiet, verbose, turns } = this.#options;
    switch (event.type) {
      case "notice":
        return quiet ? undefined : this.line(this.#err.dim(`rlm-repl: ${visible(event.text)}`));
      case "console":
        return this.#options.console ? this.#console(event.text) : undefined;
      case "progress":
        return quiet ? undefined : this.#progress(event);
      case "cell_end":
        this.#wipe();
        return turns && !quiet ? this.#outcome(event) : undefined;
      case "turn_start":
        return turns && !quiet ? this.#status(`turn ${event.iteration}: asking the root model …`) : undefined;
      case "turn_reply":
        return turns && !quiet ? this.#reply(event) : undefined;
      case "model_call":
        return verbose && !quiet
          ? this.line(this.#err.dim(`${event.purpose} call to ${event.model}: ${event.ok ? "ok" : "failed"} in ${Math.round(event.ms)} ms`))
          : undefined;
      case "cell_start":
        return undefined;
    }
  };

  /** One line of ours. */
  line(text: string): void {
    this.#wipe();
    if (this.#consoleOpen) void this.#err.raw("\n");
    this.#consoleOpen = false;
    void this.#err.raw(`${text}\n`);
  }

  /** Leaves the terminal as a person expects it. */
  end(): void {
    this.#wipe();
  }

  #console(text: string): void {
    this.#wipe();
    this.#consoleOpen = !text.endsWith("\n");
    void this.#err.write(text);
  }

  #progress({ label, done, total, text = "" }: RunEvent & { type: "progress" }): void {
    const now = performance.now();
    const isLast = total !== null && done >= total;
    if (!isLast && now - this.#lastProgress < PROGRESS_EVERY_MS) return;
    this.#lastProgress = now;
    this.#status(
      `${label}: ${done.toLocaleString("en-US")}${total === null ? "" : ` of ${total.toLocaleString("en-US")}`}${text === "" ? "" : ` ${text}`}`,
    );
    if (isLast && this.#options.turns) this.#wipe();
  }

  /** One line that the next one replaces; only at a terminal. */
  #status(text: string): void {
    if (!this.#err.isTerminal) return;
    const columns = Math.max(10, this.#err.columns - 1);
    const shown = visible(text).replaceAll("\n", " ");
    const cut = shown.length > columns ? `${shown.slice(0, columns - 1)}…` : shown;
    void this.#err.raw(this.#err.color ? `\r\u001b[2K${this.#err.dim(cut)}` : `\r${cut.padEnd(columns)}`);
    this.#lineShown = true;
  }

  #wipe(): void {
    if (!this.#lineShown) return;
    this.#lineShown = false;
    void this.#err.raw(this.#err.color ? "\r\u001b[2K" : `\r${" ".repeat(Math.max(10, this.#err.columns - 1))}\r`);
  }

  #reply({ iteration, code, text }: RunEvent & { type: "turn_reply" }): void {
    const shown = code ?? text;
    const lines = shown.trimEnd().split("\n");
    const kept = this.#options.verbose ? lines : lines.slice(0, MAX_CODE_LINES);
    const more = lines.length > kept.length ? [`… ${lines.length - kept.length} more lines`] : [];
    this.line(this.#err.bold(`turn ${iteration}${code === null ? " (no code)" : ""}`));
    for (const line of [...kept, ...more]) this.line(this.#err.dim(`  ${visible(line)}`));
  }

  #outcome({ outcome }: RunEvent & { type: "cell_end" }): void {
    const { error, value } = outcome;
    const said =
      error === undefined ? (value === undefined || value.type === "undefined" ? "" : value.preview) : `${error.name}: ${error.message}`;
    const first = visible(said).split("\n").slice(0, 6).join("\n  ");
    this.line(
      this.#err.dim(
        `  → ${outcome.outcome} in ${Math.round(outcome.ms)} ms${outcome.calls > 0 ? `, ${outcome.calls} host calls` : ""}${first === "" ? "" : `: ${first}`}`,
      ),
    );
  }
}

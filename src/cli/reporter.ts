// What happens meanwhile, on stderr: console output, notices, progress on one line that is wiped before anything else is written.
import type { EventSink, RunEvent } from "../events.ts";
import type { Output } from "./terminal.ts";
import { counted, visible } from "./terminal.ts";

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
const MAX_OUTPUT_LINES = 6;

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
        return quiet ? undefined : this.line(this.#err.dim(this.#err.wrapped(`rlm-repl: ${visible(event.text)}`)));
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
      case "child":
        return quiet ? undefined : this.#child(event);
      case "cell_start":
        return undefined;
    }
  };

  /** With `-v` a line for each turn and its end; else where it stands. What it says for itself is told in any case. */
  #child({ session, event }: RunEvent & { type: "child" }): void {
    const { verbose } = this.#options;
    const name = session.slice(session.indexOf(".") + 1);
    const tell = (text: string): void =>
      verbose ? this.line(this.#err.dim(`[child ${name}] ${visible(text)}`)) : this.#status(`child ${name}: ${text}`);
    switch (event.type) {
      case "child":
        return this.#child(event);
      case "notice":
        return this.emit(event);
      case "turn_start":
        return tell(`turn ${event.iteration}`);
      case "cell_end":
        return tell(`cell ${event.outcome.cell} ${event.outcome.outcome} in ${Math.round(event.outcome.ms)} ms`);
      case "model_call":
        return verbose
          ? tell(`${event.purpose} call to ${event.model}: ${event.ok ? "ok" : "failed"} in ${Math.round(event.ms)} ms`)
          : undefined;
      default:
        return undefined;
    }
  }

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
    const shown = this.#err.cut(visible(text).replaceAll("\n", " "));
    void this.#err.raw(this.#err.color ? `\r\u001b[2K${this.#err.dim(shown)}` : `\r${shown.padEnd(Math.max(10, this.#err.columns - 1))}`);
    this.#lineShown = true;
  }

  #wipe(): void {
    if (!this.#lineShown) return;
    this.#lineShown = false;
    void this.#err.raw(this.#err.color ? "\r\u001b[2K" : `\r${" ".repeat(Math.max(10, this.#err.columns - 1))}\r`);
  }

  #reply({ iteration, code, text }: RunEvent & { type: "turn_reply" }): void {
    this.line(this.#err.bold(`turn ${iteration}${code === null ? " (no code)" : ""}`));
    this.#indented(code ?? text, MAX_CODE_LINES);
  }

  /** What the cell printed, and how it ended. An answer is told by the command itself. */
  #outcome({ outcome }: RunEvent & { type: "cell_end" }): void {
    const { error, value, output, ms, calls } = outcome;
    if (output.length > 0 && !this.#options.console) this.#indented(output.text, MAX_OUTPUT_LINES);
    const silent = value === undefined || value.type === "undefined" || outcome.outcome === "final";
    const said = error === undefined ? (silent ? "" : value.preview) : `${error.name}: ${error.message}`;
    const first = visible(said).split("\n").slice(0, 6).join("\n    ");
    const served = calls === 0 ? "" : `, ${counted(calls, "host call")}`;
    const text = `  → ${outcome.outcome} in ${Math.round(ms)} ms${served}${first === "" ? "" : `: ${first}`}`;
    this.line(this.#err.dim(this.#err.wrapped(text)));
  }

  /** The first lines of a text, each on one line of the terminal; with `-v` all of it, as it is. */
  #indented(text: string, most: number): void {
    const { verbose } = this.#options;
    const lines = text.trimEnd().split("\n");
    const kept = verbose ? lines : lines.slice(0, most);
    const left = lines.length - kept.length;
    const more = left > 0 ? [`… ${counted(left, "more line")}`] : [];
    for (const line of [...kept, ...more]) {
      const shown = `  ${visible(line)}`;
      this.line(this.#err.dim(verbose ? shown : this.#err.cut(shown)));
    }
  }
}

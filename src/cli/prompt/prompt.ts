// The prompt: Node's line reader in front, one session behind it. Nothing that is typed is evaluated anywhere but in the session.
import { join } from "node:path";
import { transform } from "../../../sandbox/index.ts";
import type { Resolved } from "../../config/resolve.ts";
import { HostError, messageOf } from "../../errors.ts";
import type { EventSink } from "../../events.ts";
import type { AskResult } from "../../library/ask-result.ts";
import { PROMPT } from "../../library/open.ts";
import type { CellResult } from "../../library/result.ts";
import type { ReplSession } from "../../library/session.ts";
import { dollars } from "../../pool/cost.ts";
import type { Usage } from "../../pool/usage.ts";
import { makeFolder, stateDir } from "../../session/state-dir.ts";
import { runScript } from "../cells.ts";
import { asking, openFor, type CommandContext } from "../command.ts";
import type { Terminal } from "../dialog.ts";
import { EXIT } from "../exit.ts";
import { Reporter } from "../reporter.ts";
import { showError, stateInWords } from "../show.ts";
import { visible } from "../terminal.ts";
import { COMMANDS, type Prompt } from "./commands.ts";
import { complete } from "./complete.ts";
import { highlight } from "./highlight.ts";
import { LineGate } from "./line-gate.ts";
import { LineReader } from "./line-reader.ts";
import { firstStart } from "./models.ts";

/** A cell that took longer says so. */
const TOLD_AFTER_MS = 1_000;
const OWN_COMMANDS = ["editor", "break", "exit"];

/** No command was given: a prompt at a terminal, else standard input as a notebook. */
export async function prompt(context: CommandContext): Promise<number> {
  if (!context.process.stdin.isTTY) return await runScript(context);
  const terminal: Terminal = { stdin: context.process.stdin, stdout: process.stdout, env: context.process.env };
  const chosen = await firstStart(context, terminal);
  const asked = chosen === undefined ? context : { ...context, resolved: withChoice(context.resolved, chosen) };
  const shell = new Shell(asked, terminal);
  if (chosen?.file !== undefined) shell.say(`kept in ${chosen.file}`);
  return await shell.run();
}

function withChoice({ values, sources }: Resolved, { model, keyFrom }: { readonly model: string; readonly keyFrom?: string }): Resolved {
  return {
    values: { ...values, model, ...(keyFrom === undefined ? {} : { keyFrom }) },
    sources: { ...sources, model: "chosen at the start" },
  };
}

class Shell {
  readonly #context: CommandContext;
  readonly #terminal: Terminal;
  readonly #gate: LineGate;
  readonly #sources: string[] = [];
  readonly #cells: Reporter;
  readonly #turns: Reporter;
  #reporter: Reporter;
  /** Of the line that is being worked on. */
  #interrupt = new AbortController();
  #reader: LineReader | undefined;

  constructor(context: CommandContext, terminal: Terminal) {
    this.#context = context;
    this.#terminal = terminal;
    this.#gate = new LineGate({ stdin: terminal.stdin, onInterrupt: () => this.#interrupt.abort() });
    const { quiet = false, verbose = false } = context.settings;
    this.#cells = new Reporter(context.err, { quiet, verbose, console: true, turns: false });
    this.#turns = new Reporter(context.err, { quiet, verbose, console: verbose, turns: true });
    this.#reporter = this.#cells;
  }

  async run(): Promise<number> {
    const ask = asking(this.#terminal);
    const confirm = (question: string): Promise<boolean> => this.#withDialog(() => ask(question));
    await using session = await openFor(this.#context, PROMPT, this.#emit, { confirm });
    this.#sources.push(...session.earlier.map(({ source }) => source));
    await this.#greet(session);
    await this.#finishResumed(session);
    const signals = this.#catchSignals();
    const reader = this.#read(session);
    this.#reader = reader;
    await this.#keepHistory(reader);
    const code = await Promise.race([reader.left.then(() => EXIT.ok), signals.ended]);
    signals.leave();
    this.#gate.detach();
    return code;
  }

  say(text: string): void {
    void this.#context.out.raw(`${visible(text)}\n`);
  }

  async #greet(session: ReplSession): Promise<void> {
    const { err, settings } = this.#context;
    if (settings.quiet === true) return;
    await session.models().catch((error: unknown) => err.write(`rlm-repl: ${messageOf(error)}\n`));
    await err.raw(`${err.dim("rlm-repl: TypeScript cells; .help lists the commands, help() what cells can call")}\n`);
  }

  /** A cell that goes on is waited for before there is a prompt; Ctrl-C ends it. */
  async #finishResumed({ resumedCell }: ReplSession): Promise<void> {
    if (resumedCell === undefined) return;
    const { source, result, interrupt } = resumedCell;
    await this.#context.err.raw(`${this.#context.err.dim(visible(source.trim()))}\n`);
    process.on("SIGINT", interrupt);
    try {
      const ended = await result;
      this.#cells.end();
      this.#sources.push(source);
      await this.#show(ended, source);
    } finally {
      process.off("SIGINT", interrupt);
    }
  }

  #read(session: ReplSession): LineReader {
    const { out, process: host } = this.#context;
    const prompt = this.#asPrompt(session);
    const commands = Object.entries(COMMANDS).map(([name, { help, run }]) => {
      const work = (rest: string): Promise<void> => this.#work(() => run(prompt, rest));
      return [name, { help, run: work }] as const;
    });
    return new LineReader({
      gate: this.#gate,
      stdout: this.#terminal.stdout,
      isTerminal: out.isTerminal,
      color: out.color,
      evaluate: (source) => this.#evaluate(source, session),
      complete: (line) => complete(line, session, [...Object.keys(COMMANDS), ...OWN_COMMANDS], host.cwd),
      commands: Object.fromEntries(commands),
    });
  }

  #asPrompt(session: ReplSession): Prompt {
    return {
      session,
      context: this.#context,
      terminal: this.#terminal,
      sources: this.#sources,
      runCell: (source) => this.#cell(source, session),
      ask: (question) => this.#ask(question, session),
      withDialog: (work) => this.#withDialog(work),
      say: (text) => this.say(text),
    };
  }

  /** False for a cell that goes on in the next line. */
  async #evaluate(source: string, session: ReplSession): Promise<boolean> {
    if (source.trim() === "") return true;
    this.#interrupt = new AbortController();
    const read = await transform(source, 0);
    if (!read.ok && read.error.code === "E_INCOMPLETE") return false;
    await this.#work(() => this.#cell(source, session), this.#interrupt);
    return true;
  }

  /** From the first step on, Ctrl-C is for this. What goes wrong is said; only a defect of ours is thrown. */
  async #work(work: () => Promise<void>, interrupt = new AbortController()): Promise<void> {
    this.#interrupt = interrupt;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof HostError) || error.code === "E_DEFECT") throw error;
      await this.#context.err.write(`rlm-repl: ${error.message}\n`);
    }
  }

  async #cell(source: string, session: ReplSession): Promise<void> {
    const before = session.usage;
    const result = await session.run(source, { signal: this.#interrupt.signal });
    this.#cells.end();
    if (result.outcome !== "rejected") this.#sources.push(source);
    await this.#show(result, source);
    this.#tellCost(result, before, session.usage);
  }

  async #ask(question: string, session: ReplSession): Promise<AskResult> {
    this.#reporter = this.#turns;
    try {
      return await session.ask(question, { signal: this.#interrupt.signal });
    } finally {
      this.#turns.end();
      this.#reporter = this.#cells;
    }
  }

  async #show(result: CellResult, source: string): Promise<void> {
    const { out, err } = this.#context;
    for (const warning of result.warnings) await err.write(`warning: ${warning}\n`);
    if (result.error !== undefined) await showError(result, source, err);
    if (result.state !== undefined) await err.write(`rlm-repl: ${stateInWords(result.state)}\n`);
    if (result.error !== undefined || result.type === "undefined") return;
    const shown = visible(result.preview);
    const text = out.color ? highlight(shown) : shown;
    await out.raw(`${result.outcome === "final" ? `${out.bold("FINAL")} ` : ""}${text}\n`);
  }

  #tellCost({ ms }: CellResult, before: Usage, after: Usage): void {
    const { err, settings } = this.#context;
    const calls = after.calls - before.calls;
    if (settings.quiet === true || (calls === 0 && ms < TOLD_AFTER_MS)) return;
    const usd = after.usd === null || before.usd === null ? null : after.usd - before.usd;
    const spent = calls === 0 ? [] : [`${calls} model call${calls === 1 ? "" : "s"}`, usd === null ? "price unknown" : dollars(usd, "up")];
    void err.raw(`${err.dim(`  ${[`${(ms / 1000).toFixed(1)} s`, ...spent].join(", ")}`)}\n`);
  }

  /** While the person types, what comes from the background goes above the line; progress of it would only flicker. */
  readonly #emit: EventSink = (event) => {
    if (this.#reader === undefined || this.#gate.isEvaluating) return this.#reporter.emit(event);
    if (event.type === "notice" || event.type === "console") this.#reader.above(() => this.#reporter.emit(event));
  };

  async #withDialog<T>(work: () => Promise<T>): Promise<T> {
    this.#gate.detach();
    this.#gate.setRawMode(false);
    try {
      return await work();
    } finally {
      this.#gate.setRawMode(true);
      this.#gate.attach();
    }
  }

  async #keepHistory(reader: LineReader): Promise<void> {
    const { settings, process: host } = this.#context;
    const folder = settings.ephemeral === true ? undefined : stateDir(settings.stateDir, host.env, process.platform);
    if (folder === undefined) return;
    try {
      makeFolder(folder);
    } catch (error) {
      return void this.#context.err.write(`rlm-repl: no history is kept: ${messageOf(error)}\n`);
    }
    await reader.keepHistory(join(folder, "history"));
  }

  #catchSignals(): { readonly ended: Promise<number>; readonly leave: () => void } {
    const { promise, resolve } = Promise.withResolvers<number>();
    const interrupt = (): void => (this.#gate.isEvaluating ? this.#interrupt.abort() : resolve(EXIT.interrupted));
    const terminate = (): void => resolve(EXIT.terminated);
    process.on("SIGINT", interrupt).on("SIGTERM", terminate).on("SIGHUP", terminate);
    return { ended: promise, leave: () => void process.off("SIGINT", interrupt).off("SIGTERM", terminate).off("SIGHUP", terminate) };
  }
}

// The prompt: Node's line reader in front, one session behind it. Nothing that is typed is evaluated anywhere but in the session.
import { join } from "node:path";
import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { Recoverable, start, type REPLServer } from "node:repl";
import { transform } from "../../../sandbox/index.ts";
import type { Resolved } from "../../config/resolve.ts";
import { HostError, messageOf } from "../../errors.ts";
import type { EventSink } from "../../events.ts";
import { PROMPT } from "../../library/open.ts";
import type { CellResult } from "../../library/result.ts";
import type { ReplSession } from "../../library/session.ts";
import { dollars } from "../../pool/cost.ts";
import type { Usage } from "../../pool/usage.ts";
import { makeFolder, stateDir } from "../../session/state-dir.ts";
import { runScript } from "../cells.ts";
import { openFor, type CommandContext } from "../command.ts";
import type { Terminal } from "../dialog.ts";
import { EXIT } from "../exit.ts";
import { Reporter } from "../reporter.ts";
import { showError, stateInWords } from "../show.ts";
import { visible } from "../terminal.ts";
import { COMMANDS, type Prompt } from "./commands.ts";
import { complete } from "./complete.ts";
import { highlight } from "./highlight.ts";
import { LineGate } from "./line-gate.ts";
import { firstStart } from "./models.ts";

const PROMPT_TEXT = "rlm> ";
/** A cell that took longer says so. */
const TOLD_AFTER_MS = 1_000;

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

/**
 * The cell as it was typed. Node parts the lines of a cell by CR, and its search through history hands an entry over as it is kept: last
 * line first. Remove the turn when Node's reverse search makes it, as its arrow keys do.
 */
function typed(code: string, newest: string | undefined): string {
  const source = code.replace(/\n$/, "");
  const lines = source.split("\r");
  return (source === newest ? lines.toReversed() : lines).join("\n");
}

/** The line reader draws its line again when the terminal's size changes; while a cell runs that line is not there. */
function calmResize(stdout: NodeJS.WriteStream, isShown: () => boolean): void {
  const draws = stdout.listeners("resize");
  stdout.removeAllListeners("resize").on("resize", () => {
    if (isShown()) for (const draw of draws) Reflect.apply(draw, stdout, []);
  });
}

/** Node keeps it on the line reader, though its types do not say so. */
function newestEntry(repl: REPLServer): string | undefined {
  const history: unknown = Reflect.get(repl, "history");
  const newest: unknown = Array.isArray(history) ? history[0] : undefined;
  return typeof newest === "string" ? newest : undefined;
}

class Shell {
  readonly #context: CommandContext;
  readonly #terminal: Terminal;
  readonly #sources: string[] = [];
  readonly #cells: Reporter;
  readonly #turns: Reporter;
  #reporter: Reporter;
  /** Of the line that is being worked on. */
  #interrupt = new AbortController();
  #repl: REPLServer | undefined;
  #gate: LineGate | undefined;

  constructor(context: CommandContext, terminal: Terminal) {
    this.#context = context;
    this.#terminal = terminal;
    const { quiet = false, verbose = false } = context.settings;
    this.#cells = new Reporter(context.err, { quiet, verbose, console: true, turns: false });
    this.#turns = new Reporter(context.err, { quiet, verbose, console: verbose, turns: true });
    this.#reporter = this.#cells;
  }

  async run(): Promise<number> {
    await using session = await openFor(this.#context, PROMPT, this.#emit);
    this.#greet(await session.models().catch((error: unknown) => messageOf(error)));
    const signals = this.#catchSignals();
    const gate = new LineGate({ stdin: this.#terminal.stdin, onInterrupt: () => this.#interrupt.abort() });
    this.#gate = gate;
    const repl = this.#start(session, gate);
    this.#repl = repl;
    calmResize(this.#terminal.stdout, () => !gate.isEvaluating);
    await gate.evaluate(() => this.#history(repl));
    const ended = Promise.withResolvers<void>();
    repl.once("exit", () => ended.resolve());
    const code = await Promise.race([ended.promise.then(() => EXIT.ok), signals.ended]);
    signals.leave();
    gate.detach();
    return code;
  }

  say(text: string): void {
    void this.#context.out.raw(`${visible(text)}\n`);
  }

  #greet(models: Awaited<ReturnType<ReplSession["models"]>> | string): void {
    if (this.#context.settings.quiet === true) return;
    const { err } = this.#context;
    if (typeof models === "string") void err.write(`rlm-repl: ${models}\n`);
    void err.raw(`${err.dim("rlm-repl: TypeScript cells; .help lists the commands, help() what cells can call")}\n`);
  }

  #start(session: ReplSession, gate: LineGate): REPLServer {
    const { out, process: host } = this.#context;
    const names = [...Object.keys(COMMANDS), "editor", "break", "exit"];
    const repl = start({
      prompt: PROMPT_TEXT,
      input: gate,
      output: this.#terminal.stdout,
      terminal: out.isTerminal,
      useColors: out.color,
      // The line reader's own evaluation is never used: its context would be built for nothing.
      useGlobal: true,
      preview: false,
      ignoreUndefined: true,
      eval: (code, _context, _file, done) => {
        void this.#work(gate, async () => {
          const isUnfinished = await this.#evaluate(code, session);
          done(isUnfinished ? new Recoverable(new SyntaxError("the cell goes on")) : null, undefined);
        });
      },
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
        void this.#offer(line, session, names, host.cwd).then((found) => setImmediate(done, null, found));
      },
    });
    const prompt = this.#asPrompt(session);
    for (const name of ["clear", "load", "save", "help"]) Reflect.deleteProperty(repl.commands, name);
    for (const [name, { help, run }] of Object.entries(COMMANDS)) {
      repl.defineCommand(name, {
        help,
        action: (rest) => {
          void this.#work(gate, async () => {
            await run(prompt, rest).catch((error: unknown) => this.#failed(error));
            repl.displayPrompt();
          });
        },
      });
    }
    return repl;
  }

  async #offer(line: string, session: ReplSession, names: readonly string[], cwd: string): Promise<[string[], string]> {
    try {
      const [found, typed] = await complete(line, session, names, cwd);
      return [found, typed];
    } catch {
      return [[], line];
    }
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

  /** True for a cell that goes on in the next line. */
  async #evaluate(code: string, session: ReplSession): Promise<boolean> {
    const source = typed(code, this.#repl === undefined ? undefined : newestEntry(this.#repl));
    if (source.trim() === "") return false;
    const read = await transform(source, 0);
    if (!read.ok && read.error.code === "E_INCOMPLETE") return true;
    await this.#cell(source, session).catch((error: unknown) => this.#failed(error));
    return false;
  }

  async #cell(source: string, session: ReplSession): Promise<void> {
    const before = session.usage;
    const result = await session.run(source, { signal: this.#interrupt.signal });
    this.#cells.end();
    if (result.outcome !== "rejected") this.#sources.push(source);
    await this.#show(result, source);
    this.#tellCost(result, before, session.usage);
  }

  async #ask(question: string, session: ReplSession): ReturnType<ReplSession["ask"]> {
    this.#reporter = this.#turns;
    try {
      return await session.ask(question, { signal: this.#interrupt.signal });
    } finally {
      this.#turns.end();
      this.#reporter = this.#cells;
    }
  }

  /** From the first step on, Ctrl-C is for this. */
  async #work(gate: LineGate, work: () => Promise<void>): Promise<void> {
    this.#interrupt = new AbortController();
    await gate.evaluate(work);
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

  async #failed(error: unknown): Promise<void> {
    if (!(error instanceof HostError) || error.code === "E_DEFECT") throw error;
    await this.#context.err.write(`rlm-repl: ${error.message}\n`);
  }

  /** While the person types, what comes from the background goes above the line; progress of it would only flicker. */
  readonly #emit: EventSink = (event) => {
    const repl = this.#repl;
    if (repl === undefined || this.#gate?.isEvaluating === true) return this.#reporter.emit(event);
    if (event.type !== "notice" && event.type !== "console") return;
    const { stdout } = this.#terminal;
    moveCursor(stdout, 0, -repl.getCursorPos().rows);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
    this.#reporter.emit(event);
    repl.prompt(true);
  };

  async #withDialog<T>(work: () => Promise<T>): Promise<T> {
    this.#gate?.detach();
    this.#gate?.setRawMode(false);
    try {
      return await work();
    } finally {
      this.#gate?.setRawMode(true);
      this.#gate?.attach();
    }
  }

  async #history(repl: REPLServer): Promise<void> {
    const { settings, process: host } = this.#context;
    const folder = settings.ephemeral === true ? undefined : stateDir(settings.stateDir, host.env, process.platform);
    if (folder === undefined) return;
    try {
      makeFolder(folder);
    } catch (error) {
      return void this.#context.err.write(`rlm-repl: no history is kept: ${messageOf(error)}\n`);
    }
    await new Promise<void>((resolve) => repl.setupHistory(join(folder, "history"), () => resolve()));
  }

  #catchSignals(): { readonly ended: Promise<number>; readonly leave: () => void } {
    const { promise, resolve } = Promise.withResolvers<number>();
    const interrupt = (): void => (this.#gate?.isEvaluating === true ? this.#interrupt.abort() : resolve(EXIT.interrupted));
    const terminate = (): void => resolve(EXIT.terminated);
    process.on("SIGINT", interrupt).on("SIGTERM", terminate).on("SIGHUP", terminate);
    return { ended: promise, leave: () => void process.off("SIGINT", interrupt).off("SIGTERM", terminate).off("SIGHUP", terminate) };
  }
}

// Node's line reader as the prompt uses it: history, search, recall, completion, commands. It evaluates nothing: whole lines go out, and
// what they come to is shown by others.
import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { Recoverable, start, type REPLServer } from "node:repl";
import type { Completion } from "./complete.ts";
import type { LineGate } from "./line-gate.ts";

const PROMPT_TEXT = "rlm> ";

export interface LineReaderOptions {
  readonly gate: LineGate;
  readonly stdout: NodeJS.WriteStream;
  readonly isTerminal: boolean;
  readonly color: boolean;
  /** Resolves to false for a cell that goes on in the next line. */
  readonly evaluate: (source: string) => Promise<boolean>;
  readonly complete: (line: string) => Promise<Completion>;
  /** By name, without the dot. */
  readonly commands: Readonly<Record<string, { readonly help: string; readonly run: (rest: string) => Promise<void> }>>;
}

export class LineReader {
  readonly #repl: REPLServer;
  readonly #stdout: NodeJS.WriteStream;
  readonly #gate: LineGate;
  /** Resolves when the person leaves. */
  readonly left: Promise<void>;

  constructor({ gate, stdout, isTerminal, color, evaluate, complete, commands }: LineReaderOptions) {
    this.#stdout = stdout;
    this.#gate = gate;
    this.#repl = start({
      prompt: PROMPT_TEXT,
      input: gate,
      output: stdout,
      terminal: isTerminal,
      useColors: color,
      // The line reader's own evaluation is never used: its context would be built for nothing.
      useGlobal: true,
      preview: false,
      ignoreUndefined: true,
      eval: (code, _context, _file, done) => {
        void gate.evaluate(async () => {
          const isWhole = await evaluate(this.#typed(code));
          done(isWhole ? null : new Recoverable(new SyntaxError("the cell goes on")), undefined);
        });
      },
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
        void offered(complete, line).then((found) => setImmediate(done, null, found));
      },
    });
    for (const name of ["clear", "load", "save", "help"]) Reflect.deleteProperty(this.#repl.commands, name);
    for (const [name, { help, run }] of Object.entries(commands)) {
      const action = (rest: string): void =>
        void gate.evaluate(async () => {
          await run(rest);
          this.#repl.displayPrompt();
        });
      this.#repl.defineCommand(name, { help, action });
    }
    this.#calmResize();
    this.left = new Promise((resolve) => this.#repl.once("exit", resolve));
  }

  /** Lines wait until the file is read. */
  keepHistory(file: string): Promise<void> {
    return this.#gate.evaluate(() => new Promise((resolve) => this.#repl.setupHistory(file, () => resolve())));
  }

  /** What is written goes above the line that is being typed. */
  above(write: () => void): void {
    moveCursor(this.#stdout, 0, -this.#repl.getCursorPos().rows);
    cursorTo(this.#stdout, 0);
    clearScreenDown(this.#stdout);
    write();
    this.#repl.prompt(true);
  }

  /**
   * The cell as it was typed. Node parts the lines of a cell by CR, and its search through history hands an entry over as it is kept: last
   * line first. Remove the turn when Node's reverse search makes it, as its arrow keys do.
   */
  #typed(code: string): string {
    const source = code.replace(/\n$/, "");
    const lines = source.split("\r");
    // Node keeps the history on the line reader, though its types do not say so.
    const history: unknown = Reflect.get(this.#repl, "history");
    const isAsKept = Array.isArray(history) && history[0] === source;
    return (isAsKept ? lines.toReversed() : lines).join("\n");
  }

  /** The line is drawn again when the terminal's size changes; while a cell runs it is not there. */
  #calmResize(): void {
    const draws = this.#stdout.listeners("resize");
    this.#stdout.removeAllListeners("resize").on("resize", () => {
      if (!this.#gate.isEvaluating) for (const draw of draws) Reflect.apply(draw, this.#stdout, []);
    });
  }
}

/** Tab never fails. */
async function offered(complete: LineReaderOptions["complete"], line: string): Promise<[string[], string]> {
  try {
    const [found, typed] = await complete(line);
    return [found, typed];
  } catch {
    return [[], line];
  }
}

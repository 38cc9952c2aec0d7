// The command at a real pseudo-terminal, and the screen a person would see: what it writes goes through a terminal emulator.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { BIN } from "./cli.ts";

export interface TerminalOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

const WAIT_MS = 20_000;

/** Owns its process and a state folder; disposing ends both. */
export class Terminal implements AsyncDisposable {
  readonly #pty;
  readonly #screen;
  readonly #state = mkdtempSync(join(tmpdir(), "rlm-terminal-"));
  readonly exit: Promise<number>;
  #raw = "";
  #ended = false;

  constructor(args: readonly string[], { cwd, env = {}, columns = 80, rows = 30 }: TerminalOptions = {}) {
    const { PATH = "", HOME = "" } = process.env;
    this.#screen = new xterm.Terminal({ cols: columns, rows, scrollback: 10_000, allowProposedApi: true });
    this.#pty = spawn(process.execPath, [BIN, ...args], {
      name: env["TERM"] ?? "xterm-256color",
      cols: columns,
      rows,
      ...(cwd === undefined ? {} : { cwd }),
      env: { PATH, HOME, XDG_STATE_HOME: this.#state, XDG_CONFIG_HOME: this.#state, ...env },
    });
    this.#pty.onData((data) => {
      this.#raw += data;
      this.#screen.write(data);
    });
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#ended = true;
        resolve(exitCode);
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** Every byte that came, escape codes included. */
  get raw(): string {
    return this.#raw;
  }

  /** The lines of the screen and above it, without what is blank at their ends. */
  async screen(): Promise<string> {
    await new Promise<void>((resolve) => this.#screen.write("", resolve));
    const { buffer } = this.#screen;
    const lines = Array.from({ length: buffer.active.length }, (_, i) => buffer.active.getLine(i)?.translateToString(true) ?? "");
    return lines.join("\n").trimEnd();
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
    this.#screen.resize(columns, rows);
  }

  /** Resolves with the screen once it shows what is waited for; rejects with the screen when it does not. */
  async shows(wanted: string | RegExp): Promise<string> {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const screen = await this.screen();
      if (typeof wanted === "string" ? screen.includes(wanted) : wanted.test(screen)) return screen;
      if (performance.now() > until || this.#ended) throw new Error(`the screen never showed ${String(wanted)}:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#pty.kill("SIGKILL");
    await this.exit;
    rmSync(this.#state, { recursive: true, force: true });
  }
}

/** Runs to the end; what was written, with the terminal's line ends taken back. */
export async function atTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<string> {
  await using terminal = new Terminal(args, options);
  await terminal.exit;
  return terminal.raw.replaceAll("\r\n", "\n");
}

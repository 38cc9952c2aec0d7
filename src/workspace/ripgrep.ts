// The only file that starts ripgrep. Always without a shell, without configuration (which can name programs to run), with an
// environment of almost nothing, and always ended: by itself, by the signal, or when its reader fails.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { finished } from "node:stream/promises";
import { HostError } from "../errors.ts";
import { reason } from "./path-errors.ts";

const MISSING = "the ripgrep program is missing: install again, with optional dependencies";
/** Diagnostics kept of one run. */
const MAX_STDERR = 16 * 1024;
/** Bytes of paths in one command line. Linux takes 2 MB with the environment, macOS 1 MB, Windows 32 K characters. */
const MAX_COMMAND_LINE = process.platform === "win32" ? 24 * 1024 : 512 * 1024;

export interface RipgrepRun {
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
  /** What it reads as "-"; the process is fed no faster than it reads. */
  readonly input?: AsyncIterable<Uint8Array> | undefined;
  /** Takes the output as it comes; ripgrep waits while it runs. What it throws ends the run. */
  readonly onData: (chunk: Buffer) => void;
}

export interface RipgrepEnd {
  /** 0 something found, 1 nothing found, 2 something went wrong (there may be results all the same). */
  readonly code: number;
  readonly stderr: string;
}

/** Runs ripgrep with these arguments after the safe ones. Paths and patterns must stand behind `--` and `-e`. */
export async function runRipgrep(args: readonly string[], run: RipgrepRun): Promise<RipgrepEnd> {
  const program = await ripgrepProgram();
  run.signal?.throwIfAborted();
  const child = start(program, args, run);
  const kill = (): boolean => child.kill("SIGKILL");
  run.signal?.addEventListener("abort", kill, { once: true });
  try {
    const [end, stderr] = await Promise.all([exitOf(child, program), textOf(child), readInto(child, run), feed(child, run)]);
    run.signal?.throwIfAborted();
    if (end.code === null)
      throw new HostError("E_DEFECT", `ripgrep was ended by ${String(end.signal)}: the machine may be short of memory`);
    return { code: end.code, stderr };
  } catch (error) {
    kill();
    run.signal?.throwIfAborted();
    throw error;
  } finally {
    run.signal?.removeEventListener("abort", kill);
  }
}

/** Paths in groups that fit a command line each; the order is kept. */
export function inCommandLines<T>(items: readonly T[], pathOf: (item: T) => string): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = Buffer.byteLength(pathOf(item)) + 9;
    const last = groups.at(-1);
    if (last === undefined || size > room) {
      groups.push([item]);
      room = MAX_COMMAND_LINE - size;
    } else {
      last.push(item);
      room -= size;
    }
  }
  return groups;
}

/** Looked for on first use: the package throws where it has no program for this system, and only a search needs one. */
async function ripgrepProgram(): Promise<string> {
  try {
    return (await import("@vscode/ripgrep")).rgPath;
  } catch (error) {
    throw new HostError("E_DEFECT", MISSING, { cause: error });
  }
}

/** Of util-linux: has the kernel of the system end a search whose host is gone, also when that had no time to. */
const SETPRIV = "/usr/bin/setpriv";
const diesWithUs: readonly string[] = process.platform === "linux" && existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL"] : [];

function start(rgPath: string, args: readonly string[], run: RipgrepRun): ChildProcess {
  // One that is fed ends with us in any case: its standard input does.
  const outer = run.input === undefined ? diesWithUs : [];
  const [program = rgPath, ...before] = existsSync(rgPath) ? [...outer, rgPath] : [];
  return spawn(program, [...before, "--no-config", "--no-pre", "--color=never", ...args], {
    cwd: run.cwd,
    env: environment(),
    stdio: [run.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    windowsHide: true,
  });
}

/** Only what finds the user's own ignore file, as ripgrep would; never RIPGREP_CONFIG_PATH or a key. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const name of ["HOME", "XDG_CONFIG_HOME", "USERPROFILE", "SystemRoot"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function exitOf(child: ChildProcess, program: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once("close", (code, signal) => resolve({ code, signal }));
  child.once("error", (error) => {
    const missing = !existsSync(program);
    reject(
      new HostError("E_DEFECT", missing ? MISSING : `ripgrep did not start (${reason(error)})`, {
        cause: error,
      }),
    );
  });
  return promise;
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stderr ?? []) if (text.length < MAX_STDERR) text += String(chunk);
  return text.slice(0, MAX_STDERR);
}

async function readInto(child: ChildProcess, run: RipgrepRun): Promise<void> {
  for await (const chunk of child.stdout ?? []) run.onData(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
}

/** A ripgrep that ends early closes its end: that is its good right, its exit code tells. */
async function feed(child: ChildProcess, run: RipgrepRun): Promise<void> {
  const { stdin } = child;
  if (stdin === null || run.input === undefined) return;
  const closed = finished(stdin).catch(() => undefined);
  stdin.on("error", () => undefined);
  for await (const chunk of run.input) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await Promise.race([new Promise((resolve) => stdin.once("drain", resolve)), closed]);
  }
  stdin.end();
  await closed;
}

/** `ripgrep 15.1.0`, from ripgrep itself. */
export async function ripgrepVersion(): Promise<string> {
  let text = "";
  await runRipgrep(["--version"], { cwd: process.cwd(), onData: (chunk) => (text += chunk.toString()) });
  return text.split("\n", 1)[0]?.trim() ?? "unknown";
}

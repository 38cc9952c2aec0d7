// Runs the built command as a user would: a process of its own, pipes for its streams, an environment without keys.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array | Readable;
  /** Called with the process once it runs. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void, onStdout: (seen: (text: string) => void) => void, pid: number) => void;
}

export const BIN = fileURLToPath(new URL("../../src/launcher/bin.cjs", import.meta.url));

export function cli(args: readonly string[], { cwd, env = {}, stdin, onStart }: RunOptions = {}): Promise<Ran> {
  const state = mkdtempSync(join(tmpdir(), "rlm-state-"));
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH, HOME, XDG_STATE_HOME: state, ...env },
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers: ((text: string) => void)[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher(stdout);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin?.on("error", () => undefined);
  if (stdin instanceof Readable) void (child.stdin !== null && stdin.pipe(child.stdin));
  else child.stdin?.end(stdin);
  onStart?.(
    (signal) => child.kill(signal),
    (seen) => watchers.push(seen),
    child.pid ?? 0,
  );
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      rmSync(state, { recursive: true, force: true });
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** A folder of files that goes away with the test. */
export function folder(files: Readonly<Record<string, string | Uint8Array>>): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "rlm-test-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface JsonOutcome {
  readonly cell: number;
  readonly outcome: string;
  readonly value?: unknown;
  readonly preview: string;
  readonly output: string;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly code?: string;
    readonly line?: number;
    readonly column?: number;
  };
  readonly ms: number;
  readonly calls: number;
  readonly vars: readonly string[];
  readonly warnings: readonly string[];
  readonly state?: string;
}

/** Cells through `run --json`. */
export async function notebook(cells: readonly string[], args: readonly string[] = [], options: RunOptions = {}): Promise<JsonOutcome[]> {
  using files = folder({ "notebook.ts": cells.map((cell) => `// %%\n${cell}`).join("\n") });
  const { stdout, stderr } = await cli(["run", join(files.path, "notebook.ts"), "--json", ...args], { cwd: files.path, ...options });
  if (stdout === "") throw new Error(`nothing on stdout; stderr: ${stderr}`);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonOutcome);
}

/** Each expression awaited in a cell of its own, in one process. */
export function evaluated(expressions: readonly string[], args: readonly string[] = [], options: RunOptions = {}): Promise<JsonOutcome[]> {
  return notebook(
    expressions.map((expression) => `await (${expression})`),
    args,
    options,
  );
}

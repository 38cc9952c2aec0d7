// Starts a kernel process: the only place that names Node's flags and what the kernel may read.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bubblewrap } from "./bubblewrap.ts";
import { cacheOf } from "./script-cache.ts";

export interface KernelProcess {
  readonly child: ChildProcess;
  readonly socket: Duplex;
  /** What it wrote to standard error, bounded: only a defect of ours is ever there. */
  readonly stderr: () => string;
}

/** Built files stand in `dist`, whether this module runs from there or from the sources. */
const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

export interface KernelFiles {
  readonly kernel: string;
  readonly prelude: string;
  readonly scanPrelude: string;
  readonly addon: string;
}

export function kernelFiles(): KernelFiles {
  return { kernel: dist("kernel.cjs"), prelude: dist("prelude.js"), scanPrelude: dist("scan.js"), addon: addonPath() };
}

/** The prebuilt addon of isolated-vm for this Node, or one built from source. */
function addonPath(): string {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("isolated-vm/package.json"));
  const libc = isMusl() ? "musl" : "glibc";
  const tail = process.platform === "linux" ? `.${libc}.node` : ".node";
  const prebuilt = join(folder, "prebuilds", `${process.platform}-${process.arch}`, `isolated-vm.abi${process.versions.modules}${tail}`);
  return existsSync(prebuilt) ? prebuilt : join(folder, "build", "Release", "isolated_vm.node");
}

function isMusl(): boolean {
  return process.platform === "linux" && existsSync("/etc/alpine-release");
}

export function isolatedVmVersion(): string {
  const require = createRequire(import.meta.url);
  const manifest: unknown = JSON.parse(readFileSync(require.resolve("isolated-vm/package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
}

export interface SpawnOptions {
  readonly zone: string;
  readonly locale: string;
  /** V8 makes no machine code: slower, and out of reach of a hole in its compilers. */
  readonly jitless: boolean;
}

/** What a kernel gets where nobody says otherwise. */
const USUAL: SpawnOptions = { zone: "UTC", locale: "en-US", jitless: false };

/** One that was started before anybody asked for it. */
let early: KernelProcess | undefined;

/** Starts the usual kernel while the rest of the command still loads. Asked for or not, it keeps nothing alive and ends with this process. */
export function startEarly(): void {
  try {
    early = start(USUAL);
    early.child.on("error", () => undefined);
    early.socket.on("error", () => undefined);
    hold(early, false);
    process.once("exit", () => {
      if (early !== undefined) endProcess(early);
    });
  } catch {
    // Whoever needs one is told.
  }
}

/** Starts a kernel, or takes the one that was started early if it is like that. */
export function spawnKernel(options: SpawnOptions): KernelProcess {
  const found = early;
  early = undefined;
  if (found === undefined) return start(options);
  const { zone, locale, jitless } = options;
  if (isAlive(found) && zone === USUAL.zone && locale === USUAL.locale && jitless === USUAL.jitless) {
    hold(found, true);
    return found;
  }
  endProcess(found);
  return start(options);
}

export function isAlive({ child }: KernelProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Whether it keeps this process alive. */
function hold({ child, socket }: KernelProcess, holds: boolean): void {
  const pipes = [socket, child.stderr].filter((stream) => stream instanceof Socket);
  for (const handle of [child, ...pipes]) {
    if (holds) handle.ref();
    else handle.unref();
  }
}

/** The environment is TZ and LC_ALL alone: no secret, no NODE_OPTIONS. */
function start({ zone, locale, jitless }: SpawnOptions): KernelProcess {
  const { kernel, prelude, scanPrelude, addon } = kernelFiles();
  const files = [kernel, prelude, cacheOf(prelude), scanPrelude, cacheOf(scanPrelude), addon];
  const flags = [
    "--no-node-snapshot",
    "--no-warnings",
    ...(jitless ? ["--jitless"] : []),
    "--permission",
    "--allow-addons",
    ...files.map((path) => `--allow-fs-read=${path}`),
  ];
  const command = [process.execPath, ...flags, kernel, addon, prelude, scanPrelude];
  const outer = bubblewrap();
  const [program = "", ...args] = outer.state === "on" ? outer.wrap(command, [process.execPath, ...files]) : command;
  const child = spawn(program, args, {
    env: { TZ: zone, LC_ALL: `${locale.replace("-", "_")}.UTF-8` },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    // A terminal's Ctrl-C reaches the whole foreground group: the host decides what it means for the kernel.
    detached: true,
  });
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (text.length < 4_000) text += chunk.toString().slice(0, 4_000 - text.length);
  });
  return { child, socket: hostSocket(child), stderr: () => text };
}

/** What a script of ours prints in a process of its own that may have isolates: the benchmark's, with no guest in it. */
export async function runBare(script: string): Promise<string> {
  return (await promisify(execFile)(process.execPath, ["--no-node-snapshot", "-e", script])).stdout;
}

/** Ends a kernel process, and waits for nothing of it. */
export function endProcess({ child, socket }: KernelProcess): void {
  killGroup(child);
  child.unref();
  child.stderr?.destroy();
  socket.destroy();
}

/** All of its group at once: bubblewrap that is killed alone while it still sets up leaves a process behind that waits for it for ever. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined || process.platform === "win32") child.kill("SIGKILL");
    else if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended, or leads no group: then it is alone.
    child.kill("SIGKILL");
  }
}

/** Node 24's permission model says nothing of the network; later ones deny it unless they are told otherwise. */
export function permissionDeniesNetwork(): boolean {
  return process.allowedNodeEnvironmentFlags.has("--allow-net");
}

/** The process with the isolates: under bubblewrap the innermost of a chain, until it runs the outermost. */
export function innermostPid({ child }: KernelProcess): number | undefined {
  let pid = child.pid;
  if (pid === undefined || bubblewrap().state !== "on") return pid;
  for (let inner: number | undefined = pid; inner !== undefined; inner = onlyChild(inner)) pid = inner;
  return pid;
}

function onlyChild(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return first === undefined || first === "" ? undefined : Number(first);
  } catch {
    return undefined;
  }
}

/** bubblewrap tells the signal that ended its command as a shell does: 128 and its number. */
export function endSignal(code: number | null, signal: NodeJS.Signals | null): NodeJS.Signals | null {
  if (signal !== null || code === null || code <= SIGNALLED) return signal;
  return SIGNALS.find((name) => constants.signals[name] === code - SIGNALLED) ?? null;
}

/** Those by which a kernel ends: its own, V8's when it finds no memory, and ours. */
const SIGNALS = ["SIGUSR2", "SIGABRT", "SIGTRAP", "SIGILL", "SIGSEGV", "SIGBUS", "SIGKILL", "SIGTERM"] as const;
const SIGNALLED = 128;

/** The descriptor after the standard streams is a socket both ways. */
function hostSocket(child: ChildProcess): Duplex {
  const stream = child.stdio[3];
  if (stream instanceof Duplex) return stream;
  throw new Error("the sandbox process has no socket");
}

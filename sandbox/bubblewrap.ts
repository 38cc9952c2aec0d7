// bubblewrap around the kernel process, where this machine lets it run: no network, no files but the kernel's own, no other processes in
// sight. Whether it does is tried once a process, with the very arguments a kernel gets; why it does not is kept for whoever asks.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export type Bubblewrap =
  | { readonly state: "on"; readonly program: string; readonly wrap: (command: readonly string[], files: readonly string[]) => string[] }
  | { readonly state: "off"; readonly reason: string }
  | { readonly state: "absent" };

/** A working bwrap answers within 20 ms; only one that hangs meets this. */
const PROBE_TIMEOUT_MS = 5_000;

let probed: Bubblewrap | undefined;

/** Blocks for some 30 ms the first time, because no kernel can start before it is known. */
export function bubblewrap(): Bubblewrap {
  return (probed ??= probe());
}

function probe(): Bubblewrap {
  if (process.platform !== "linux") return { state: "absent" };
  const program = find("bwrap");
  if (program === undefined) return { state: "off", reason: "there is no bwrap on the PATH; the package is called bubblewrap" };
  const libraries = sharedLibraries();
  const wrap = (command: readonly string[], files: readonly string[]): string[] => [
    program,
    ...options([...libraries, ...files]),
    ...command,
  ];
  // Node itself: that its libraries are found is a part of the question.
  const [file = "", ...args] = wrap([process.execPath, "--version"], [process.execPath]);
  const { status, signal, stderr, error } = spawnSync(file, args, { env: {}, timeout: PROBE_TIMEOUT_MS, killSignal: "SIGKILL" });
  if (status === 0) return { state: "on", program, wrap };
  return { state: "off", reason: reasonOf(String(stderr), error, signal ?? `exit ${status}`) };
}

/** Everything is unshared, nothing is there but what is bound, and that only to read; the whole of it dies with this process. */
function options(readable: readonly string[]): string[] {
  const binds = readable.flatMap((path) => ["--ro-bind", path, path]);
  // The kernel watches its own memory in /proc, which shows the processes of its own namespace alone.
  return "--unshare-all --die-with-parent --cap-drop ALL".split(" ").concat(binds, "--proc /proc --remount-ro / --chdir / --".split(" "));
}

/** Those this process runs with, at the paths where its loader found them: the kernel runs the same program. */
function sharedLibraries(): string[] {
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  const { excludeNetwork = false } = report;
  try {
    // Else it looks up the names of everyone it is connected to.
    report.excludeNetwork = true;
    const told: unknown = report.getReport();
    const objects: unknown = typeof told === "object" && told !== null && "sharedObjects" in told ? told.sharedObjects : [];
    return Array.isArray(objects)
      ? objects.filter((path): path is string => typeof path === "string" && isAbsolute(path) && !path.endsWith(".node"))
      : [];
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

function find(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reasonOf(said: string, error: Error | undefined, end: string): string {
  const line = said.trim().split("\n")[0] ?? "";
  if (line !== "") return line.slice(0, 300);
  return error === undefined ? `bwrap ended with ${end}` : error.message;
}

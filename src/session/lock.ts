// Who owns a session's folder: one process at a time. A lock is taken over from an owner that is dead.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HostError } from "../errors.ts";

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's own units: a number that is used again is told apart by it. */
  readonly started: string;
}

const LOCK = "lock";

/** Disposing gives the folder up. Throws E_JOURNAL_LOCKED while another process has it. */
export function lockSession(folder: string): Disposable {
  const path = join(folder, LOCK);
  const own: Owner = { pid: process.pid, host: hostname(), started: statOf(process.pid)?.[1] ?? "" };
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, JSON.stringify(own), { flag: "wx", mode: 0o600 });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      const owner = ownerOf(folder);
      if (!isTaken(error) || tries > 2) throw error;
      if (owner !== undefined && isAlive(owner))
        throw new HostError("E_JOURNAL_LOCKED", `the session is open in process ${owner.pid} on ${owner.host}: close it there, or --fork`);
      rmSync(path, { force: true });
    }
  }
}

/** Whether a living process has the folder. */
export function isLocked(folder: string): boolean {
  const owner = ownerOf(folder);
  return owner !== undefined && isAlive(owner);
}

function ownerOf(folder: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(join(folder, LOCK), "utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is Owner {
  return (
    typeof value === "object" && value !== null && "pid" in value && typeof value.pid === "number" && "host" in value && "started" in value
  );
}

/** A process of another machine is not ours to judge. */
function isAlive({ pid, host, started }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
  }
  const [state, now] = statOf(pid) ?? [];
  // A process that has ended stays in the table until its parent looks.
  return state !== "Z" && state !== "X" && (now === undefined || started === "" || now === started);
}

/** State and start of a process. */
function statOf(pid: number): readonly [state: string | undefined, started: string | undefined] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [fields[0], fields[19]];
  } catch {
    // Not on this system.
    return undefined;
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

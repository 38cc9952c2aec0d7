// The host's own look at what a kernel holds: the kernel watches itself first, but its thread may be busy, or not its own any more.
// Linux only; elsewhere the kernel's own watch is what there is.
import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 50;
const KiB_PER_MiB = 1024;

/** Looks from `start` to `stop`. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #onLook: (residentMb: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onLook` is told how much there is, in MiB. */
  constructor(pid: number, onLook: (residentMb: number) => void) {
    this.#pid = pid;
    this.#onLook = onLook;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const resident = residentMb(this.#pid);
    if (resident !== undefined) this.#onLook(resident);
  }
}

/** Resident memory of a process and those below it, in MiB: a sandbox around the kernel is its parent. Undefined where nobody can say. */
function residentMb(pid: number): number | undefined {
  try {
    const own = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / KiB_PER_MiB;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return children.reduce((sum, child) => sum + (residentMb(Number(child)) ?? 0), own);
  } catch {
    return undefined;
  }
}

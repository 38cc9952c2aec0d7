// A kernel process that is started before it is needed, so that the next sandbox comes up sooner. It has been told nothing yet: it holds
// nothing of any session.
import { endProcess, isAlive, type KernelProcess } from "./spawn.ts";

/** Owns the process it keeps, until that is taken. */
export class Spare {
  readonly #spawn: () => KernelProcess;
  #kept: KernelProcess | undefined;
  #preparing: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(spawn: () => KernelProcess) {
    this.#spawn = spawn;
  }

  /** The process that is kept, or a new one where there is none. */
  take(): KernelProcess {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(this.#preparing);
    return kept !== undefined && isAlive(kept) ? kept : this.#spawn();
  }

  /** Starts one after a while, unless it is taken or closed before. */
  prepareIn(ms: number): void {
    clearTimeout(this.#preparing);
    if (this.#closed) return;
    this.#preparing = setTimeout(() => this.#prepare(), ms).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#preparing);
    if (this.#kept !== undefined) endProcess(this.#kept);
    this.#kept = undefined;
  }

  #prepare(): void {
    if (this.#kept !== undefined && isAlive(this.#kept)) return;
    this.#kept = this.#spawn();
    // Whether it lives is asked when it is taken.
    this.#kept.child.on("error", () => undefined);
    this.#kept.socket.on("error", () => undefined);
  }
}

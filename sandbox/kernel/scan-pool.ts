// The scan isolates of a kernel. Those that a scan is done with stay warm for the next one, a few of them and for a while.
import { ScanWorker, type WorkerOptions } from "./scan-worker.ts";

/** Idle isolates cost some 5 MB each, which the process's cap has room for. */
const MAX_IDLE = 4;
const IDLE_MS = 60_000;

export class ScanPool {
  readonly #options: Omit<WorkerOptions, "memoryMb" | "timeoutMs">;
  readonly #idle: ScanWorker[] = [];
  readonly #busy = new Set<ScanWorker>();
  /** Scans that would take another one, each with how many the kernel may have busy. */
  readonly #waiting = new Set<() => void>();
  #opening = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Omit<WorkerOptions, "memoryMb" | "timeoutMs">) {
    this.#options = options;
  }

  /** Isolates that run jobs, and those that come up for it. */
  get busy(): number {
    return this.#busy.size + this.#opening;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Called when one becomes free, until it is taken back. */
  whenFree(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  async take(memoryMb: number, timeoutMs: number): Promise<ScanWorker> {
    const warm = this.#idle.pop();
    if (warm !== undefined) {
      this.#busy.add(warm);
      return warm;
    }
    this.#opening++;
    try {
      const worker = await ScanWorker.open({ ...this.#options, memoryMb, timeoutMs });
      this.#busy.add(worker);
      return worker;
    } finally {
      this.#opening--;
    }
  }

  /** `isFit`: another scan may have it. */
  give(worker: ScanWorker, isFit: boolean): void {
    this.#busy.delete(worker);
    if (isFit && this.#idle.length < MAX_IDLE && worker.isFit) this.#idle.push(worker);
    else worker.isolate.dispose();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), IDLE_MS).unref();
    for (const wake of this.#waiting) wake();
  }

  /** Gives up those nobody uses: their contexts are not the session's any more, or their memory is wanted. False when there is none. */
  clear(): boolean {
    const had = this.#idle.length > 0;
    for (const { isolate } of this.#idle.splice(0)) isolate.dispose();
    return had;
  }
}

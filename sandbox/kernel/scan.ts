// Scans in the kernel: isolates of their own on real threads, each with the shared context; at most `workers` of a scan run at a time.
import { JOB_LOST_HEAP, JOB_STUCK } from "../protocol.ts";
import type { Engine, GuestIsolate, GuestScript, SharedText } from "./isolate.ts";

export interface ScanJob {
  readonly job: number;
  /** JSON head of the job (function, kind of item, path, size), and the item's text. */
  readonly head: string;
  readonly item: string;
}

export interface JobEnd {
  readonly job: number;
  readonly ok: boolean;
  readonly ms: number;
  readonly value?: string;
  readonly code?: string;
  readonly message?: string;
}

interface ScanOptions {
  readonly engine: Engine;
  readonly prelude: GuestScript;
  readonly workers: number;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** JSON of functions and captures. */
  readonly setup: string;
  readonly contexts: readonly { readonly setup: string; readonly text: SharedText }[];
  readonly onEnd: (end: JobEnd) => void;
  /** An isolate is gone, and its heap is not. */
  readonly onLostHeap: () => void;
}

/** After its timeout a job has this long to end before its isolate is given up, and then before nobody waits for it any more. */
const OVERDUE_MS = 550;
const DISPOSE_MS = 250;

/** One `parallel_scan`. Jobs run in the order they come; a job that loops, throws or runs out of memory fails alone. */
export class Scan {
  readonly #options: ScanOptions;
  readonly #queue: ScanJob[] = [];
  readonly #isolates = new Set<GuestIsolate>();
  #running = 0;
  #closed = false;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** Heap its isolates may use now, in MiB. */
  get memoryMb(): number {
    return this.#isolates.size * this.#options.memoryMb;
  }

  add(job: ScanJob): void {
    this.#queue.push(job);
    if (this.#running < this.#options.workers) void this.#work();
  }

  /** Gives up the isolates there are: their jobs have taken more than they may. False when there is none. */
  relieve(): boolean {
    for (const isolate of this.#isolates) isolate.exhaust();
    return this.#isolates.size > 0;
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    for (const isolate of this.#isolates) isolate.dispose();
  }

  /** One worker: takes jobs until there are none, in an isolate that is replaced when a job has spoiled it. */
  async #work(): Promise<void> {
    this.#running++;
    let worker: Worker | undefined;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      worker ??= await this.#open();
      const end = await worker.run(job, this.#options.timeoutMs);
      if (end.spoiled) {
        this.#isolates.delete(worker.isolate);
        worker.isolate.dispose();
        worker = undefined;
      }
      if (!this.#closed) this.#options.onEnd(end.end);
    }
    if (worker !== undefined) {
      this.#isolates.delete(worker.isolate);
      worker.isolate.dispose();
    }
    this.#running--;
  }

  async #open(): Promise<Worker> {
    const { engine, prelude, memoryMb, setup, contexts, timeoutMs } = this.#options;
    const worker = new Worker();
    const isolate = await engine.open({
      memoryMb,
      prelude,
      setup,
      onPost: (message) => worker.posted(message),
      onCatastrophe: () => {
        this.#options.onLostHeap();
        worker.outOfMemory();
      },
    });
    this.#isolates.add(isolate);
    for (const context of contexts) await isolate.enter(["context", context.setup, context.text], timeoutMs);
    return worker.with(isolate);
  }
}

class Worker {
  #isolate: GuestIsolate | undefined;
  #result: string | undefined;
  #catastrophe: (() => void) | undefined;

  with(isolate: GuestIsolate): this {
    this.#isolate = isolate;
    return this;
  }

  get isolate(): GuestIsolate {
    if (this.#isolate === undefined) throw new Error("the worker has no isolate yet");
    return this.#isolate;
  }

  posted(message: string): void {
    this.#result ??= message;
  }

  /** V8 gives such an isolate up without unwinding; its thread never comes back. */
  outOfMemory(): void {
    this.#catastrophe?.();
  }

  /** Always ends, whatever the job does; `spoiled`: the isolate is of no more use. */
  async run(job: ScanJob, timeoutMs: number): Promise<{ readonly end: JobEnd; readonly spoiled: boolean }> {
    this.#result = undefined;
    const started = performance.now();
    const lost = Promise.withResolvers<"lost heap" | "stuck">();
    this.#catastrophe = () => lost.resolve("lost heap");
    let timer = setTimeout(() => {
      this.isolate.dispose();
      timer = setTimeout(() => lost.resolve("stuck"), DISPOSE_MS);
    }, timeoutMs + OVERDUE_MS);
    const entered = this.isolate.enter(["job", job.head, job.item], timeoutMs).then(({ end }) => end);
    const end = await Promise.race([entered, lost.promise]);
    clearTimeout(timer);
    const base = { job: job.job, ms: performance.now() - started };
    const failed = (code: string, message: string) => ({ end: { ...base, ok: false, code, message }, spoiled: true });
    const late = `the function ran longer than ${timeoutMs} ms`;
    switch (end) {
      case "timeout":
      case "disposed":
        return failed("E_SCAN_TIMEOUT", late);
      case "stuck":
        return failed(JOB_STUCK, late);
      case "memory":
        return failed("E_SCAN_MEMORY", OUT_OF_MEMORY);
      case "lost heap":
        return failed(JOB_LOST_HEAP, OUT_OF_MEMORY);
      case "ok":
      case "threw":
        return { end: { ...base, ...outcome(this.#result) }, spoiled: false };
    }
  }
}

const OUT_OF_MEMORY = "the function ran out of memory";

/** The scan prelude posts `+` and the value, or `-`, the code, a newline and the message; nothing when the promise never settled. */
function outcome(posted: string | undefined): Omit<JobEnd, "job" | "ms"> {
  if (posted === undefined)
    return { ok: false, code: "E_NEVER_SETTLES", message: "the function waits for a promise that nothing can settle" };
  if (posted.startsWith("+")) return { ok: true, value: posted.slice(1) };
  const end = posted.indexOf("\n");
  return { ok: false, code: posted.slice(1, end), message: posted.slice(end + 1) };
}

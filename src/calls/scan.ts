// parallel_scan on the host: reads the texts of files, hands jobs to the kernel's scan isolates, and keeps the order of the results.
import type { JobEnd, Kernel } from "../../sandbox/index.ts";
import { MAX_RESULT } from "../../sandbox/limits.ts";
import { HostError, messageOf } from "../errors.ts";
import { bad, fields, optionalNumber } from "./arguments.ts";
import type { CallContext } from "./types.ts";

interface Result {
  readonly ok: boolean;
  readonly value?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly ms: number;
}

type Item = { readonly file: string } | { readonly value: string };

interface Options {
  readonly workers: number;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly clock: () => number;
  readonly seed: number;
  /** The text of a corpus file, bounded. */
  readonly readFile: (path: string, signal: AbortSignal) => Promise<{ readonly text: string; readonly size: number }>;
}

const MAX_JOBS = 1_000_000;

/** Serves the scans of one session. */
export class ScanService {
  readonly #options: Options;
  readonly #open = new Map<number, (end: JobEnd, value: string) => boolean>();
  #scans = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** False for a job nobody waits for. */
  jobEnded(end: JobEnd, value: string): boolean {
    return this.#open.get(end.scan)?.(end, value) ?? false;
  }

  /** Resolves to one result a job, functions × items. */
  async run(args: unknown, call: CallContext, kernel: Kernel | undefined): Promise<Result[]> {
    if (kernel === undefined) throw new HostError("E_KERNEL", "the sandbox is gone");
    const given = fields("parallel_scan", args);
    const functions = list(given["functions"], "functions");
    const items = given["items"] === null ? [undefined] : list(given["items"], "items").map(item);
    const asked = optionalNumber("parallel_scan: max_workers", given["max_workers"], { min: 1, max: 1024, whole: true });
    const workers = Math.min(asked ?? this.#options.workers, 64);
    const total = functions.length * items.length;
    if (total > MAX_JOBS) throw bad(`parallel_scan: ${functions.length} functions × ${items.length} items are more than ${MAX_JOBS} jobs`);

    const scan = ++this.#scans;
    const { timeoutMs, memoryMb, clock, seed } = this.#options;
    const setup = JSON.stringify({ now: clock(), seed, functions, captures: given["captures"] });
    kernel.send({ type: "scan_open", scan, workers, timeout_ms: timeoutMs, memory_mb: memoryMb }, setup);
    const cancelled = cancellation(call.signal);
    try {
      const jobs = new Jobs(total, workers, (done) => call.emit({ type: "progress", label: "parallel_scan", done, total }));
      this.#open.set(scan, (end, value) => jobs.ended(end, value));
      const fed = this.#feed(kernel, scan, functions.length, items, jobs, call.signal);
      return await Promise.race([fed.then(() => jobs.all), jobs.all, cancelled.promise]);
    } finally {
      cancelled.stop();
      this.#open.delete(scan);
      kernel.send({ type: "scan_close", scan });
    }
  }

  /** Item by item, each for all functions, so that a file is read once; never further ahead than the workers need. */
  async #feed(
    kernel: Kernel,
    scan: number,
    functions: number,
    items: readonly (Item | undefined)[],
    jobs: Jobs,
    signal: AbortSignal,
  ): Promise<void> {
    for (const [i, item] of items.entries()) {
      const kind = item === undefined ? "none" : "value" in item ? "value" : "file";
      try {
        await jobs.room();
        if (signal.aborted) return;
        const { text, ...about } = await this.#item(item, signal);
        for (let fn = 0; fn < functions; fn++) {
          await jobs.room();
          if (signal.aborted) return;
          kernel.send({ type: "job", scan, job: fn * items.length + i, fn, item: kind, ...about }, text);
          jobs.sent();
        }
      } catch (error) {
        const code = error instanceof HostError ? error.code : "E_DEFECT";
        for (let fn = 0; fn < functions; fn++) jobs.failed(fn * items.length + i, code, messageOf(error));
      }
    }
  }

  async #item(
    item: Item | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly text?: string; readonly path?: string; readonly size?: number }> {
    if (item === undefined) return {};
    if ("value" in item) return { text: item.value };
    return { path: item.file, ...(await this.#options.readFile(item.file, signal)) };
  }
}

const OVER = `the values of this scan are over ${MAX_RESULT} characters together: return less from each function (E_TOO_LARGE)`;

/** Results by job, and how many jobs are with the kernel. */
class Jobs {
  readonly #results: (Result | undefined)[];
  readonly #ahead: number;
  readonly #onDone: (done: number) => void;
  readonly all: Promise<Result[]>;
  #resolve: (results: Result[]) => void = () => undefined;
  #outstanding = 0;
  /** Text of the values so far, in UTF-16 units: a thousand large ones are not kept until the call ends with an error. */
  #held = 0;
  #done = 0;
  #reported = 0;
  #wake: (() => void) | undefined;

  constructor(total: number, workers: number, onDone: (done: number) => void) {
    this.#results = Array.from({ length: total });
    this.#ahead = workers * 4;
    this.#onDone = onDone;
    this.all = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  sent(): void {
    this.#outstanding++;
  }

  async room(): Promise<void> {
    if (this.#outstanding < this.#ahead) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** False for a job that has ended before, or never began. What does not fit beside the others fails alone. */
  ended({ job, ok, ms, code, message }: JobEnd, value: string): boolean {
    if (job >= this.#results.length || this.#results[job] !== undefined) return false;
    this.#outstanding--;
    const fits = !ok || this.#held + value.length <= MAX_RESULT;
    if (ok && fits) this.#held += value.length;
    if (!fits) this.#record(job, { ok: false, error: { code: "E_TOO_LARGE", message: OVER }, ms });
    else this.#record(job, ok ? { ok, value, ms } : { ok, error: { code: code ?? "E_SCAN_THREW", message: message ?? "failed" }, ms });
    if (this.#outstanding < this.#ahead) this.#wake?.();
    return true;
  }

  failed(job: number, code: string, message: string): void {
    this.#record(job, { ok: false, error: { code, message }, ms: 0 });
  }

  #record(job: number, result: Result): void {
    this.#results[job] = { ...result, ms: Math.round(result.ms * 10) / 10 };
    this.#done++;
    const now = performance.now();
    if (this.#done === this.#results.length || now - this.#reported > 100) {
      this.#reported = now;
      this.#onDone(this.#done);
    }
    if (this.#done === this.#results.length) this.#resolve(this.#results.filter((found) => found !== undefined));
  }
}

function cancellation(signal: AbortSignal): { readonly promise: Promise<never>; readonly stop: () => void } {
  let stop = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new HostError("E_CANCELLED", "cancelled"));
    signal.addEventListener("abort", abort, { once: true });
    stop = () => signal.removeEventListener("abort", abort);
  });
  promise.catch(() => undefined);
  return { promise, stop };
}

function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(`parallel_scan: ${name} is not a list`);
}

function item(value: unknown): Item {
  const given = fields("parallel_scan: an item", value);
  if (typeof given["file"] === "string") return { file: given["file"] };
  if (typeof given["value"] === "string") return { value: given["value"] };
  throw bad("parallel_scan: an item is neither a file nor a value");
}

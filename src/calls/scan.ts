// parallel_scan on the host: reads the texts of files, hands items to the kernel's scan isolates, and keeps the order of the results.
import pLimit from "p-limit";
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
  /** What a scan function reads of a corpus: `{context, path, range}`. */
  readonly read: (asked: unknown, signal: AbortSignal) => Promise<string>;
}

interface OpenScan {
  readonly kernel: Kernel;
  readonly jobs: Jobs;
  readonly signal: AbortSignal;
}

const MAX_JOBS = 1_000_000;
/** What the kernel has beside what it runs: jobs, and UTF-16 units of their texts. */
const MAX_JOBS_AHEAD = 10_000;
const MAX_TEXT_AHEAD = 16 * 1024 * 1024;
const FILES_AT_A_TIME = 4;

/** Serves the scans of one session. */
export class ScanService {
  readonly #options: Options;
  readonly #open = new Map<number, OpenScan>();
  #scans = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** False for a job nobody waits for. */
  jobEnded(end: JobEnd, value: string): boolean {
    return this.#open.get(end.scan)?.jobs.ended(end, value) ?? false;
  }

  /** A scan function reads of a corpus. False where none is open that could. */
  reads(scan: number, read: number, what: string): boolean {
    const open = this.#open.get(scan);
    if (open === undefined) return false;
    const answer = (head: object, text: string): void =>
      open.kernel.send({ type: "scan_text", scan, read, head: JSON.stringify(head) }, text);
    Promise.try(() => this.#options.read(JSON.parse(what), open.signal)).then(
      (text) => answer({}, text),
      (error: unknown) => answer({ code: error instanceof HostError ? error.code : "E_DEFECT", message: messageOf(error) }, ""),
    );
    return true;
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
    const counts = { functions: functions.length, items: items.length };
    kernel.send({ type: "scan_open", scan, workers, ...counts, timeout_ms: timeoutMs, memory_mb: memoryMb }, setup);
    const cancelled = cancellation(call.signal);
    try {
      const jobs = new Jobs(total, items.length, (done) => call.emit({ type: "progress", label: "parallel_scan", done, total }));
      this.#open.set(scan, { kernel, jobs, signal: call.signal });
      const fed = this.#feed(kernel, scan, functions.length, items, jobs, call.signal);
      return await Promise.race([fed.then(() => jobs.all), jobs.all, cancelled.promise]);
    } finally {
      cancelled.stop();
      this.#open.delete(scan);
      kernel.send({ type: "scan_close", scan });
    }
  }

  /** Each item once, for all functions; files are read some at a time, and never further ahead than the workers need. */
  async #feed(
    kernel: Kernel,
    scan: number,
    functions: number,
    items: readonly (Item | undefined)[],
    jobs: Jobs,
    signal: AbortSignal,
  ): Promise<void> {
    const reading = pLimit(FILES_AT_A_TIME);
    const feedOne = async (item: Item | undefined, index: number): Promise<void> => {
      try {
        const { text: body, ...about } = await this.#item(item, signal);
        if (signal.aborted) return;
        const kind = item === undefined ? "none" : "value" in item ? "value" : "file";
        jobs.sent(index, functions, body?.length ?? 0);
        kernel.send({ type: "item", scan, index, kind, ...about }, body);
      } catch (error) {
        const code = error instanceof HostError ? error.code : "E_DEFECT";
        for (let fn = 0; fn < functions; fn++) jobs.failed(fn * items.length + index, code, messageOf(error));
      }
    };
    // A file is read when there is room for it, and not when its turn to be queued came.
    const feedNext = async (item: Item | undefined, index: number): Promise<void> => {
      await jobs.room();
      if (!signal.aborted) await feedOne(item, index);
    };
    const files: Promise<void>[] = [];
    for (const [index, item] of items.entries()) {
      if (item === undefined || "value" in item) await feedNext(item, index);
      else files.push(reading(() => feedNext(item, index)));
    }
    await Promise.all(files);
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

/** Results by job, and how much is with the kernel. */
class Jobs {
  readonly #results: (Result | undefined)[];
  readonly #onDone: (done: number) => void;
  readonly all: Promise<Result[]>;
  #resolve: (results: Result[]) => void = () => undefined;
  /** Of the items the kernel has: jobs that have not ended, and the size of the text. */
  readonly #ahead = new Map<number, { left: number; readonly size: number }>();
  #jobsAhead = 0;
  #textAhead = 0;
  /** Text of the values so far, in UTF-16 units: a thousand large ones are not kept until the call ends with an error. */
  #held = 0;
  #done = 0;
  #reported = 0;
  readonly #wake: (() => void)[] = [];
  readonly #items: number;

  constructor(total: number, items: number, onDone: (done: number) => void) {
    this.#results = Array.from({ length: total });
    this.#items = items;
    this.#onDone = onDone;
    this.all = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  sent(item: number, jobs: number, size: number): void {
    this.#ahead.set(item, { left: jobs, size });
    this.#jobsAhead += jobs;
    this.#textAhead += size;
  }

  async room(): Promise<void> {
    while (this.#jobsAhead >= MAX_JOBS_AHEAD || this.#textAhead >= MAX_TEXT_AHEAD)
      await new Promise<void>((resolve) => void this.#wake.push(resolve));
  }

  /** False for a job that has ended before, or never began. What does not fit beside the others fails alone. */
  ended({ job, ok, ms, code, message }: JobEnd, value: string): boolean {
    const item = this.#ahead.get(job % this.#items);
    if (item === undefined || job >= this.#results.length || this.#results[job] !== undefined) return false;
    this.#jobsAhead--;
    if (--item.left === 0) {
      this.#textAhead -= item.size;
      this.#ahead.delete(job % this.#items);
    }
    const fits = !ok || this.#held + value.length <= MAX_RESULT;
    if (ok && fits) this.#held += value.length;
    if (!fits) this.#record(job, { ok: false, error: { code: "E_TOO_LARGE", message: OVER }, ms });
    else this.#record(job, ok ? { ok, value, ms } : { ok, error: { code: code ?? "E_SCAN_THREW", message: message ?? "failed" }, ms });
    for (const wake of this.#wake.splice(0)) wake();
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

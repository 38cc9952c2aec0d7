// parallel_scan on the host: reads the texts of files, hands items to the kernel's scan isolates, and keeps the order of the results.
import pLimit from "p-limit";
import { Batch, type ItemHead, type JobEnd, type Kernel } from "../../sandbox/index.ts";
import { HostError, messageOf } from "../errors.ts";
import { bad, fields, optionalNumber } from "./arguments.ts";
import { Jobs, type Result } from "./scan-jobs.ts";
import type { CallContext } from "./types.ts";

type Item = { readonly file: string } | { readonly value: string };

interface Options {
  readonly workers: number;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Jobs of a group, at most; undefined for as many as are worth it. */
  readonly maxGroup?: number | undefined;
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
  jobEnded(scan: number, end: JobEnd, value: string): boolean {
    return this.#open.get(scan)?.jobs.ended(end, value) ?? false;
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
    const { timeoutMs, memoryMb, maxGroup = null, clock, seed } = this.#options;
    const setup = JSON.stringify({ now: clock(), seed, functions, captures: given["captures"] });
    const counts = { functions: functions.length, items: items.length };
    const limits = { timeout_ms: timeoutMs, memory_mb: memoryMb, max_group: maxGroup };
    kernel.send({ type: "scan_open", scan, workers, ...counts, ...limits }, setup);
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
    const sent = new Batch<Omit<ItemHead, "bytes">>((heads, texts) => kernel.send({ type: "items", scan, items: heads }, texts));
    const feedOne = async (item: Item | undefined, index: number): Promise<void> => {
      try {
        const { text, ...about } = await this.#item(item, signal);
        if (signal.aborted) return;
        const kind = item === undefined ? "none" : "value" in item ? "value" : "file";
        jobs.sent(index, functions, text?.length ?? 0);
        sent.add({ index, kind, ...about }, text, about.path?.length);
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

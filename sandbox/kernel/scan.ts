// One `parallel_scan` in the kernel: its jobs in groups of some tens of milliseconds, on as many isolates as it may have. A job that loops,
// throws or runs out of memory fails alone.
import type { ItemHead } from "../protocol.ts";
import type { SharedText } from "./isolate.ts";
import type { ScanPool } from "./scan-pool.ts";
import type { GroupOptions, JobEnd, ScanItem, ScanJob, ScanWorker } from "./scan-worker.ts";

interface ScanOptions {
  readonly scan: number;
  readonly pool: ScanPool;
  readonly workers: number;
  /** How many isolates all scans together may keep busy. */
  readonly maxBusy: () => number;
  readonly functions: number;
  readonly items: number;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** JSON of clock, seed, functions and captures. */
  readonly setup: string;
  readonly share: (text: string) => SharedText;
  /** Entries are few and long then: each costs the profiler. */
  readonly isProfiled: boolean;
  /** Jobs of a group, at most. */
  readonly maxGroup: number;
  readonly onEnd: (end: JobEnd) => void;
  /** Waits until the host has taken most of what was sent: results are not piled up here. */
  readonly room: () => Promise<void>;
  readonly read: GroupOptions["read"];
}

/** A group is to take so long: shorter ones cost more than they do, longer ones leave workers without one at the end. */
const GROUP_MS = 40;
const PROFILED_GROUP_MS = 400;
const MAX_GROUP = 1_000;
/** What the jobs of a group may come to, in UTF-16 units of their values: they are all here before the host has taken them. */
const MAX_GROUP_VALUES = 1024 * 1024;
/** An isolate that has to come up is worth it when there is still something to do after so long. */
const NEXT_WORKER_MS = 4;
/** A text that several functions look at is handed out without a copy for each, from this many UTF-16 units on. */
const SHARED_FROM = 64 * 1024;

export class Scan {
  readonly #options: ScanOptions;
  readonly #queue: ScanJob[] = [];
  readonly #workers = new Set<ScanWorker>();
  readonly #notWaiting: () => void;
  readonly #end = Promise.withResolvers<readonly [head: string, text: string]>();
  #itemsLeft: number;
  #opening = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** Of a job, as the last ones went; undefined before the first. */
  #jobMs: number | undefined;
  #valueSize = 0;
  #lastGroup = 1;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#itemsLeft = options.items;
    this.#notWaiting = options.pool.whenFree(() => this.#fill());
  }

  /** Heap its isolates may use now, in MiB. */
  get memoryMb(): number {
    return this.#workers.size * this.#options.memoryMb;
  }

  get workers(): number {
    return this.#options.workers;
  }

  /** One item, for each function. */
  add({ index, kind, path, size }: ItemHead, text: string): void {
    const { functions, items, share } = this.#options;
    this.#itemsLeft--;
    const handed: ScanItem = { kind, path, size, text: functions > 1 && text.length >= SHARED_FROM ? share(text) : text };
    for (let fn = 0; fn < functions; fn++) this.#queue.push({ job: fn * items + index, fn, item: handed });
    this.#fill();
  }

  /** Gives up the isolates there are: their jobs have taken more than they may. False when there is none. */
  relieve(): boolean {
    for (const { isolate } of this.#workers) isolate.exhaust();
    return this.#workers.size > 0;
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
    this.#notWaiting();
    this.#end.resolve(["{}", ""]);
    // Those that still run do what nobody waits for.
    for (const { isolate } of this.#workers) isolate.dispose();
  }

  /** Starts a worker where one is warm, or none is there yet; a further one only where jobs are still waiting after a moment. */
  #fill(): void {
    const { pool, workers, maxBusy } = this.#options;
    const running = this.#workers.size + this.#opening;
    if (this.#closed || this.#queue.length === 0 || running >= workers || pool.busy >= maxBusy()) return;
    if (running > 0 && !pool.hasIdle) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        if (!this.#closed && this.#queue.length > 0 && this.#workers.size + this.#opening < workers && pool.busy < maxBusy()) {
          void this.#work();
          this.#fill();
        }
      }, NEXT_WORKER_MS);
      return;
    }
    void this.#work();
    this.#fill();
  }

  async #work(): Promise<void> {
    const { pool, memoryMb, timeoutMs, scan, setup, room } = this.#options;
    const read: GroupOptions["read"] = (what) => Promise.race([this.#options.read(what), this.#end.promise]);
    this.#opening++;
    const worker = await pool.take(memoryMb, timeoutMs).finally(() => this.#opening--);
    this.#workers.add(worker);
    let isFit = true;
    const onEnd = (end: JobEnd): void => {
      this.#valueSize = (this.#valueSize + (end.value?.length ?? 0)) / 2;
      if (!this.#closed) this.#options.onEnd(end);
    };
    while (isFit && !this.#closed && this.#queue.length > 0) {
      await Promise.race([room(), this.#end.promise]);
      const group = this.#queue.splice(0, this.#groupSize());
      // Another worker was faster.
      if (group.length === 0) continue;
      const began = performance.now();
      const { rest, isSpoilt } = await worker.run(group, { scan, setup, timeoutMs, read, onEnd });
      this.#note(group.length - rest.length, performance.now() - began);
      if (!this.#closed) this.#queue.unshift(...rest);
      isFit = !isSpoilt;
    }
    this.#workers.delete(worker);
    isFit &&= !this.#closed;
    if (isFit) await worker.forget(scan);
    pool.give(worker, isFit);
    this.#fill();
  }

  /** Grows to what takes a group's time, and shrinks again so that all workers end together. */
  #groupSize(): number {
    const groupMs = this.#options.isProfiled ? PROFILED_GROUP_MS : GROUP_MS;
    const wanted = this.#jobMs === undefined ? 1 : Math.floor(groupMs / Math.max(this.#jobMs, groupMs / MAX_GROUP));
    // While more is to come, the workers will not end together anyway.
    const even = this.#itemsLeft > 0 ? MAX_GROUP : Math.ceil(this.#queue.length / (2 * this.#options.workers));
    const small = Math.floor(MAX_GROUP_VALUES / Math.max(1, this.#valueSize));
    return Math.max(1, Math.min(wanted, even, small, this.#lastGroup * 4, MAX_GROUP, this.#options.maxGroup));
  }

  #note(jobs: number, ms: number): void {
    this.#lastGroup = jobs;
    const each = ms / Math.max(1, jobs);
    this.#jobMs = this.#jobMs === undefined ? each : (this.#jobMs + each) / 2;
  }
}

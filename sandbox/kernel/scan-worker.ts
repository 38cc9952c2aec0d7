// An isolate of its own thread that runs jobs of scans, one group after another, and stays warm between scans.
import { JOB_LOST_HEAP, JOB_STUCK, type JobEnd as SentEnd } from "../protocol.ts";
import type { Engine, GuestIsolate, GuestScript, Handed, SharedText } from "./isolate.ts";

export interface ScanJob {
  readonly job: number;
  /** Number of the function. */
  readonly fn: number;
  readonly item: ScanItem;
}

/** One thing to be looked at, by every function. */
export interface ScanItem {
  readonly kind: "none" | "value" | "file";
  readonly path?: string;
  readonly size?: number;
  /** devalue's text of a value, the text of a file. */
  readonly text: string | SharedText;
}

/** With the value where it is ok. */
export type JobEnd = Omit<SentEnd, "bytes"> & { readonly value?: string };

/** What a job wants to read of a corpus: JSON of context, path and range. */
export interface ScanRead {
  readonly id: number;
  readonly what: string;
}

export interface WorkerOptions {
  readonly engine: Engine;
  readonly prelude: GuestScript;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly contexts: readonly { readonly setup: string; readonly text: SharedText }[];
  /** The isolate is gone, and its heap is not. */
  readonly onLostHeap: () => void;
}

export interface GroupOptions {
  readonly scan: number;
  /** JSON of the scan's clock, seed, functions and captures. */
  readonly setup: string;
  readonly timeoutMs: number;
  readonly onEnd: (end: JobEnd) => void;
  /** Resolves to what the isolate is told of it: JSON of how it ended, and the text. */
  readonly read: (what: string) => Promise<readonly [head: string, text: string]>;
}

export interface GroupEnd {
  /** Jobs that are still to be run. */
  readonly rest: readonly ScanJob[];
  /** The isolate is of no more use. */
  readonly isSpoilt: boolean;
}

/** After its timeout a job has this long to end before its isolate is given up, and then before nobody waits for it any more. */
const OVERDUE_MS = 550;
const DISPOSE_MS = 250;
/** Jobs before it in its group do not take a job's time: no group is meant to take longer than this. */
const GROUP_SLACK_MS = 200;
/** Past this share of its heap an isolate that is idle holds what a scan left behind. */
const MAX_IDLE_SHARE = 0.25;
const OUT_OF_MEMORY = "the function ran out of memory";

type End = "ok" | "threw" | "timeout" | "memory" | "disposed" | "lost heap" | "stuck";

export class ScanWorker {
  readonly isolate: GuestIsolate;
  readonly #memoryMb: number;
  /** Of the group that runs: which job. */
  readonly #at: () => number;
  readonly #lost = Promise.withResolvers<"lost heap" | "stuck">();
  readonly #known = new Set<number>();
  /** Where posts of the group that runs go. */
  #posted: (message: string) => void = () => undefined;

  private constructor(isolate: GuestIsolate, memoryMb: number, at: () => number) {
    this.isolate = isolate;
    this.#memoryMb = memoryMb;
    this.#at = at;
  }

  static async open({ engine, prelude, memoryMb, timeoutMs, contexts, onLostHeap }: WorkerOptions): Promise<ScanWorker> {
    const own: { worker?: ScanWorker } = {};
    const isolate = await engine.open({
      memoryMb,
      prelude,
      setup: "{}",
      onPost: (message) => void (own.worker !== undefined && own.worker.#posted(message)),
      onCatastrophe: () => {
        onLostHeap();
        // V8 gives such an isolate up without unwinding; its thread never comes back.
        if (own.worker !== undefined) own.worker.#lost.resolve("lost heap");
      },
    });
    const { read, handed } = engine.gauge();
    own.worker = new ScanWorker(isolate, memoryMb, read);
    await isolate.enter(["gauge", "", handed], timeoutMs);
    for (const context of contexts) await isolate.enter(["context", context.setup, context.text], timeoutMs);
    return own.worker;
  }

  /** It holds no more than a fresh one would, or not much. */
  get isFit(): boolean {
    return this.isolate.heapMb <= this.#memoryMb * MAX_IDLE_SHARE;
  }

  /** Lets go of what a scan left. */
  async forget(scan: number): Promise<void> {
    if (this.#known.delete(scan)) await this.isolate.enter(["forget", String(scan)], OVERDUE_MS);
  }

  /** Runs jobs one after another, in as few entries as it takes. Every one that began has ended when it resolves. */
  async run(group: readonly ScanJob[], options: GroupOptions): Promise<GroupEnd> {
    const { scan, setup, timeoutMs, onEnd } = options;
    if (!this.#known.has(scan)) {
      this.#known.add(scan);
      await this.isolate.enter(["scan", String(scan), setup], timeoutMs);
    }
    let done = 0;
    let since = performance.now();
    const wanted: ScanRead[] = [];
    /** What the last job came to: told when the entry has ended, since what it leaves behind may still keep the isolate from it. */
    let held: JobEnd | undefined;
    const tell = (next?: JobEnd): void => {
      if (held !== undefined) onEnd(held);
      held = next;
    };
    this.#posted = (message) => {
      if (message.startsWith("?")) {
        const end = message.indexOf("\n");
        wanted.push({ id: Number(message.slice(1, end)), what: message.slice(end + 1) });
        return;
      }
      const now = performance.now();
      for (const { ms, ...end } of told(message, now - since)) {
        const job = group[done];
        if (job === undefined) return;
        done++;
        tell({ job: job.job, ms, ...end });
      }
      since = now;
    };
    const slack = group.length > 1 ? GROUP_SLACK_MS : 0;
    let end = await this.#enter(
      ["jobs", JSON.stringify({ scan, jobs: group.map(headOf) }), ...group.map(({ item }) => item.text)],
      timeoutMs + slack,
    );
    while ((end === "ok" || end === "threw") && done < group.length) {
      const read = wanted.shift();
      if (read === undefined) break;
      const [head, text] = await options.read(read.what);
      // What a job reads takes of its time: a loop over reads ends too.
      const left = Math.ceil(timeoutMs - (performance.now() - since));
      end = left <= 0 ? "timeout" : await this.#enter(["text", JSON.stringify({ id: read.id, head }), text], left);
    }
    const hasEnded = end === "ok" || end === "threw";
    if (hasEnded && done === group.length) {
      tell();
      return { rest: [], isSpoilt: false };
    }
    // All had been told, but what one of them left behind keeps its isolate: the last one is named. Those that had ended and were not
    // told are run again.
    const at = Math.min(this.#at(), group.length - 1);
    if (at >= done) tell();
    const job = group[at];
    if (job !== undefined) onEnd({ job: job.job, ms: performance.now() - since, ...failure(end, timeoutMs) });
    return { rest: [...group.slice(done, at), ...group.slice(at + 1)], isSpoilt: true };
  }

  /** Always ends, whatever the jobs do. */
  async #enter(args: readonly Handed[], timeoutMs: number): Promise<End> {
    const stuck = Promise.withResolvers<"stuck">();
    let timer = setTimeout(() => {
      this.isolate.dispose();
      timer = setTimeout(() => stuck.resolve("stuck"), DISPOSE_MS);
    }, timeoutMs + OVERDUE_MS);
    const entered = this.isolate.enter(args, timeoutMs).then(({ end }) => end);
    const end = await Promise.race([entered, this.#lost.promise, stuck.promise]);
    clearTimeout(timer);
    return end;
  }
}

function headOf({ fn, item: { kind, path, size } }: ScanJob): object {
  return { fn, item: kind, path, size };
}

/** Of jobs that ended in the last `ms`: the scan prelude posts JSON of whole milliseconds and length of each, a newline, and their ends. */
function* told(message: string, ms: number): Generator<Omit<JobEnd, "job">> {
  const head = message.indexOf("\n");
  const jobs = JSON.parse(message.slice(0, head)) as readonly (readonly [ms: number, length: number])[];
  const uncounted = Math.max(0, ms - jobs.reduce((sum, [each]) => sum + each, 0)) / jobs.length;
  let at = head + 1;
  for (const [whole, length] of jobs) {
    yield { ms: whole + uncounted, ...outcome(message.slice(at, at + length)) };
    at += length;
  }
}

/** `+` and the value, or `-`, the code, a newline and the message. */
function outcome(posted: string): Omit<JobEnd, "job" | "ms"> {
  if (posted.startsWith("+")) return { ok: true, value: posted.slice(1) };
  const end = posted.indexOf("\n");
  return { ok: false, code: posted.slice(1, end), message: posted.slice(end + 1) };
}

/** Of a job that posted nothing. */
function failure(end: End, timeoutMs: number): Omit<JobEnd, "job" | "ms"> {
  const failed = (code: string, message: string): Omit<JobEnd, "job" | "ms"> => ({ ok: false, code, message });
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
      return failed("E_NEVER_SETTLES", "the function waits for a promise that nothing can settle");
  }
}

// The jobs of one parallel_scan as the host counts them: results by job, and how much of them is with the kernel.
import type { JobEnd } from "../../sandbox/index.ts";
import { MAX_RESULT } from "../../sandbox/limits.ts";

export interface Result {
  readonly ok: boolean;
  readonly value?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly ms: number;
}

/** What the kernel has beside what it runs: jobs, and UTF-16 units of their texts. */
const MAX_JOBS_AHEAD = 10_000;
const MAX_TEXT_AHEAD = 16 * 1024 * 1024;
const OVER = `the values of this scan are over ${MAX_RESULT} characters together: return less from each function (E_TOO_LARGE)`;

export class Jobs {
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

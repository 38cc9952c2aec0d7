// Entries a kernel has not answered yet, which it runs one after another, and the ladder past the timeout of the one that runs: it has a
// moment to end by itself, then its isolate is given up, then its process. Every entry ends exactly once.
import type { EntryEnd } from "./protocol.ts";

/** Why a kernel is gone. `memory`: it passed its cap; `stuck`: it did not stop at a limit; `silent`: it missed its heartbeat; `closed`: by us. */
export type Death = "memory" | "stuck" | "silent" | "closed" | "forged" | "died";

export type Ended =
  | { readonly end: EntryEnd; readonly ms: number; readonly message?: string }
  | { readonly end: "dead"; readonly death: Death; readonly ms: number };

/** V8 is known to need 0.4 s to stop in the middle of a collection. With what comes after, and another kernel, this stays below a second. */
const OVERDUE_MS = 550;
const DISPOSE_MS = 250;
/** Posts that still come in stand before the end of their entry: then the ladder waits, at most this long past the timeout. */
const RECHECK_MS = 100;
const MAX_PATIENCE_MS = 5_000;

interface Waiting {
  readonly resolve: (ended: Ended) => void;
  readonly timeoutMs: number;
  /** When the one before it had ended; of one that waits, when it was sent. */
  started: number;
  timer: NodeJS.Timeout | undefined;
}

interface Ladder {
  readonly dispose: (seq: number) => void;
  readonly kill: () => void;
}

export class OpenEntries {
  readonly #ladder: Ladder;
  readonly #waiting = new Map<number, Waiting>();
  #seq = 0;
  #ended = 0;
  #posts = 0;

  constructor(ladder: Ladder) {
    this.#ladder = ladder;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many have ended so far. */
  get ended(): number {
    return this.#ended;
  }

  /** Sends an entry by its new number; resolves when it has ended. */
  open(timeoutMs: number, send: (seq: number) => void): Promise<Ended> {
    const seq = ++this.#seq;
    return new Promise((resolve) => {
      this.#waiting.set(seq, { resolve, timeoutMs, started: performance.now(), timer: undefined });
      if (this.#waiting.size === 1) this.#begin();
      send(seq);
    });
  }

  /** The oldest one runs. */
  #begin(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return;
    const [seq, waiting] = oldest;
    waiting.started = performance.now();
    this.#after(waiting.timeoutMs + OVERDUE_MS, seq, () => {
      this.#ladder.dispose(seq);
      this.#after(DISPOSE_MS, seq, () => this.#ladder.kill());
    });
  }

  posted(): void {
    this.#posts++;
  }

  /** False when not this entry is the one that runs. What the kernel says of the time counts only within what we measured. */
  end(seq: number, { ms, ...ended }: Exclude<Ended, { end: "dead" }>): boolean {
    const [oldest] = this.#waiting;
    if (oldest === undefined || oldest[0] !== seq) return false;
    const [, waiting] = oldest;
    this.#waiting.delete(seq);
    this.#ended++;
    clearTimeout(waiting.timer);
    waiting.resolve({ ...ended, ms: Math.max(0, Math.min(ms, performance.now() - waiting.started)) });
    this.#begin();
    return true;
  }

  endAll(death: Death): void {
    for (const { resolve, started, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      resolve({ end: "dead", death, ms: performance.now() - started });
    }
    this.#waiting.clear();
  }

  /** Goes a step up the ladder, unless the entry ends or posts meanwhile. */
  #after(ms: number, seq: number, step: () => void): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    waiting.timer = setTimeout(() => {
      const posts = this.#posts;
      // Timers come before what has arrived: let that be read first.
      setImmediate(() => {
        if (!this.#waiting.has(seq)) return;
        // From then on posts do not hold the ladder up any more.
        const lastStep = waiting.started + waiting.timeoutMs + MAX_PATIENCE_MS;
        if (this.#posts !== posts && performance.now() < lastStep) this.#after(RECHECK_MS, seq, step);
        else step();
      });
    }, ms);
  }
}

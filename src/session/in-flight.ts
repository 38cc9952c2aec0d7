// Host calls and timers that are not answered yet. Each belongs to a cell; a cell that is cut takes its own with it.

interface Call {
  readonly cell: number;
  readonly size: number;
  readonly controller: AbortController;
}

interface Timer {
  readonly cell: number;
  readonly handle: NodeJS.Timeout;
}

export class InFlight {
  readonly #calls = new Map<number, Call>();
  readonly #timers = new Map<number, Timer>();
  #size = 0;

  get calls(): number {
    return this.#calls.size;
  }

  /** Of all calls together. */
  get size(): number {
    return this.#size;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Registers a call and returns the signal that cancels it. */
  add(seq: number, cell: number, size: number): AbortSignal {
    const controller = new AbortController();
    this.#calls.set(seq, { cell, size, controller });
    this.#size += size;
    return controller.signal;
  }

  /** The cell an answered call belonged to; undefined when it was cancelled meanwhile. */
  finish(seq: number): number | undefined {
    const call = this.#calls.get(seq);
    if (call !== undefined) this.#forget(seq, call);
    return call?.cell;
  }

  startTimer(seq: number, cell: number, ms: number, fire: () => void): void {
    const handle = setTimeout(() => {
      this.#timers.delete(seq);
      fire();
    }, ms);
    this.#timers.set(seq, { cell, handle });
  }

  clearTimer(seq: number): void {
    clearTimeout(this.#timers.get(seq)?.handle);
    this.#timers.delete(seq);
  }

  clearTimers(): void {
    for (const { handle } of this.#timers.values()) clearTimeout(handle);
    this.#timers.clear();
  }

  /** Cancels a cell's calls, or all; returns their numbers. */
  cancel(reason: Error, cell?: number): number[] {
    const cancelled: number[] = [];
    for (const [seq, call] of this.#calls) {
      if (cell !== undefined && call.cell !== cell) continue;
      this.#forget(seq, call);
      call.controller.abort(reason);
      cancelled.push(seq);
    }
    return cancelled;
  }

  #forget(seq: number, { size }: Call): void {
    this.#calls.delete(seq);
    this.#size -= size;
  }
}

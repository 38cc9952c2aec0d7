// A cell's own time: it runs while code of the cell does, and while it waits with nothing but timers pending. While it waits for another
// host call it stands still: those have deadlines of their own.

export class OwnTime {
  #spent = 0;
  #since: number | undefined;

  /** In ms, up to now. */
  get ms(): number {
    return this.#spent + (this.#since === undefined ? 0 : performance.now() - this.#since);
  }

  run(): void {
    this.#since ??= performance.now();
  }

  stop(): void {
    this.#spent = this.ms;
    this.#since = undefined;
  }
}

// An allowance that outlasts its reason a little: memory that an isolate gave back stays resident for a moment.

const LINGER_MS = 5_000;

export class Lingering {
  #value = 0;
  #since = 0;

  /** The largest of the last while. */
  of(value: number): number {
    const now = performance.now();
    if (value >= this.#value || now - this.#since > LINGER_MS) {
      this.#value = value;
      this.#since = now;
    }
    return this.#value;
  }
}

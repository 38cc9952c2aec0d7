// Chance with a seed: the same tasks, the same labels, the same faults on every machine.
import { createHash } from "node:crypto";

export class Random {
  #state: number;

  constructor(seed: string) {
    this.#state = hash(seed);
  }

  /** In [0, 1). mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  one<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }
}

/** In [0, 1), the same for the same texts. */
export function chanceOf(...texts: readonly string[]): number {
  return hash(texts.join("\n")) / 2 ** 32;
}

function hash(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32LE(0);
}

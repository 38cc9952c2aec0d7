// How many children run at a time, over a whole tree. Each level has its own places: a parent that waits for its children holds none of
// theirs, so nothing waits for itself, and no more processes run than levels times places.
import { availableParallelism } from "node:os";
import pLimit, { type LimitFunction } from "p-limit";

export class Places {
  readonly #count: number;
  /** As many kernels come up at a time as there are cores: the first ones work while the others still start. */
  readonly starts = pLimit(availableParallelism());
  readonly #levels = new Map<number, LimitFunction>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Of the children of sessions at this depth. */
  at(depth: number): LimitFunction {
    const known = this.#levels.get(depth) ?? pLimit(this.#count);
    this.#levels.set(depth, known);
    return known;
  }
}

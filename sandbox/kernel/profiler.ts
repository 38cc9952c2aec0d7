// What a kernel's isolates spend their time in, sampled by V8 entry by entry and put into one tree.
import { MAX_PROFILE_NAME, type CpuProfile, type ProfileNode } from "../profile.ts";
import type { Isolate, Sampled } from "./isolate.ts";

/** isolated-vm keeps V8's profiler of every entry: each takes some 3 MB, and makes the next one's start a fraction of a millisecond longer. */
const MAX_ENTRIES = 200;
/** Entries of these kinds are code of a cell, or jobs; others, of which there are thousands, only when the last one took a while. */
const ALWAYS: ReadonlySet<unknown> = new Set(["run", "jobs"]);
const WORTH_MS = 5;
/** An isolate is let go of a moment after its entry has ended, and only then there is a profile of it. */
const RELEASE_MS = 1;
const TRIES = 20;
const MAX_SAMPLES = 2_000_000;

export class Profiler {
  readonly #nodes: ProfileNode[] = [[-1, "(root)", "", 0, 0]];
  readonly #places = new Map<string, number>();
  readonly #samples: number[] = [];
  readonly #deltas: number[] = [];
  #entries = 0;
  #unprofiled = 0;
  #title = 0;

  /** Whether an entry is to be profiled. `lastMs`: of the isolate's last one. */
  takes(kind: unknown, lastMs: number): boolean {
    if (!ALWAYS.has(kind) && lastMs < WORTH_MS) return false;
    if (this.#entries < MAX_ENTRIES && this.#samples.length < MAX_SAMPLES) return true;
    this.#unprofiled++;
    return false;
  }

  /** Runs an entry and takes its profile. Rejects as the entry does. */
  async of<T>(isolate: Isolate, entry: () => Promise<T>): Promise<T> {
    this.#entries++;
    const title = `entry ${++this.#title}`;
    await released();
    isolate.startCpuProfiler(title);
    try {
      return await entry();
    } finally {
      // An isolate that is gone takes its profile along.
      await this.#take(isolate, title).catch(() => undefined);
    }
  }

  get profile(): CpuProfile {
    return {
      nodes: this.#nodes,
      samples: this.#samples,
      deltas: this.#deltas,
      entries: this.#entries,
      unprofiled: this.#unprofiled,
    };
  }

  async #take(isolate: Isolate, title: string): Promise<void> {
    for (let i = 0; i < TRIES && !isolate.isDisposed; i++) {
      await released();
      const taken = await isolate.stopCpuProfiler(title);
      for (const { profile } of taken) this.#add(profile);
      if (taken.length > 0) return;
    }
  }

  #add({ nodes, samples, timeDeltas }: Sampled): void {
    const parents = new Map(nodes.flatMap(({ id, children }) => children.map((child) => [child, id] as const)));
    const places = new Map<number, number>();
    for (const { id, callFrame } of nodes) {
      const parent = places.get(parents.get(id) ?? -1);
      places.set(id, parent === undefined ? 0 : this.#place(parent, callFrame));
    }
    // What isolated-vm calls deltas are microseconds since the start.
    let before = 0;
    for (const [i, sample] of samples.entries()) {
      const at = timeDeltas[i] ?? before;
      this.#samples.push(places.get(sample) ?? 0);
      this.#deltas.push(Math.max(0, at - before));
      before = at;
    }
  }

  #place(parent: number, frame: Sampled["nodes"][number]["callFrame"]): number {
    // The declarations misspell it.
    const line = (frame as unknown as { readonly lineNumber: number }).lineNumber;
    const node: ProfileNode = [parent, cut(frame.functionName), cut(frame.url), line, frame.columnNumber];
    const key = node.join("\0");
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.#nodes.length);
    return this.#nodes.push(node) - 1;
  }
}

function cut(name: string): string {
  return name.slice(0, MAX_PROFILE_NAME);
}

function released(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, RELEASE_MS));
}

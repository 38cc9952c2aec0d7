// What the guest posts, and what becomes of it: calls are served, the rest goes to the running cell. A post of none of our guests is told
// apart, and its kernel ended by whoever asked.
import { crc32 } from "node:zlib";
import type { Post } from "../../prelude/contract.ts";
import { guardPost, type Kernel } from "../../sandbox/index.ts";
import type { EventSink } from "../events.ts";
import type { CellRun } from "./cell-run.ts";
import type { HostCalls } from "./host-calls.ts";
import type { Looks } from "./looks.ts";

export interface PostsOptions {
  readonly calls: HostCalls;
  readonly looks: Looks;
  readonly emit: EventSink;
  readonly running: () => CellRun | undefined;
  /** The cell whose entry runs: what is posted is its. */
  readonly owner: () => number;
  readonly onFinal: (kernel: Kernel, run: CellRun) => void;
}

export class Posts {
  readonly #options: PostsOptions;
  /** Of the entry that runs: how many there were, and a checksum of them. */
  #count = 0;
  #sum = 0;
  /** An entry that runs for the second time says again what it has said. */
  #heard: { readonly count: number; readonly sum: number } | undefined;

  constructor(options: PostsOptions) {
    this.#options = options;
  }

  /** An entry begins. */
  begin(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#heard = undefined;
  }

  /** The entry begins again in another guest: what came of it already is not taken twice. */
  beginAgain(): void {
    const heard = this.#heard ?? { count: this.#count, sum: this.#sum };
    this.begin();
    if (heard.count > 0) this.#heard = heard;
  }

  /** False for what no guest of ours posts, and for an entry that says something else when it runs again. */
  take(kernel: Kernel, text: string): boolean {
    const post = guardPost(text);
    if (post === undefined) return false;
    this.#sum = crc32(text, this.#sum);
    this.#count++;
    const heard = this.#heard;
    if (heard !== undefined && this.#count <= heard.count) return this.#count < heard.count || this.#sum === heard.sum;
    const { calls, looks, owner, onFinal } = this.#options;
    const run = this.#options.running();
    switch (post[0]) {
      case "call": {
        const [, seq, operation, args] = post;
        this.#tell(run, post);
        return calls.serve(kernel, owner(), seq, operation, args, text.length);
      }
      case "final": {
        const isFirst = run !== undefined && run.final === undefined;
        this.#tell(run, post);
        if (isFirst) onFinal(kernel, run);
        return true;
      }
      case "look":
        looks.answer(post[1], post[2]);
        return true;
      case "done":
        if (run !== undefined && post[1].cell === run.n) this.#tell(run, post);
        return true;
      default:
        this.#tell(run, post);
        return true;
    }
  }

  /** A post of the running cell that an earlier process had heard: its outcome is to have all of it. */
  retell(post: Post): void {
    this.#tell(this.#options.running(), post);
  }

  #tell(run: CellRun | undefined, post: Post): void {
    switch (post[0]) {
      case "call":
        if (run !== undefined && post[2] !== "timer" && post[2] !== "clear_timer") run.calls++;
        return;
      case "console":
        return this.#console(run, post[1]);
      case "time": {
        const line = run?.time(post[1], post[2], performance.now());
        if (line !== undefined) this.#console(run, line);
        return;
      }
      case "progress":
        return this.#options.emit({ type: "progress", label: "cell", done: post[1], total: post[2], text: post[3] });
      case "warning":
        return run?.warn(post[1]);
      case "final":
        if (run !== undefined) run.final ??= post[1];
        return;
      case "done":
        if (run !== undefined) run.done ??= post[1];
        return;
      case "look":
        return;
    }
  }

  /** Text that an earlier cell left behind stands in the running one's. */
  #console(run: CellRun | undefined, text: string): void {
    const shown = run === undefined ? text : run.console(text);
    if (shown !== "") this.#options.emit({ type: "console", cell: this.#options.owner(), text: shown });
  }
}

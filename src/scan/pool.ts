// Scan processes as the rest of the host sees them: a group of texts in, findings out. A text that ends its process, or takes too long, is
// found by scanning those that were with it one by one, and is a trouble of its own; everybody else's findings stay.
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import pLimit, { type LimitFunction } from "p-limit";
import { built } from "../built.ts";
import { HostError } from "../errors.ts";
import type { Part } from "./engine.ts";
import type { Answer, Order } from "./process.ts";
import { isRules, type Rule } from "./rule.ts";
import type { Group, PartResult } from "./thread.ts";

export interface ScanPoolOptions {
  /** Of the user's own, beside the built-in ones: one that ast-grep does not take is an error. */
  readonly rules?: readonly Rule[] | undefined;
  readonly threads: number;
  /** Of one text; for tests. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 20_000;
/** A process nobody needs costs memory alone. */
const IDLE_MS = 15_000;

/** As the build has made them of `src/scan/rules`. */
export function builtInRules(): Rule[] {
  const rules: unknown = JSON.parse(readFileSync(built("rules.json"), "utf8"));
  if (!isRules(rules)) throw new Error("dist/rules.json is no list of rules: build again");
  return rules;
}

interface Waiting {
  readonly resolve: (results: readonly PartResult[]) => void;
  readonly reject: (why: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The process went with what was in it. */
class Lost extends Error {
  /** This very group took too long. */
  readonly isLate: boolean;
  constructor(isLate: boolean) {
    super(isLate ? "it took too long" : "the scan process ended");
    this.isLate = isLate;
  }
}

export class ScanPool implements Disposable {
  readonly #options: ScanPoolOptions;
  #process: Promise<ScanProcess> | undefined;
  readonly #slots: LimitFunction;
  /** Groups in the process. */
  readonly #attempts = new Set<Promise<unknown>>();
  /** Suspects are scanned one after another, with nothing else in the process. */
  #alone: Promise<unknown> = Promise.resolve();
  #running = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ScanPoolOptions) {
    this.#options = options;
    this.#slots = pLimit(options.threads);
  }

  /** Starts it beforehand. Rejects with E_USAGE for a rule of the user's that ast-grep does not take. */
  async ready(): Promise<void> {
    await this.#up();
  }

  /** Of each part, in order. */
  async run(group: Group, signal: AbortSignal): Promise<readonly PartResult[]> {
    clearTimeout(this.#idle);
    this.#running++;
    try {
      return await this.#slots(() => this.#run(group, signal));
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle = setTimeout(() => this[Symbol.dispose](), IDLE_MS).unref();
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idle);
    const open = this.#process;
    this.#process = undefined;
    open?.then(
      (found) => found.end(),
      () => undefined,
    );
  }

  async #run(group: Group, signal: AbortSignal): Promise<readonly PartResult[]> {
    signal.throwIfAborted();
    for (let turn; turn !== this.#alone;) await (turn = this.#alone);
    const attempt = this.#attempt(group);
    this.#attempts.add(attempt);
    try {
      return await attempt.finally(() => this.#attempts.delete(attempt));
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      const [only] = group.parts;
      if (error.isLate && group.parts.length === 1 && only !== undefined) return [this.#late()];
    }
    const suspects = group.parts;
    const turn = this.#alone.then(() => this.#oneByOne(suspects, group.scanners, signal));
    this.#alone = turn.catch(() => undefined);
    return await turn;
  }

  async #oneByOne(parts: readonly Part[], scanners: readonly string[], signal: AbortSignal): Promise<PartResult[]> {
    await Promise.allSettled(this.#attempts);
    const results: PartResult[] = [];
    for (const part of parts) {
      signal.throwIfAborted();
      try {
        results.push(...(await this.#attempt({ scanners, parts: [part] })));
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        results.push(error.isLate ? this.#late() : { findings: [], isCut: false, trouble: "its parser crashed" });
      }
    }
    return results;
  }

  async #attempt(group: Group): Promise<readonly PartResult[]> {
    const process = await this.#up();
    return await process.run(group, this.#deadline(group.parts));
  }

  #deadline(parts: readonly Part[]): number {
    const each = this.#options.deadlineMs ?? DEADLINE_MS;
    // Together they get less than one by one: most take a millisecond.
    return parts.length === 1 ? each : each * 1.5;
  }

  #late(): PartResult {
    return { findings: [], isCut: false, trouble: `took over ${(this.#options.deadlineMs ?? DEADLINE_MS) / 1_000} s` };
  }

  #up(): Promise<ScanProcess> {
    if (this.#process !== undefined) return this.#process;
    const starting = ScanProcess.start(this.#options, () => {
      if (this.#process === starting) this.#process = undefined;
    });
    return (this.#process = starting);
  }
}

class ScanProcess {
  readonly #child: ChildProcess;
  readonly #onGone: (gone: ScanProcess) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(child: ChildProcess, onGone: (gone: ScanProcess) => void) {
    this.#child = child;
    this.#onGone = onGone;
  }

  static async start({ rules: own = [], threads }: ScanPoolOptions, onGone: (gone: ScanProcess) => void): Promise<ScanProcess> {
    // The environment is empty: no secret, no NODE_OPTIONS.
    const child = fork(built("scan-process.js"), [], {
      env: {},
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const started = new ScanProcess(child, onGone);
    const { promise, resolve, reject } = Promise.withResolvers<Extract<Answer, { type: "ready" }>>();
    const gone = (): void => {
      reject(new HostError("E_KERNEL", "the scan process did not start; rlm-repl doctor says more"));
      started.#lose(undefined);
    };
    child.once("exit", gone);
    child.once("error", gone);
    child.on("message", (answer: Answer) => {
      if (answer.type === "ready") resolve(answer);
      else started.#answered(answer);
    });
    started.#send({ type: "start", rules: builtInRules(), own, threads, thread: built("scan-thread.cjs") });
    const { wrong } = await promise;
    const [bad] = wrong;
    started.#hold(false);
    if (bad === undefined) return started;
    started.end();
    throw new HostError("E_USAGE", `--rules: rule ${bad.rule}: ${bad.why}`);
  }

  async run(group: Group, deadlineMs: number): Promise<readonly PartResult[]> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<readonly PartResult[]>();
    const timer = setTimeout(() => this.#lose(id), deadlineMs);
    this.#waiting.set(id, { resolve, reject, timer });
    this.#hold(true);
    this.#send({ type: "group", id, group });
    return await promise;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #answered(answer: Exclude<Answer, { type: "ready" }>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#hold(false);
    clearTimeout(waiting?.timer);
    if (answer.type === "done") waiting?.resolve(answer.results);
    else waiting?.reject(answer.isOut ? new Lost(false) : new Error(`a scan thread failed: ${answer.message}`));
  }

  /** All that is in it goes; `late`: the group whose time was up. */
  #lose(late: number | undefined): void {
    // The next group is another process's.
    this.#onGone(this);
    this.end();
    for (const [id, { reject, timer }] of this.#waiting) {
      clearTimeout(timer);
      reject(new Lost(id === late));
    }
    this.#waiting.clear();
  }

  #send(order: Order): void {
    this.#child.send(order, () => undefined);
  }

  /** Whether it keeps this process alive. */
  #hold(holds: boolean): void {
    if (holds) this.#child.ref();
    else this.#child.unref();
    const { channel } = this.#child;
    if (holds) channel?.ref();
    else channel?.unref();
  }
}

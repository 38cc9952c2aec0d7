// The kernel of a session over its lives: brought up, replaced when it is lost, counted when it dies for no reason a limit explains.
import type { LimitFunction } from "p-limit";
import { Spare, type Death, type Kernel, type KernelProcess } from "../../sandbox/index.ts";
import { HostError } from "../errors.ts";

const WINDOW_MS = 60_000;
/** Unexplained deaths within the window that a session survives. */
const DEFAULT_MAX_DEATHS = 3;
/** One cell at the command line is over before a spare process would be started. */
const SPARE_AFTER_MS = 500;
const UNEXPLAINED: Readonly<Record<Death, boolean>> = {
  died: true,
  silent: true,
  forged: true,
  memory: false,
  stuck: false,
  closed: false,
};

export interface KernelLifeOptions {
  readonly spawn: () => KernelProcess;
  readonly open: (process: KernelProcess) => Promise<Kernel>;
  readonly maxDeaths?: number | undefined;
  /** Of one session among many that begin at once: its kernels come up in their turn, and none is kept ready for the next one. */
  readonly turns?: LimitFunction | undefined;
  /** It can be entered from now on. */
  readonly onUp: (kernel: Kernel) => void;
}

/** Owns its kernels, and the process kept ready for the next one; `close` ends them. */
export class KernelLife {
  readonly #open: KernelLifeOptions["open"];
  readonly #maxDeaths: number;
  readonly #onUp: KernelLifeOptions["onUp"];
  readonly #spare: Spare;
  readonly #turns: LimitFunction | undefined;
  /** The last ones that count. */
  #deaths: readonly number[] = [];
  #coming: Promise<Kernel>;
  #live: Kernel | undefined;
  #closed = false;
  #wasUp = false;

  constructor({ spawn, open, onUp, turns, maxDeaths = DEFAULT_MAX_DEATHS }: KernelLifeOptions) {
    this.#turns = turns;
    this.#onUp = onUp;
    this.#open = open;
    this.#maxDeaths = maxDeaths;
    this.#spare = new Spare(spawn);
    this.#coming = this.#start();
  }

  /** The kernel that can be entered now, if there is one. */
  get live(): Kernel | undefined {
    return this.#live?.isAlive === true ? this.#live : undefined;
  }

  /** The kernel, brought up again when it is gone. Rejects with what keeps it from starting, or E_RESTART_LIMIT. */
  async ready(): Promise<Kernel> {
    const coming = this.#coming;
    const kernel = await coming.catch((error: unknown) => {
      // What kept the first one from starting will keep the others.
      if (!this.#wasUp) throw error;
      return undefined;
    });
    if (kernel?.isAlive === true) return kernel;
    if (this.#closed) throw new HostError("E_CLOSED", "the session is closed; open another");
    this.#checkDeaths();
    if (this.#coming === coming) this.#coming = this.#start();
    return await this.#coming;
  }

  noteDeath(death: Death): void {
    if (!UNEXPLAINED[death] || this.#isWorn) return;
    this.#deaths = [...this.#deaths, performance.now()].slice(-this.#maxDeaths - 1);
    if (this.#isWorn) this.#spare.close();
  }

  /** Gives a kernel up and brings the next one up. False when it was not the living one any more. */
  replace(kernel: Kernel): boolean {
    if (this.#live !== kernel) return false;
    this.#live = undefined;
    kernel.kill("closed");
    if (!this.#closed && !this.#isWorn) this.#coming = this.#start();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#spare.close();
    this.#live?.kill("closed");
    await this.#coming.then((kernel) => kernel.kill("closed")).catch(() => undefined);
  }

  #start(): Promise<Kernel> {
    const open = (): Promise<Kernel> => {
      if (this.#closed) throw new HostError("E_CLOSED", "the session is closed; open another");
      return this.#open(this.#spare.take());
    };
    const coming = (this.#turns === undefined ? open() : this.#turns(open)).then((kernel) => {
      this.#live = kernel;
      this.#wasUp = true;
      if (this.#closed) kernel.kill("closed");
      else this.#onUp(kernel);
      if (this.#turns === undefined) this.#spare.prepareIn(SPARE_AFTER_MS);
      return kernel;
    });
    // Whoever needs it awaits it; until then its failure waits too.
    coming.catch(() => undefined);
    return coming;
  }

  /** It died more often than it may: for good, or its next cells would start it over and over. */
  get #isWorn(): boolean {
    const [first = 0] = this.#deaths;
    return this.#deaths.length > this.#maxDeaths && (this.#deaths.at(-1) ?? 0) - first <= WINDOW_MS;
  }

  #checkDeaths(): void {
    if (!this.#isWorn) return;
    throw new HostError(
      "E_RESTART_LIMIT",
      `the sandbox died ${this.#maxDeaths + 1} times in ${WINDOW_MS / 1000} s, for no reason a limit explains; rlm-repl doctor shows the machine's limits`,
    );
  }
}

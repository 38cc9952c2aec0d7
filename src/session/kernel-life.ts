// The kernel of a session over its lives: brought up, replaced when it is lost, counted when it dies for no reason a limit explains.
import type { Death, Kernel } from "../../sandbox/index.ts";
import { HostError } from "../errors.ts";

const WINDOW_MS = 60_000;
/** Unexplained deaths within the window that a session survives. */
const DEFAULT_MAX_DEATHS = 3;

/** Owns its kernels; `close` ends the one that lives. */
export class KernelLife {
  readonly #open: () => Promise<Kernel>;
  readonly #maxDeaths: number;
  readonly #deaths: number[] = [];
  #coming: Promise<Kernel>;
  #live: Kernel | undefined;
  #closed = false;

  constructor(open: () => Promise<Kernel>, maxDeaths: number = DEFAULT_MAX_DEATHS) {
    this.#open = open;
    this.#maxDeaths = maxDeaths;
    this.#coming = this.#start();
  }

  /** The kernel that can be entered now, if there is one. */
  get live(): Kernel | undefined {
    return this.#live?.isAlive === true ? this.#live : undefined;
  }

  /** The kernel, brought up again when it is gone. Rejects with what keeps it from starting, or E_RESTART_LIMIT. */
  async ready(): Promise<Kernel> {
    const kernel = await this.#coming;
    if (kernel.isAlive) return kernel;
    this.#checkDeaths();
    this.#coming = this.#start();
    return this.#coming;
  }

  noteDeath(death: Death): void {
    if (death === "died") this.#deaths.push(performance.now());
  }

  /** Gives a kernel up and brings the next one up. False when it was not the living one any more. */
  replace(kernel: Kernel): boolean {
    if (this.#live !== kernel) return false;
    this.#live = undefined;
    kernel.kill("closed");
    if (!this.#closed && this.#recentDeaths() <= this.#maxDeaths) this.#coming = this.#start();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#live?.kill("closed");
    await this.#coming.then((kernel) => kernel.kill("closed")).catch(() => undefined);
  }

  #start(): Promise<Kernel> {
    const coming = this.#open().then((kernel) => {
      this.#live = kernel;
      if (this.#closed) kernel.kill("closed");
      return kernel;
    });
    // Whoever needs it awaits it; until then its failure waits too.
    coming.catch(() => undefined);
    return coming;
  }

  #checkDeaths(): void {
    const recent = this.#recentDeaths();
    if (recent <= this.#maxDeaths) return;
    throw new HostError(
      "E_RESTART_LIMIT",
      `the sandbox died ${recent} times in ${WINDOW_MS / 1000} s, for no reason a limit explains; rlm-repl doctor shows the machine's limits`,
    );
  }

  #recentDeaths(): number {
    const since = performance.now() - WINDOW_MS;
    return this.#deaths.filter((at) => at > since).length;
  }
}

// setTimeout: the host owns every clock, so a timer is a host operation that comes back as an entry.
import type { Bridge } from "./bridge.ts";
import { badArgument, named } from "./errors.ts";
import { hidden } from "./clock.ts";
import { apply, create, max, min, trunc } from "./primordials.ts";

interface Timer {
  readonly task: (...values: readonly unknown[]) => void;
  readonly values: readonly unknown[];
}

const MAX_DELAY_MS = 2 ** 31 - 1;

export class Timers {
  readonly #bridge: Bridge;
  #timers: Record<number, Timer> = create(null) as Record<number, Timer>;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  install(): void {
    const setTimeout = (task: unknown, delay: unknown = 0, ...values: readonly unknown[]): number => {
      if (typeof task !== "function") throw badArgument("setTimeout takes a function; text is not run");
      const ms = min(MAX_DELAY_MS, max(0, trunc(Number(delay)) || 0));
      const id = this.#bridge.send("timer", `${ms}`);
      this.#timers[id] = { task: task as Timer["task"], values };
      return id;
    };
    const clearTimeout = (id: unknown): void => {
      if (typeof id !== "number" || this.#timers[id] === undefined) return;
      delete this.#timers[id];
      this.#bridge.send("clear_timer", `${id}`);
    };
    hidden(globalThis, "setTimeout", named("setTimeout", setTimeout));
    hidden(globalThis, "clearTimeout", named("clearTimeout", clearTimeout));
  }

  fire(id: number): void {
    const timer = this.#timers[id];
    if (timer === undefined) return;
    delete this.#timers[id];
    apply(timer.task, undefined, timer.values);
  }

  /** A cell's timers end with it. */
  clear(): void {
    this.#timers = create(null) as Record<number, Timer>;
  }
}

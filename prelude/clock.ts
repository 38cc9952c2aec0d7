// Time and chance of the guest: the host hands out the clock with each entry, and randomness runs from the session's seed, so that the
// same cells against the same answers give the same state.
import { named } from "./errors.ts";
import { apply, define, floor, getOwnPropertyDescriptor, uncurry } from "./primordials.ts";

const knownFormat = uncurry(WeakMap.prototype.get);
const keepFormat = uncurry(WeakMap.prototype.set);

export class Clock {
  #now: number;
  #start: number;
  #state: number;

  constructor(now: number, seed: number) {
    this.#now = now;
    this.#start = now;
    this.#state = seed >>> 0;
  }

  /** For a guest that serves one after another: as if it had just begun. */
  restart(now: number, seed: number): void {
    this.#now = now;
    this.#start = now;
    this.#state = seed >>> 0;
  }

  /** Never goes back. */
  advance(now: number): void {
    if (now > this.#now) this.#now = now;
  }

  /** Replaces every way to read the machine's clock or its randomness. */
  install(): void {
    const RealDate = Date;
    const now = (): number => floor(this.#now);
    const toText = uncurry(Date.prototype.toString);

    function GuestDate(this: unknown, ...args: readonly unknown[]): unknown {
      if (new.target === undefined) return toText(new RealDate(now()));
      return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target);
    }
    define(GuestDate, "name", "Date", { writable: false });
    define(GuestDate, "length", 7, { writable: false });
    define(GuestDate, "prototype", RealDate.prototype, { writable: false, configurable: false });
    hidden(
      GuestDate,
      "now",
      named("now", () => now()),
    );
    hidden(GuestDate, "parse", RealDate.parse);
    hidden(GuestDate, "UTC", RealDate.UTC);
    hidden(RealDate.prototype, "constructor", GuestDate);
    hidden(globalThis, "Date", GuestDate);

    this.#installFormats(now);
    hidden(globalThis, "performance", { now: () => this.#now - this.#start, timeOrigin: this.#start });
    hidden(
      Math,
      "random",
      named("random", () => this.#random() / 0x1_0000_0000),
    );
    hidden(globalThis, "crypto", { randomUUID: () => this.#uuid() });
  }

  /** `Intl.DateTimeFormat().format()` without a date reads the machine's clock. */
  #installFormats(now: () => number): void {
    const prototype = Intl.DateTimeFormat.prototype;
    const getter = Object.getOwnPropertyDescriptor(prototype, "format")?.get;
    const toParts = uncurry(prototype.formatToParts);
    const bound = new WeakMap<object, unknown>();
    const guest = {
      get format() {
        const known = knownFormat(bound, this);
        if (known !== undefined) return known;
        const format = apply(getter as () => unknown, this, []) as (date?: Date | number) => string;
        const own = named("", (date: Date | number | undefined) => format(date === undefined ? now() : date));
        keepFormat(bound, this, own);
        return own;
      },
      formatToParts(date: Date | number | undefined) {
        return toParts(this, date === undefined ? now() : date);
      },
    };
    const format = getOwnPropertyDescriptor(guest, "format") as PropertyDescriptor;
    Object.defineProperty(prototype, "format", { ...format, enumerable: false });
    hidden(prototype, "formatToParts", guest.formatToParts);
  }

  /** mulberry32: 32 bits of state are enough for a stream nobody relies on for secrets. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math_imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math_imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  #uuid(): string {
    let hex = "";
    for (let i = 0; i < 4; i++) hex += (this.#random() + 0x1_0000_0000).toString(16).slice(1);
    const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) & 3] ?? "8";
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}

const Math_imul = Math.imul;

/** A property like a built-in's: not enumerable, but the guest's to replace. */
export function hidden(object: object, name: string, value: unknown): void {
  define(object, name, value);
}

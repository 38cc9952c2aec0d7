// The only file that touches isolated-vm: isolates, the prelude in them, and the ways in. Only strings cross; an entry's result is
// never read; an entry's error is a bounded string that proves nothing.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type ivm from "isolated-vm";
import type { EntryEnd } from "../protocol.ts";
import { cacheOf, SCRIPT_NAME } from "../script-cache.ts";
import { Profiler } from "./profiler.ts";

type Ivm = typeof ivm;

export interface IsolateOptions {
  readonly memoryMb: number;
  readonly prelude: GuestScript;
  readonly setup: string;
  readonly onPost: (message: string) => void;
  /** The isolate ran out of memory in a way V8 does not survive; the process has a moment left. */
  readonly onCatastrophe: () => void;
}

export type Isolate = ivm.Isolate;
export type Sampled = ivm.CpuProfile;

/** A string of the kernel's, shared by every isolate that gets it: one copy in memory. */
export type SharedText = ivm.ExternalCopy<string>;

/** What is handed to an isolate. */
export type Handed = string | number | SharedText | ivm.ExternalCopy<SharedArrayBuffer>;

/** A script of the build, with what V8 made of it then. */
export interface GuestScript {
  readonly source: string;
  readonly cache: ivm.ExternalCopy<ArrayBuffer> | undefined;
}

const MAX_MESSAGE = 2_000;
/** A loop in a microtask takes the rest of the queue with it when it is cut, so one is nearly always enough. */
const DRAINS = 4;
const DRAIN_MS = 100;
/**
 * V8 optimizes on other threads and tells the isolate by an interrupt when it is done. One that comes between two entries is lost, and the
 * function stays slow for ever (measured: 3 to 13 × in a third of the scans of one hot function). Any later one makes good for it, so after
 * an entry that was long enough to be optimized, a function that is always new becomes hot. Takes half a millisecond.
 */
const STIR = `(() => {
  const fresh = eval;
  return (n) => void fresh("(function (k) { let x = " + n + "; for (let i = 0; i < k; i++) x = ((x ^ i) + 1) | 0; return x; })")(100_000);
})()`;
const STIR_AFTER_MS = 5;
const CAN_OPTIMIZE = !process.execArgv.includes("--jitless");

export class Engine {
  readonly #ivm: Ivm;
  /** Of all isolates that are opened from now on. */
  profiler: Profiler | undefined;

  /** The addon is loaded by its own path: that file and the kernel's are all the permission model lets this process read. */
  constructor(addonPath: string) {
    const addon: unknown = createRequire(addonPath)(addonPath);
    this.#ivm = (addon as { ivm: Ivm }).ivm;
  }

  share(text: string): SharedText {
    return new this.#ivm.ExternalCopy(text);
  }

  /** A number that an isolate writes, and that is read while its code runs or after it was cut; and what hands it over. */
  gauge(): { readonly read: () => number; readonly handed: Handed } {
    const shared = new SharedArrayBuffer(4);
    const view = new Int32Array(shared);
    return { read: () => Atomics.load(view, 0), handed: new this.#ivm.ExternalCopy(shared) };
  }

  /** The compiled form may be missing: then it is compiled, each time. */
  read(path: string): GuestScript {
    const source = readFileSync(path, "utf8");
    try {
      return { source, cache: new this.#ivm.ExternalCopy(new Uint8Array(readFileSync(cacheOf(path))).buffer) };
    } catch {
      return { source, cache: undefined };
    }
  }

  async open(options: IsolateOptions): Promise<GuestIsolate> {
    const isolate = new this.#ivm.Isolate({
      memoryLimit: Math.max(8, Math.round(options.memoryMb)),
      onCatastrophicError: options.onCatastrophe,
    });
    const context = await isolate.createContext();
    const stirrer = await isolate.compileScript(STIR);
    const stir = await stirrer.run(context, { reference: true });
    const { source, cache } = options.prelude;
    const script = await isolate.compileScript(source, { filename: SCRIPT_NAME, ...(cache === undefined ? {} : { cachedData: cache }) });
    const boot = await script.run(context, { reference: true });
    const post = new this.#ivm.Callback(
      (message: unknown) => {
        if (typeof message === "string") options.onPost(message);
      },
      { ignored: true },
    );
    const enter: ivm.Reference = await boot.apply(undefined, [post, options.setup], { result: { reference: true } });
    script.release();
    return new GuestIsolate(isolate, enter, stir, this.profiler);
  }
}

export interface Entered {
  readonly end: EntryEnd;
  readonly ms: number;
  readonly message?: string;
}

export class GuestIsolate {
  readonly #isolate: ivm.Isolate;
  readonly #enter: ivm.Reference;
  readonly #stir: ivm.Reference;
  readonly #profiler: Profiler | undefined;
  #stirs = 0;
  /** Of the last entry, if nothing went wrong. */
  #lastMs = 0;
  #givenUp = false;
  #isExhausted = false;

  constructor(isolate: ivm.Isolate, enter: ivm.Reference, stir: ivm.Reference, profiler: Profiler | undefined) {
    this.#profiler = profiler;
    this.#isolate = isolate;
    this.#enter = enter;
    this.#stir = stir;
  }

  /** Enters once; microtasks drain inside. Never rejects. */
  async enter(args: readonly Handed[], timeoutMs: number): Promise<Entered> {
    if (this.#lastMs > STIR_AFTER_MS && CAN_OPTIMIZE) {
      await this.#stir.apply(undefined, [this.#stirs++], { timeout: DRAIN_MS }).catch(() => undefined);
    }
    if (this.#profiler?.takes(args[0], this.#lastMs) === true)
      return await this.#profiler.of(this.#isolate, () => this.#enterNow(args, timeoutMs));
    return await this.#enterNow(args, timeoutMs);
  }

  async #enterNow(args: readonly Handed[], timeoutMs: number): Promise<Entered> {
    const started = performance.now();
    try {
      const handed = args.map((arg) => (typeof arg === "object" ? arg.copyInto() : arg));
      await this.#enter.apply(undefined, handed, { timeout: timeoutMs });
      this.#lastMs = performance.now() - started;
      return { end: "ok", ms: this.#lastMs };
    } catch (error) {
      // What a cut entry left behind comes out in the next one, which is to be its drain.
      this.#lastMs = 0;
      const ms = performance.now() - started;
      return { ...this.#ended(error, ms, timeoutMs), ms };
    }
  }

  /**
   * Runs the microtasks that a cut entry left behind, each loop in them cut in turn: they are that entry's, and the next would pay for
   * them. Undefined when they do not end; the message is that of a rejection nobody handled.
   */
  async drain(): Promise<{ readonly message?: string } | undefined> {
    for (let i = 0; i < DRAINS; i++) {
      const { end, message } = await this.enter(["drain"], DRAIN_MS);
      if (end === "memory" || end === "disposed") return undefined;
      if (end !== "timeout") return message === undefined ? {} : { message };
    }
    return undefined;
  }

  /** What a guest throws can say anything: only what was measured counts. */
  #ended(error: unknown, ms: number, timeoutMs: number): { end: EntryEnd; message?: string } {
    if (this.#isExhausted) return { end: "memory" };
    if (this.#givenUp) return { end: "disposed" };
    if (this.#isolate.isDisposed) return { end: "memory" };
    const message = describe(error);
    if (message === "Script execution timed out." && ms >= timeoutMs * 0.95) return { end: "timeout" };
    return { end: "threw", message };
  }

  /** What its heap holds, in MiB. */
  get heapMb(): number {
    return this.#isolate.isDisposed ? 0 : this.#isolate.getHeapStatisticsSync().used_heap_size / (1024 * 1024);
  }

  /** Disposed for its memory. */
  exhaust(): void {
    this.#isExhausted = true;
    this.dispose();
  }

  dispose(): void {
    this.#givenUp = true;
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }
}

/** What isolated-vm says of a thrown object that is no Error: true, but not the guest's to read in these words. */
const NO_ERROR = /^An object was thrown from supplied code within isolated-vm/;

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : typeof error === "string" ? error : String(error);
  if (NO_ERROR.test(text)) return "an object that is no Error was thrown";
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

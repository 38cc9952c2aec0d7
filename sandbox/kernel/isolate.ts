// The only file that touches isolated-vm: isolates, the prelude in them, and the ways in. Only strings cross; an entry's result is
// never read; an entry's error is a bounded string that proves nothing.
import { createRequire } from "node:module";
import type ivm from "isolated-vm";
import type { EntryEnd } from "../protocol.ts";

type Ivm = typeof ivm;

export interface IsolateOptions {
  readonly memoryMb: number;
  readonly prelude: string;
  readonly setup: string;
  readonly onPost: (message: string) => void;
  /** The isolate ran out of memory in a way V8 does not survive; the process has a moment left. */
  readonly onCatastrophe: () => void;
}

/** A string of the kernel's, shared by every isolate that gets it: one copy in memory. */
export type SharedText = ivm.ExternalCopy<string>;

const MAX_MESSAGE = 2_000;

export class Engine {
  readonly #ivm: Ivm;

  /** The addon is loaded by its own path: that file and the kernel's are all the permission model lets this process read. */
  constructor(addonPath: string) {
    const addon: unknown = createRequire(addonPath)(addonPath);
    this.#ivm = (addon as { ivm: Ivm }).ivm;
  }

  share(text: string): SharedText {
    return new this.#ivm.ExternalCopy(text);
  }

  async open(options: IsolateOptions): Promise<GuestIsolate> {
    const isolate = new this.#ivm.Isolate({
      memoryLimit: Math.max(8, Math.round(options.memoryMb)),
      onCatastrophicError: options.onCatastrophe,
    });
    const context = await isolate.createContext();
    const script = await isolate.compileScript(`(function(post, setup){${options.prelude}\nreturn prelude.boot(post, setup);})`, {
      filename: "rlm:prelude",
    });
    const boot = await script.run(context, { reference: true });
    const post = new this.#ivm.Callback(
      (message: unknown) => {
        if (typeof message === "string") options.onPost(message);
      },
      { ignored: true },
    );
    const enter: ivm.Reference = await boot.apply(undefined, [post, options.setup], { result: { reference: true } });
    script.release();
    return new GuestIsolate(isolate, enter);
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
  #givenUp = false;
  #isExhausted = false;

  constructor(isolate: ivm.Isolate, enter: ivm.Reference) {
    this.#isolate = isolate;
    this.#enter = enter;
  }

  /** Enters once; microtasks drain inside. Never rejects. */
  async enter(args: readonly (string | number | SharedText)[], timeoutMs: number): Promise<Entered> {
    const started = performance.now();
    try {
      const handed = args.map((arg) => (typeof arg === "object" ? arg.copyInto() : arg));
      await this.#enter.apply(undefined, handed, { timeout: timeoutMs });
      return { end: "ok", ms: performance.now() - started };
    } catch (error) {
      return { ...this.#ended(error, performance.now() - started, timeoutMs), ms: performance.now() - started };
    }
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

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : typeof error === "string" ? error : String(error);
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

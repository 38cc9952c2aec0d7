// Host calls of a session: recorded, served by their handlers, answered in the order the answers arrive.
import type { Operation } from "../../prelude/contract.ts";
import type { Kernel } from "../../sandbox/index.ts";
import { MAX_ARGUMENTS_IN_FLIGHT, MAX_CALLS_IN_FLIGHT, MAX_RESULT } from "../../sandbox/limits.ts";
import type { ScanService } from "../calls/scan.ts";
import type { CallContext, Handlers } from "../calls/types.ts";
import { HostError, messageOf } from "../errors.ts";
import type { EventSink } from "../events.ts";
import { InFlight } from "./in-flight.ts";
import type { Journal } from "./journal.ts";
import { keyOf } from "./replay.ts";

/** What an answer or a timer brings to the guest. */
export interface Delivery {
  readonly kind: "settle" | "timer";
  readonly id: number;
  readonly text: string;
  readonly cell: number;
}

export interface HostCallOptions {
  readonly handlers: Handlers;
  readonly scans: ScanService;
  readonly journal: Journal;
  readonly emit: EventSink;
  readonly deliver: (delivery: Delivery) => void;
  /** A note for the running cell's outcome. */
  readonly warn: (text: string) => void;
  /** Number of the session's last call. */
  readonly last: number;
}

/** Of posts, in UTF-16 units: the guest counts arguments alone. */
const MAX_SIZE_IN_FLIGHT = MAX_ARGUMENTS_IN_FLIGHT + 100 * MAX_CALLS_IN_FLIGHT;
const MAX_DELAY_MS = 2 ** 31 - 1;

export class HostCalls {
  readonly #options: HostCallOptions;
  readonly #inFlight = new InFlight();
  /** Scans that are not answered: they run in the kernel, and again in the next one. */
  readonly #scans = new Map<number, (kernel: Kernel) => void>();
  #last: number;

  constructor(options: HostCallOptions) {
    this.#options = options;
    this.#last = options.last;
  }

  /** Number of the last call, over all kernels of the session. */
  get last(): number {
    return this.#last;
  }

  /** Calls and timers that will still bring something. */
  get pending(): { readonly calls: number; readonly timers: number } {
    return { calls: this.#inFlight.calls, timers: this.#inFlight.timers };
  }

  /** Serves a call of the guest; `size` is that of its post. False for one that no guest of ours makes: it counts, and has its limits. */
  serve(kernel: Kernel, cell: number, seq: number, operation: Operation, args: unknown, size: number): boolean {
    if (seq !== this.#last + 1 || this.#inFlight.calls > MAX_CALLS_IN_FLIGHT || this.#inFlight.size + size > MAX_SIZE_IN_FLIGHT)
      return false;
    this.#last = seq;
    const json = JSON.stringify(args);
    const { journal } = this.#options;
    journal.write({ type: "call", seq, cell, op: operation, key: keyOf(operation, json), args: journal.value(json) });
    if (operation === "timer") this.#startTimer(seq, cell, args);
    else if (operation === "clear_timer") this.#inFlight.clearTimer(Number(args));
    else this.#dispatch(kernel, cell, seq, operation, args, size);
    return true;
  }

  /** What ran in a kernel that is gone runs again in this one. */
  repeatIn(kernel: Kernel): void {
    for (const scan of this.#scans.values()) scan(kernel);
  }

  clearTimers(): void {
    this.#inFlight.clearTimers();
  }

  /** Cancels the calls of a cell, or all; returns their numbers, which the guest must forget. */
  cancel(why: string, cell?: number): number[] {
    return this.#inFlight.cancel(new HostError("E_CANCELLED", why), cell);
  }

  #startTimer(seq: number, cell: number, args: unknown): void {
    const ms = typeof args === "number" ? Math.max(0, Math.min(args, MAX_DELAY_MS)) : 0;
    this.#inFlight.startTimer(seq, cell, ms, () => this.#options.deliver({ kind: "timer", id: seq, text: "", cell }));
  }

  #dispatch(
    kernel: Kernel,
    cell: number,
    seq: number,
    operation: Exclude<Operation, "timer" | "clear_timer">,
    args: unknown,
    size: number,
  ): void {
    const { handlers, scans, journal, emit, warn } = this.#options;
    const call: CallContext = {
      signal: this.#inFlight.add(seq, cell, size),
      emit,
      warn,
      slot: (i, result) => journal.write({ type: "slot", seq, i, result: journal.value(JSON.stringify(result)) }),
    };
    const begin = (work: Promise<unknown>): void =>
      void work.then(
        (value) => this.#answered(seq, operation, value),
        (error: unknown) => this.#refused(seq, error),
      );
    if (operation !== "scan") return begin(handlers[operation](args, call));
    const scan = (into: Kernel): void => begin(scans.run(args, call, into));
    this.#scans.set(seq, scan);
    scan(kernel);
  }

  #answered(seq: number, operation: Operation, value: unknown): void {
    const json = JSON.stringify(value ?? null);
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_RESULT) {
      const message = `the result of this call is ${bytes} bytes, the limit is ${MAX_RESULT}: ask for less at a time, by lines, chunks or max_matches`;
      return this.#refused(seq, new HostError("E_TOO_LARGE", message));
    }
    const { journal } = this.#options;
    this.#settle(seq, `{"ok":true,"value":${json}}`, () => {
      const kept = isRepeatable(operation) ? journal.repeatable(json) : { value: journal.value(json) };
      journal.write({ type: "answer", seq, ok: true, ...kept });
    });
  }

  #refused(seq: number, error: unknown): void {
    const known = error instanceof HostError ? error : new HostError("E_DEFECT", `this call failed: ${messageOf(error)}`, { cause: error });
    const value = { code: known.code, message: known.message };
    this.#settle(seq, JSON.stringify({ ok: false, error: value }), () =>
      this.#options.journal.write({ type: "answer", seq, ok: false, value }),
    );
  }

  /** An answer to a call that was cancelled meanwhile is nobody's. */
  #settle(seq: number, text: string, record: () => void): void {
    this.#scans.delete(seq);
    const cell = this.#inFlight.finish(seq);
    if (cell === undefined) return;
    record();
    this.#options.deliver({ kind: "settle", id: seq, text, cell });
  }
}

/** Reads and searches can be made again; what models said cannot. */
function isRepeatable(operation: Operation): boolean {
  return operation.startsWith("read_") || operation.startsWith("list_") || operation.startsWith("rg_");
}

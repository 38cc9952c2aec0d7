// Host calls of a session: recorded, served by their handlers, answered in the order the answers arrive.
import type { Operation } from "../../prelude/contract.ts";
import type { Kernel } from "../../sandbox/index.ts";
import { MAX_ARGUMENTS_IN_FLIGHT, MAX_CALLS_IN_FLIGHT, MAX_RESULT } from "../../sandbox/limits.ts";
import type { ScanService } from "../calls/scan.ts";
import type { CallContext, Handlers, Served } from "../calls/types.ts";
import { HostError, messageOf } from "../errors.ts";
import type { EventSink } from "../events.ts";
import { usageJson } from "../pool/usage.ts";
import { InFlight } from "./in-flight.ts";
import type { Journal } from "./journal.ts";
import type { ModelNote } from "./records.ts";
import { keyOf } from "./replay.ts";
import type { OpenCall } from "./unfinished.ts";

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

interface Call {
  readonly seq: number;
  readonly cell: number;
  readonly operation: Operation;
  readonly args: unknown;
  /** Of its post, in UTF-16 units. */
  readonly size: number;
  /** A process that ended had made it; slots of a batch that had arrived. */
  readonly again?: ReadonlyMap<number, unknown>;
}

interface Handling {
  readonly context: CallContext;
  readonly end: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** Of posts, in UTF-16 units: the guest counts arguments alone. */
const MAX_SIZE_IN_FLIGHT = MAX_ARGUMENTS_IN_FLIGHT + 100 * MAX_CALLS_IN_FLIGHT;
const MAX_DELAY_MS = 2 ** 31 - 1;

export class HostCalls {
  readonly #options: HostCallOptions;
  readonly #inFlight = new InFlight();
  /** Scans that are not answered: they run in the kernel, and again in the next one. */
  readonly #scans = new Map<number, (kernel: Kernel) => void>();
  /** Calls that the entry which runs again has made before, by number. */
  #expected: ReadonlyMap<number, OpenCall> = new Map();
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
    const json = JSON.stringify(args);
    const key = keyOf(operation, json);
    const expected = this.#expected.get(seq);
    if (expected !== undefined && expected.key !== key) {
      this.#diverged(expected);
      return false;
    }
    this.#last = seq;
    const { journal } = this.#options;
    if (expected === undefined) journal.write({ type: "call", seq, cell, op: operation, key, args: journal.value(json) });
    const again = expected === undefined ? {} : { again: expected.slots };
    if (expected?.isAnswered !== true) this.#begin(kernel, { seq, cell, operation, args, size, ...again });
    return true;
  }

  /** The entry that comes next made these calls before its process ended, and makes them again: the first one is number `before` + 1. */
  expect(calls: readonly OpenCall[], before: number): void {
    this.#last = before;
    this.#expected = new Map(calls.map((call) => [call.seq, call]));
  }

  /** The entry has ended: false when it has not made every call that was expected of it. */
  metExpectation(): boolean {
    const missing = [...this.#expected.values()].find(({ seq }) => seq > this.#last);
    if (missing !== undefined) this.#diverged(missing);
    this.#expected = new Map();
    return missing === undefined;
  }

  /** Serves a call that a process made which has ended. */
  takeUp(kernel: Kernel, { seq, cell, op, args, slots }: OpenCall): void {
    const json = this.#options.journal.jsonOf(args);
    this.#begin(kernel, { seq, cell, operation: op, args: JSON.parse(json), size: json.length, again: slots });
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

  #begin(kernel: Kernel, call: Call): void {
    const { operation, args } = call;
    if (operation === "timer") this.#startTimer(call);
    else if (operation === "clear_timer") this.#inFlight.clearTimer(Number(args));
    else if (operation === "scan") this.#scan(kernel, call);
    else {
      const { context, end, fail } = this.#contextOf(call);
      void this.#options.handlers[operation](args, context).then(end, fail);
    }
  }

  #startTimer({ seq, cell, args }: Call): void {
    const ms = typeof args === "number" ? Math.max(0, Math.min(args, MAX_DELAY_MS)) : 0;
    this.#inFlight.startTimer(seq, cell, ms, () => this.#options.deliver({ kind: "timer", id: seq, text: "", cell }));
  }

  #scan(kernel: Kernel, call: Call): void {
    const { context, end, fail } = this.#contextOf(call);
    const scan = (into: Kernel): void => void this.#options.scans.run(call.args, context, into).then(end, fail);
    this.#scans.set(call.seq, scan);
    scan(kernel);
  }

  /** What a handler is given, and where its answer or its failure goes. */
  #contextOf({ seq, cell, operation, size, again }: Call): Handling {
    const { journal, emit, warn } = this.#options;
    let served: Served | undefined;
    /** Every slot so far was there already. */
    let isThere = true;
    const context: CallContext = {
      seq,
      signal: this.#inFlight.add(seq, cell, size),
      emit,
      warn,
      ...(again === undefined ? {} : { again: { slots: again, onRequest: () => journal.write({ type: "again", seq }) } }),
      slot: (i, result, by) => {
        if (wasThere(by)) return;
        isThere = false;
        journal.write({ type: "slot", seq, i, result: journal.value(JSON.stringify(result)), ...noteOf(by) });
      },
      served: (by) => {
        served = by;
        isThere = wasThere(by);
      },
    };
    const isModels = operation.startsWith("llm") || operation.startsWith("rlm");
    return {
      context,
      end: (value) => this.#answered(seq, operation, value, noteOf(served), isModels && isThere),
      fail: (error) => this.#refused(seq, error, noteOf(served)),
    };
  }

  /** `isThere`: what it says stands in the journal already. */
  #answered(seq: number, operation: Operation, value: unknown, note: ModelNote, isThere: boolean): void {
    const json = JSON.stringify(value ?? null);
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_RESULT) {
      const message = `the result of this call is ${bytes} bytes, the limit is ${MAX_RESULT}: ask for less at a time, by lines, chunks or max_matches`;
      return this.#refused(seq, new HostError("E_TOO_LARGE", message));
    }
    const { journal } = this.#options;
    this.#settle(seq, `{"ok":true,"value":${json}}`, () => {
      const kept = isRepeatable(operation) ? journal.repeatable(json) : { value: journal.value(json, isThere) };
      journal.write({ type: "answer", seq, ok: true, ...kept, ...note });
    });
  }

  #refused(seq: number, error: unknown, note: ModelNote = {}): void {
    const known = error instanceof HostError ? error : new HostError("E_DEFECT", `this call failed: ${messageOf(error)}`, { cause: error });
    const value = { code: known.code, message: known.message };
    this.#settle(seq, JSON.stringify({ ok: false, error: value }), () =>
      this.#options.journal.write({ type: "answer", seq, ok: false, value, ...note }),
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

  #diverged({ seq, op, key }: OpenCall): void {
    this.#options.warn(
      `the cell could not go on as it was: call ${seq}, ${op} (${key.slice(0, 12)}) was expected, and something else was found (E_DIVERGED)`,
    );
  }
}

/** Reads and searches can be made again; what models said cannot. */
function isRepeatable(operation: Operation): boolean {
  return operation.startsWith("read_") || operation.startsWith("list_") || operation.startsWith("rg_");
}

function wasThere({ memo, paid }: Served): boolean {
  return memo !== undefined && paid === undefined;
}

function noteOf(served: Served | undefined): ModelNote {
  const { memo, paid } = served ?? {};
  return paid === undefined ? {} : { ...(memo === undefined ? {} : { memo }), paid: usageJson(paid) };
}

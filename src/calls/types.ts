// Host operations as the session serves them: each a function of its arguments, which come from the guest and are `unknown`.
import type { Operation } from "../../prelude/contract.ts";
import type { EventSink } from "../events.ts";
import type { Usage } from "../pool/usage.ts";

/** What the journal is told of a model's answer: so that it is not asked for, or not counted, again. */
export interface Served {
  /** What the answer is kept by. */
  readonly memo?: string;
  /** Undefined: it was there already. */
  readonly paid?: Usage;
}

export interface CallContext {
  /** Number of the call in its session. */
  readonly seq: number;
  /** Aborted with a `HostError` when the cell that made the call is cut, or the session closes. */
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** Of a call that a process had made which ended before its answer came. */
  readonly again?: {
    /** Slots of a batch that had arrived. */
    readonly slots: ReadonlyMap<number, unknown>;
    /** A request of it is made again. */
    readonly onRequest: () => void;
  };
  /** A slot of a batch has arrived. */
  readonly slot: (i: number, result: unknown, served: Served) => void;
  /** The answer that comes next is a model's. */
  readonly served: (served: Served) => void;
  /** A note for the cell's outcome. */
  readonly warn: (text: string) => void;
}

/** Resolves to JSON; rejects with a `HostError`, whose code and message the cell gets. */
export type Handler = (args: unknown, call: CallContext) => Promise<unknown>;

/** What the session hands to the pools; timers are its own. */
export type ServedOperation = Exclude<Operation, "timer" | "clear_timer" | "scan">;

export type Handlers = Readonly<Record<ServedOperation, Handler>>;

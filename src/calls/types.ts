// Host operations as the session serves them: each a function of its arguments, which come from the guest and are `unknown`.
import type { Operation } from "../../prelude/contract.ts";
import type { EventSink } from "../events.ts";

export interface CallContext {
  /** Aborted with a `HostError` when the cell that made the call is cut, or the session closes. */
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** A slot of a batch has arrived. */
  readonly slot: (i: number, result: unknown) => void;
  /** A note for the cell's outcome. */
  readonly warn: (text: string) => void;
}

/** Resolves to JSON; rejects with a `HostError`, whose code and message the cell gets. */
export type Handler = (args: unknown, call: CallContext) => Promise<unknown>;

/** What the session hands to the pools; timers are its own. */
export type ServedOperation = Exclude<Operation, "timer" | "clear_timer" | "scan">;

export type Handlers = Readonly<Record<ServedOperation, Handler>>;

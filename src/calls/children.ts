// What a cell's rlm_query asks of whoever starts children: the loop does, which stands above.
import type { LimitFunction } from "p-limit";
import type { JsonSchema, Model } from "../llm/model.ts";
import type { Budget } from "../pool/budget.ts";
import type { Usage } from "../pool/usage.ts";
import type { MemoryContext } from "../workspace/context-input.ts";
import type { CallContext } from "./types.ts";

/** A child works on what it is given, or on a context of its parent, which is shared. */
export type ChildContext = MemoryContext | { readonly inherited: string };

export interface ChildOrder {
  /** What tells it apart among the children of its parent: the number of the call, and that of the slot. */
  readonly place: string;
  readonly prompt: string;
  readonly context: ChildContext;
  readonly model: Model;
  readonly subModel: Model;
  readonly system?: string;
  readonly temperature?: number;
  /** Of a reply of its root model. */
  readonly maxTokens?: number;
  readonly schema?: JsonSchema;
  readonly maxIterations?: number;
  /** What it may spend is this part, 0 to 1, of what is left of it. */
  readonly budget: Budget;
  readonly part: number;
}

export interface ChildAnswer {
  readonly answer: unknown;
  readonly usage: Usage;
  /** Why the answer may not be all there is. */
  readonly note?: string;
}

export interface Children {
  /** Of children below; 0: there are none. */
  readonly levels: number;
  /** So many children run at a time at this level, over the whole tree: levels below have places of their own, so none waits for itself. */
  readonly places: LimitFunction;
  /** Rejects with a `HostError` for a child that ends without an answer; `served` is told what it paid in any case. */
  run(order: ChildOrder, call: CallContext, served: CallContext["served"]): Promise<ChildAnswer>;
}

// What a question came to, as a program gets it.
import type { ErrorCode } from "../errors.ts";
import type { Asked } from "../loop/ask.ts";
import type { Problem } from "../loop/parse.ts";
import type { StopReason } from "../loop/types.ts";
import type { Usage, UsageTree } from "../pool/usage.ts";

export interface AskResult {
  /** What FINAL got: a JSON value; null where the run ended without an answer. */
  readonly answer: unknown;
  readonly stopReason: StopReason;
  /** The run did not end by a FINAL of the model's own accord. */
  readonly partial: boolean;
  /** Replies of the root model, the forced last one not counted. */
  readonly iterations: number;
  /** Replies of the root model that came to nothing, by what was wrong with them. */
  readonly nudges: Readonly<Partial<Record<Problem, number>>>;
  /** How often earlier turns were given up because the conversation had grown too long. */
  readonly compactions: number;
  readonly model: { readonly root: string; readonly sub: string };
  /** Of this question alone. */
  readonly usage: Usage;
  /** The same by model, and by child of `rlm_query`. What an earlier process paid is in the sums alone. */
  readonly tree: UsageTree;
  /** Id of the session it was asked in. */
  readonly session: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** @internal */
export function askResult({ stop_reason, ...rest }: Asked, session: string): AskResult {
  return { ...rest, stopReason: stop_reason, session };
}

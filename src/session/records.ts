// The records of a session's journal, one JSON line each. Replay lives on their order; the format is fixed.
import type { EntryKind, Operation } from "../../prelude/contract.ts";
import type { ToolEntry } from "../calls/tools.ts";
import type { ModelReply } from "../llm/model.ts";
import type { OutcomeKind } from "../../sandbox/outcome.ts";

export const JOURNAL_VERSION = 1;

/** Large values stand in `blobs/<sha256>` beside the journal. */
export interface BlobRef {
  readonly $blob: string;
}

/** Of a model's answer: sha-256 of what was asked, where an identical call gets it too; and its usage, where it was paid for. */
export interface ModelNote {
  readonly memo?: string;
  readonly paid?: unknown;
}

export type JournalRecord =
  | {
      readonly type: "header";
      readonly v: number;
      readonly session: string;
      readonly parent?: { readonly session: string; readonly seq: number };
      /** Given by `--session`. */
      readonly name?: string;
      readonly seed: number;
      readonly tz: string;
      readonly locale: string;
      readonly workers: number;
      readonly workers_fixed: boolean;
      readonly parallelism: number;
      /** Functions of the user's own that its guest has. */
      readonly tools?: readonly ToolEntry[];
      /** What paths of contexts and workspaces are relative to. */
      readonly cwd: string;
      readonly workspace: readonly string[];
      readonly no_ignore: boolean;
      readonly node: string;
      readonly v8: string;
      /** sha-256 of the prelude's bundle. */
      readonly prelude: string;
      /** The guest's clock before its first entry. */
      readonly now: number;
    }
  /**
   * `replaces`: the contexts before it are gone. `now`: the guest's clock when it was loaded, where that was after the start. The first
   * one of those that were opened together has `inputs`, how all of them were given (those in memory by value, standard input too).
   */
  | {
      readonly type: "context";
      readonly name: string;
      readonly kind: string;
      readonly identity: string;
      readonly inputs?: unknown;
      readonly combined?: boolean;
      readonly replaces?: boolean;
      readonly now?: number;
    }
  | { readonly type: "cell"; readonly n: number; readonly source: string; readonly script: string | BlobRef }
  /** Written before the call is served. `key`: sha-256 of operation and arguments. */
  | {
      readonly type: "call";
      readonly seq: number;
      readonly cell: number;
      readonly op: Operation;
      readonly key: string;
      readonly args: unknown;
    }
  /** One slot of a batch, when it arrives; not one whose answer was there already. */
  | ({ readonly type: "slot"; readonly seq: number; readonly i: number; readonly result: unknown } & ModelNote)
  /** `value` is kept, or, where it can be had again by the call's arguments, `hash` alone. */
  | ({ readonly type: "answer"; readonly seq: number; readonly ok: boolean; readonly value?: unknown; readonly hash?: string } & ModelNote)
  /** Written before the guest is entered. `seq` is the call answered, for a `run` the cell. */
  | {
      readonly type: "entry";
      readonly cell: number;
      readonly kind: Exclude<EntryKind, "context" | "look">;
      readonly seq: number;
      readonly now: number;
      readonly budget: unknown;
      /** Calls the guest was told to forget with it. */
      readonly cancelled?: readonly number[];
    }
  /** `slice`: the last entry was cut half-way, and replay leaves it out. */
  | { readonly type: "terminated"; readonly cell: number; readonly reason: string; readonly slice?: boolean }
  /** A request to a model is made again: an earlier process may have made it, and had no answer. `seq` 0: the root model's. */
  | { readonly type: "again"; readonly seq: number }
  /** The state is that before the cell `to`: what came since does not count. */
  | { readonly type: "rewound"; readonly to: number; readonly reason: string }
  | {
      readonly type: "end";
      readonly cell: number;
      readonly outcome: OutcomeKind;
      readonly preview: string;
      readonly usage: unknown;
      readonly ms: number;
    }
  | ({ readonly type: "turn" } & (AskedTurn | RepliedTurn | NudgedTurn | ToldTurn | CompactedTurn | AnsweredTurn));

/** A question begins. `system` and `first` are what the root model is told before its first reply; `usage` is the session's before it. */
export interface AskedTurn {
  readonly iteration: 0;
  readonly question: string;
  readonly system: string | BlobRef;
  readonly first: string | BlobRef;
  readonly model: { readonly root: string; readonly sub: string };
  readonly max_iterations: number;
  /** JSON Schema of the answer. */
  readonly answer_schema?: unknown;
  /** All of the context is in `first`. */
  readonly direct?: boolean;
  readonly usage: unknown;
}

/** The root model's reply, whole; `code` is the cell in it, null where it has none, and `call` its native form. */
export interface RepliedTurn {
  readonly iteration: number;
  readonly reply: string;
  readonly code: string | null;
  readonly call?: unknown;
  readonly stop: ModelReply["stop"];
  readonly paid: unknown;
}

export interface NudgedTurn {
  readonly iteration: number;
  readonly nudge: string;
}

/** What the root model was told of its cell. */
export interface ToldTurn {
  readonly iteration: number;
  readonly output: string | BlobRef;
}

/** After this turn the root model was told this in place of its older turns. */
export interface CompactedTurn {
  readonly iteration: number;
  readonly compaction: string | BlobRef;
}

/** The question has its answer: a run that was interrupted, or could not go on, has none yet. */
export interface AnsweredTurn {
  readonly iteration: number;
  readonly answer: unknown;
  readonly stop_reason: "final" | "max_iterations" | "budget";
  readonly usage: unknown;
}

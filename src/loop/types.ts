// What goes into a run of the loop and what comes out. The loop knows a session only by the one method it needs.
import type { Outcome } from "../../sandbox/outcome.ts";
import type { ErrorCode } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { Model, ModelReply } from "../llm/model.ts";
import type { Budget } from "../pool/budget.ts";
import type { Variable } from "../session/variable.ts";
import type { Problem } from "./parse.ts";
import type { Schedule } from "../pool/scheduler.ts";

/** Runs cells in order. Never throws for what a cell does; a `HostError` means that the session itself is gone. */
export interface LoopSession {
  run(code: string, options: { readonly signal: AbortSignal }): Promise<Outcome>;
}

/** What the root model is told of one context before its first cell (`probe.ts` writes the text). */
export interface ContextProbe {
  readonly name: string;
  readonly kind: "text" | "json" | "jsonl" | "corpus";
  readonly text: string;
}

export interface LoopLimits {
  /** Turns before the forced last one. */
  readonly maxIterations: number;
  /** Deadline of one root call, in ms. */
  readonly modelCallMs: number;
}

/** What a turn was, for the journal. */
export type TurnNote =
  | { readonly type: "reply"; readonly iteration: number; readonly reply: ModelReply; readonly code: string | null }
  | { readonly type: "nudge"; readonly iteration: number; readonly text: string }
  /** What the root model is told of its cell. */
  | { readonly type: "output"; readonly iteration: number; readonly text: string }
  /** After this turn earlier ones were given up for a text. */
  | { readonly type: "compaction"; readonly iteration: number; readonly text: string };

/** A turn of an earlier process: the model is not asked again, nor is the cell run whose output is there. */
export interface EarlierTurn {
  readonly reply: ModelReply;
  readonly output?: string;
  readonly nudge?: string;
  readonly compaction?: string;
}

/** What an answer comes to, or why it does not fit. */
export type CheckedAnswer = { readonly answer: unknown } | { readonly error: string };

/** How the root model replies, where a cell that started a child said so. */
export interface ReplyOptions {
  /** Behind the system prompt. */
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  /** Of a reply. */
  readonly maxTokens?: number | undefined;
}

export interface LoopOptions {
  /** What the root model is told before its first reply. */
  readonly system: string;
  readonly first: string;
  readonly earlier: readonly EarlierTurn[];
  readonly session: LoopSession;
  readonly model: Model;
  readonly schedule: Schedule;
  readonly budget: Budget;
  /** Levels of children below. */
  readonly depth: number;
  readonly limits: LoopLimits;
  readonly signal: AbortSignal;
  readonly reply?: ReplyOptions;
  /** All of the context is in the first turn: words are an answer to it. */
  readonly isDirect?: boolean;
  /** The session's variables, for a conversation that grows too long; undefined: it goes on as it is. */
  readonly variables?: (() => Promise<readonly Variable[]>) | undefined;
  /** Of a run whose answer has a schema. */
  readonly check?: (answer: unknown) => Promise<CheckedAnswer>;
  readonly onEvent?: EventSink;
  readonly onTurn?: (note: TurnNote) => void;
  /** Milliseconds; for the events only. */
  readonly now?: () => number;
}

export type StopReason = "final" | "max_iterations" | "budget" | "interrupted" | "error";

export interface AskResult {
  /** A JSON value: what FINAL got; null where a run ended without an answer. */
  readonly answer: unknown;
  readonly stop_reason: StopReason;
  /** The run did not end by a FINAL of the model's own accord. */
  readonly partial: boolean;
  /** Root replies, forced last ones not counted. */
  readonly iterations: number;
  /** Replies that came to nothing, by what was wrong with them. */
  readonly nudges: Readonly<Partial<Record<Problem, number>>>;
  /** How often earlier turns were given up because the conversation had grown too long. */
  readonly compactions: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

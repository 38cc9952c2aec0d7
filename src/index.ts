// What a program may import. Written by hand: nothing else is public.
export type { Tool, Tools } from "./calls/tool.ts";
export { optimalWorkers } from "./config/workers.ts";
export { ERROR_CODES, HostError, type ErrorCode, type ErrorData } from "./errors.ts";
export { ask, type AskOptions } from "./library/ask.ts";
export type { AskResult } from "./library/ask-result.ts";
export type { SessionEvent } from "./library/events.ts";
export { openSession, type SessionOptions } from "./library/open-session.ts";
export type { CellResult } from "./library/result.ts";
export type {
  AskBounds,
  Bounds,
  ContextInfo,
  ModelNames,
  ReplSession,
  ResumedCell,
  RunOptions,
  SessionAskOptions,
} from "./library/session.ts";
export type { Complete, ModelChoice } from "./llm/function-model.ts";
export type { JsonSchema, Model, ModelReply, ModelRequest, Price, Rates, ReplCall, TokenUsage, Turn } from "./llm/model.ts";
export type { StandardSchema, ValueSchema } from "./llm/value-schema.ts";
export type { Problem } from "./loop/parse.ts";
export type { StopReason } from "./loop/types.ts";
export type { Usage, UsageTree } from "./pool/usage.ts";
export type { EarlierCell } from "./session/earlier.ts";
export type { Variable } from "./session/variable.ts";
export type { ContextInput, MemoryContext } from "./workspace/context-input.ts";
export type { CellError, OutcomeKind, SessionState } from "../sandbox/outcome.ts";

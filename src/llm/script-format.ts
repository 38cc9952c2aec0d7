// The format of a script file (`--model script:FILE`), and its guard. JSON, or a TypeScript module whose default export is the same
// object or a function `(request) => reply`:
//
//   {
//     "root": ["a reply with a ```ts cell```", {"text": "", "code": "FINAL(1)"}],   // the root model's replies, in order
//     "rules": [{"match": "invoice", "reply": "yes"}],                              // first match on the last turn; for sub-models
//     "default": "no"                                                              // when no rule fits a sub request
//   }
//
// `match` is a part of the last turn's text, or a regular expression when it is written "/…/flags"; without `match` a rule always fits.
// A rule may have `purpose` ("root", "sub"; without it "sub"), `delay_ms`, and instead of a `reply` an `error` {code, message?, retryable?,
// retry_after_ms?}; `times` n: the rule fits n times, then no more. Root rules answer when `root` is used up.
import { ERROR_CODES, HostError, messageOf, type ErrorCode } from "../errors.ts";
import { isRecord } from "./json-guards.ts";
import type { ModelRequest } from "./model.ts";
import { matcher } from "./script-match.ts";

/** `code` comes as a native call of the `repl` tool. */
export type ScriptReply = string | { readonly text?: string; readonly code?: string };

export interface ScriptError {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly retry_after_ms?: number;
}

export interface ScriptRule {
  readonly match?: string;
  readonly purpose?: "root" | "sub";
  readonly reply?: ScriptReply;
  readonly error?: ScriptError;
  readonly delay_ms?: number;
  readonly times?: number;
}

export interface ScriptData {
  readonly root?: readonly ScriptReply[];
  readonly rules?: readonly ScriptRule[];
  readonly default?: ScriptReply;
}

export type ScriptFunction = (request: ModelRequest) => ScriptReply | Promise<ScriptReply>;
export type Script = ScriptData | ScriptFunction;

/** Throws E_USAGE naming the file and the part that does not fit. */
export function checkScript(file: string, value: unknown): Script {
  if (isFunction(value)) return (request) => checkReply(file, "the function's result", value(request));
  const script = record(file, "the script", value);
  const { root, rules, default: fallback } = script;
  refuseOthers(file, "the script", script, ["root", "rules", "default"]);
  return {
    ...(root === undefined ? {} : { root: list(file, "root", root).map((reply, index) => settledReply(file, `root[${index}]`, reply)) }),
    ...(rules === undefined ? {} : { rules: list(file, "rules", rules).map((rule, index) => checkRule(file, `rules[${index}]`, rule)) }),
    ...(fallback === undefined ? {} : { default: settledReply(file, "default", fallback) }),
  };
}

async function checkReply(file: string, where: string, value: unknown): Promise<ScriptReply> {
  return settledReply(file, where, await value);
}

function settledReply(file: string, where: string, value: unknown): ScriptReply {
  if (typeof value === "string") return value;
  const reply = record(file, where, value);
  refuseOthers(file, where, reply, ["text", "code"]);
  const text = optional(file, where, reply, "text", "string");
  const code = optional(file, where, reply, "code", "string");
  return { ...(text === undefined ? {} : { text }), ...(code === undefined ? {} : { code }) };
}

function checkRule(file: string, where: string, value: unknown): ScriptRule {
  const rule = record(file, where, value);
  refuseOthers(file, where, rule, ["match", "purpose", "reply", "error", "delay_ms", "times"]);
  const { purpose, reply, error } = rule;
  if (purpose !== undefined && purpose !== "root" && purpose !== "sub")
    throw misfit(file, `${where}.purpose`, 'is neither "root" nor "sub"');
  if ((reply === undefined) === (error === undefined)) throw misfit(file, where, "must have either a reply or an error");
  const match = optional(file, where, rule, "match", "string");
  if (match !== undefined) checkMatch(file, `${where}.match`, match);
  const delay = optional(file, where, rule, "delay_ms", "number");
  const times = optional(file, where, rule, "times", "number");
  return {
    ...(match === undefined ? {} : { match }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(reply === undefined ? {} : { reply: settledReply(file, `${where}.reply`, reply) }),
    ...(error === undefined ? {} : { error: checkError(file, `${where}.error`, error) }),
    ...(delay === undefined ? {} : { delay_ms: delay }),
    ...(times === undefined ? {} : { times }),
  };
}

function checkMatch(file: string, where: string, match: string): void {
  try {
    matcher(match);
  } catch (error) {
    throw misfit(file, where, `is no regular expression: ${messageOf(error)}`);
  }
}

function checkError(file: string, where: string, value: unknown): ScriptError {
  const error = record(file, where, value);
  refuseOthers(file, where, error, ["code", "message", "retryable", "retry_after_ms"]);
  const { code } = error;
  if (!isErrorCode(code)) throw misfit(file, `${where}.code`, "is no error code of rlm-repl, such as E_LLM_RATE");
  const message = optional(file, where, error, "message", "string");
  const retryable = optional(file, where, error, "retryable", "boolean");
  const after = optional(file, where, error, "retry_after_ms", "number");
  return {
    code,
    ...(message === undefined ? {} : { message }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(after === undefined ? {} : { retry_after_ms: after }),
  };
}

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}

function optional<K extends keyof Kinds>(
  file: string,
  where: string,
  from: Record<string, unknown>,
  key: string,
  kind: K,
): Kinds[K] | undefined {
  const value = from[key];
  if (value !== undefined && !isKind(value, kind)) throw misfit(file, `${where}.${key}`, `is not a ${kind}`);
  return value;
}

function isKind<K extends keyof Kinds>(value: unknown, kind: K): value is Kinds[K] {
  return typeof value === kind;
}

function list(file: string, where: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw misfit(file, where, "is not a list");
  return value;
}

function record(file: string, where: string, value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw misfit(file, where, "is not an object");
  return value;
}

function refuseOthers(file: string, where: string, value: Record<string, unknown>, known: readonly string[]): void {
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other !== undefined) throw misfit(file, where, `has the unknown key ${JSON.stringify(other)}; there are ${known.join(", ")}`);
}

function misfit(file: string, where: string, what: string): HostError {
  return new HostError("E_USAGE", `the script file ${file}: ${where} ${what}`);
}

function isFunction(value: unknown): value is (request: ModelRequest) => unknown {
  return typeof value === "function";
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

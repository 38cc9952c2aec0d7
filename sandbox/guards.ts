// What a kernel says is `unknown`: it may have been taken over by what runs in it. A frame passes here, or it is not looked at.
import {
  MAX_TOLD_NAME,
  MAX_TOLD_NAMES,
  type DonePost,
  type FinalPost,
  type Operation,
  type Post,
  type PostedError,
  type PostedValue,
} from "../prelude/contract.ts";
import { isShallow } from "./json-shape.ts";
import {
  MAX_ANSWER,
  MAX_ARGUMENT,
  MAX_ARGUMENT_VALUES,
  MAX_CONSOLE,
  MAX_ERROR_MESSAGE,
  MAX_JSON_DEPTH,
  MAX_LONG_PREVIEW,
  MAX_STACK,
  MAX_VALUE,
} from "./limits.ts";
import { PROTOCOL_VERSION, type EntryEnd, type JobEnd, type KernelFrame } from "./protocol.ts";

/** Characters JSON may write for one. */
const MAX_ESCAPE = 6;

type Fields = Readonly<Record<string, unknown>>;

const ENDS: readonly EntryEnd[] = ["ok", "threw", "timeout", "memory", "disposed"];
const OPERATIONS: Readonly<Record<Operation, true>> = {
  llm: true,
  llm_batch: true,
  rlm: true,
  rlm_batch: true,
  rg_search: true,
  rg_files: true,
  rg_count: true,
  read_file: true,
  read_piece: true,
  list_files: true,
  tool: true,
  scan: true,
  scanners: true,
  timer: true,
  clear_timer: true,
};

/** Names and short previews of some thousand variables. */
const MAX_LOOK = 4 * 1024 * 1024;
const MAX_LOOK_VALUES = 1_000_000;

/** A post is flat but for the arguments of a call: a list, an object in it, a list of names or an error in that. */
const MAX_POST_DEPTH = 6;
const CALL = '["call",';
/** Number and operation around the arguments. */
const CALL_SLACK = 100;

/** Text written around a cut says how much is missing: previews and messages may pass their limits by that. */
const SLACK = 200;

export function kernelFrame(head: unknown): KernelFrame | undefined {
  if (!isFields(head)) return undefined;
  const { type } = head;
  switch (type) {
    case "ready":
      return head["version"] === PROTOCOL_VERSION && isText(head["node"], 50) && isText(head["v8"], 50)
        ? { type, version: PROTOCOL_VERSION, node: head["node"], v8: head["v8"] }
        : undefined;
    case "post":
    case "profile":
      return { type };
    case "entered": {
      const end = ENDS.find((known) => known === head["end"]);
      const message = head["message"];
      if (!isCount(head["seq"]) || end === undefined || !isDuration(head["ms"])) return undefined;
      return { type, seq: head["seq"], end, ms: head["ms"], ...(isText(message, 4_000) ? { message } : {}) };
    }
    case "jobs_ended": {
      const { scan, jobs } = head;
      if (!isCount(scan) || !Array.isArray(jobs)) return undefined;
      const ended = jobs.map(jobEnd).filter((job) => job !== undefined);
      return ended.length === jobs.length ? { type, scan, jobs: ended } : undefined;
    }
    case "scan_read":
      return isCount(head["scan"]) && isCount(head["read"]) ? { type, scan: head["scan"], read: head["read"] } : undefined;
    case "pong":
      return isCount(head["n"]) && isCount(head["rss"]) ? { type, n: head["n"], rss: head["rss"] } : undefined;
    default:
      return undefined;
  }
}

function jobEnd(value: unknown): JobEnd | undefined {
  if (!isFields(value)) return undefined;
  const { job, ok, ms, bytes, code, message } = value;
  if (!isCount(job) || typeof ok !== "boolean" || !isDuration(ms) || !isCount(bytes)) return undefined;
  return { job, ok, ms, bytes, ...(isText(code, 100) ? { code } : {}), ...(isText(message, 4_000) ? { message } : {}) };
}

/** One post of the guest, or undefined. What it could come to in memory is looked at before it is parsed. */
export function post(text: string): Post | undefined {
  if (!isBounded(text)) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [kind, a, b, c] = parts as readonly unknown[];
  switch (kind) {
    case "call":
      return isCount(a) && isOperation(b) ? ["call", a, b, c] : undefined;
    case "console":
      return isText(a, MAX_CONSOLE) ? ["console", a] : undefined;
    case "time":
      return (a === "start" || a === "log" || a === "end") && isText(b, 200) ? ["time", a, b] : undefined;
    case "progress":
      return isNumber(a) && (b === null || isNumber(b)) && isText(c, 200) ? ["progress", a, b, c] : undefined;
    case "warning":
      return typeof a === "string" ? ["warning", a.slice(0, MAX_ERROR_MESSAGE)] : undefined;
    case "final": {
      const final = finalPost(a);
      return final === undefined ? undefined : ["final", final];
    }
    case "look":
      return isCount(a) && isText(b, MAX_LOOK) && isShallow(b, MAX_POST_DEPTH, MAX_LOOK_VALUES) && isJson(b) ? ["look", a, b] : undefined;
    case "done": {
      const done = donePost(a);
      return done === undefined ? undefined : ["done", done];
    }
    default:
      return undefined;
  }
}

function isBounded(text: string): boolean {
  return text.startsWith(CALL)
    ? text.length <= MAX_ARGUMENT + CALL_SLACK && isShallow(text, MAX_JSON_DEPTH + MAX_POST_DEPTH, MAX_ARGUMENT_VALUES + CALL_SLACK)
    : isShallow(text, MAX_POST_DEPTH, MAX_TOLD_NAMES * 2);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function finalPost(value: unknown): FinalPost | undefined {
  const posted = postedValue(value, MAX_ANSWER);
  return posted === undefined || posted.json === undefined ? undefined : { value: posted };
}

function donePost(value: unknown): DonePost | undefined {
  if (!isFields(value)) return undefined;
  const { cell, outcome, tail, console_length, vars } = value;
  if (outcome !== "ok" && outcome !== "threw" && outcome !== "final") return undefined;
  if (!isText(tail, MAX_CONSOLE) || !isCount(cell) || !isCount(console_length) || !Array.isArray(vars)) return undefined;
  const posted = value["value"] === undefined ? undefined : postedValue(value["value"], outcome === "final" ? MAX_ANSWER : MAX_VALUE);
  const error = value["error"] === undefined ? undefined : postedError(value["error"]);
  return {
    outcome,
    tail,
    console_length,
    cell,
    vars: vars.filter((name): name is string => isText(name, MAX_TOLD_NAME)).slice(0, MAX_TOLD_NAMES),
    ...(posted === undefined ? {} : { value: posted }),
    ...(error === undefined ? {} : { error }),
  };
}

function postedValue(value: unknown, limit: number): PostedValue | undefined {
  if (!isFields(value)) return undefined;
  const { preview, long, type, length, json } = value;
  if (!isText(preview, MAX_LONG_PREVIEW + SLACK) || !isText(long, MAX_LONG_PREVIEW + SLACK) || !isText(type, 20)) return undefined;
  const kept = typeof json === "string" && isKept(json, limit) ? json : undefined;
  return { preview, long, type, ...(isCount(length) ? { length } : {}), ...(kept === undefined ? {} : { json: kept }) };
}

function postedError(value: unknown): PostedError | undefined {
  if (!isFields(value)) return undefined;
  const { name, message, code, stack, line, column } = value;
  if (!isText(name, 300) || !isText(message, MAX_ERROR_MESSAGE + SLACK)) return undefined;
  return {
    name,
    message,
    ...(isText(code, 200) ? { code } : {}),
    ...(isText(stack, MAX_STACK + SLACK) ? { stack } : {}),
    ...(isCount(line) && isCount(column) ? { line, column } : {}),
  };
}

function isOperation(value: unknown): value is Operation {
  return typeof value === "string" && Object.hasOwn(OPERATIONS, value);
}

/** Characters were counted in the guest; bytes count here: of a string those of its text, of anything else those of its JSON. */
function isKept(json: string, limit: number): boolean {
  if (json.length > limit * MAX_ESCAPE + 2 || !isShallow(json, MAX_JSON_DEPTH + MAX_POST_DEPTH, Number.POSITIVE_INFINITY)) return false;
  try {
    const value: unknown = JSON.parse(json);
    return Buffer.byteLength(typeof value === "string" ? value : json) <= limit;
  } catch {
    return false;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, limit: number): value is string {
  return typeof value === "string" && value.length <= limit;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Milliseconds that passed. */
function isDuration(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

// What went wrong with a provider, as one `HostError` with a stable code. Nothing of the SDK's error is kept as `cause`: it holds
// headers and bodies, and with them keys.
import { HostError, messageOf, type ErrorCode } from "../errors.ts";
import { scrub } from "./secrets.ts";
import { inWords, UnreachableError, type Destination } from "./unreachable.ts";

/** Who failed, for the message, and what must not be in it. */
export interface FailureContext extends Destination {
  /** `anthropic`, `openai`. */
  readonly provider: string;
  /** The variable that holds the key. */
  readonly keyVariable: string;
  readonly model: string;
  readonly secrets: readonly string[];
}

const MAX_DETAIL = 300;
const TOO_LONG =
  /prompt is too long|maximum context length|context_length_exceeded|context window|too many (?:input )?tokens|exceeds? the (?:available )?context/i;
/** 429s that no wait ends. */
const SPENT = /insufficient_quota|exceeded your current quota/i;

/**
 * Maps whatever an SDK threw. `aborted` is the caller's signal: its reason is returned as it is.
 */
export function modelFailure(error: unknown, context: FailureContext, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof HostError) return error;
  const status = numberField(error, "status");
  if (status !== undefined) return httpFailure(status, error, context);
  const root = rootCause(error);
  if (root instanceof HostError) return root;
  if (root instanceof ReplyTooLargeError || root instanceof SyntaxError) return malformed(messageOf(root), context);
  const { text, retryable } =
    root instanceof UnreachableError ? inWords(root, context) : { text: `: ${messageOf(root).slice(0, MAX_DETAIL)}`, retryable: true };
  const message = `${context.provider} at ${context.endpoint} could not be reached${text}`;
  return new HostError("E_LLM_NETWORK", scrub(message, context.secrets), { data: { retryable } });
}

/** A 200 whose body is not a reply. */
export function malformed(what: string, context: FailureContext): HostError {
  const detail = scrub(what, context.secrets).slice(0, MAX_DETAIL);
  return new HostError("E_LLM_SERVER", `${context.provider} at ${context.endpoint} sent a malformed reply: ${detail}`, {
    data: { retryable: true },
  });
}

function httpFailure(status: number, error: unknown, context: FailureContext): HostError {
  const raw = messageOf(error);
  const detail = scrub(bodyMessage(error) ?? raw, context.secrets).slice(0, MAX_DETAIL);
  const through = context.proxy === undefined ? "" : ` (through the proxy ${context.proxy.shown})`;
  const said = `${context.provider}${through} answered ${detail.startsWith(String(status)) ? detail : `${status}: ${detail}`}`;
  const retryAfter = retryAfterMs(error);
  const again = { retryable: true, status, ...(retryAfter === undefined ? {} : { retry_after_ms: retryAfter }) };
  const never = { retryable: false, status };
  const fail = (code: ErrorCode, message: string, data: typeof again | typeof never) => new HostError(code, message, { data });

  if (status === 401 || status === 403)
    return fail("E_LLM_AUTH", `${said}; is ${context.keyVariable} right for ${context.endpoint}?`, never);
  if (status === 429) return fail("E_LLM_RATE", said, SPENT.test(raw) ? never : again);
  if (status === 413 || TOO_LONG.test(raw)) return fail("E_LLM_TOO_LARGE", `${said}; ask with less text in one prompt`, never);
  if (status === 404) return fail("E_LLM_BAD_REQUEST", `${said}; is there a model ${context.model} at ${context.endpoint}?`, never);
  if (status === 408 || status === 409 || status >= 500) return fail("E_LLM_SERVER", said, again);
  return fail("E_LLM_BAD_REQUEST", said, never);
}

/** What the server itself says, of a body like `{error: {message}}`; SDKs keep the body, or what is in its `error`, as `error`. */
function bodyMessage(error: unknown): string | undefined {
  const body = fieldOf(error, "error");
  return stringField(fieldOf(body, "error"), "message") ?? stringField(body, "message");
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. */
function retryAfterMs(error: unknown): number | undefined {
  const headers = typeof error === "object" && error !== null && "headers" in error ? error.headers : undefined;
  if (!(headers instanceof Headers)) return undefined;
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (ms >= 0) return ms;
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  const seconds = Number(after);
  const wait = Number.isNaN(seconds) ? Date.parse(after) - Date.now() : seconds * 1000;
  return wait >= 0 ? wait : undefined;
}

function rootCause(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < 8 && root instanceof Error && root.cause instanceof Error; depth++) root = root.cause;
  return root;
}

function numberField(value: unknown, key: string): number | undefined {
  const field = fieldOf(value, key);
  return typeof field === "number" ? field : undefined;
}

function stringField(value: unknown, key: string): string | undefined {
  const field = fieldOf(value, key);
  return typeof field === "string" ? field : undefined;
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && key in value
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

/** The server's reply is longer than any model's. */
export class ReplyTooLargeError extends Error {
  override readonly name = "ReplyTooLargeError";
  constructor(maxBytes: number) {
    super(`the server's reply is over ${maxBytes / 1024 / 1024} MiB`);
  }
}

// The one error the host throws, and every code it can carry. The table below is their documentation.
// A guest's failure is never one of these: it is data in an outcome (`sandbox/outcome.ts`).

/** Every stable error code with its meaning. Cells see the same codes on the errors of their calls. */
export const ERROR_CODES = {
  E_USAGE: "an argument, flag, variable or file of the user does not fit",
  E_NOT_FOUND: "a file or folder that was named does not exist or cannot be read",
  E_NO_MODEL: "a model call was made and no model is chosen",
  E_LOCAL_ONLY: "a model was refused because its requests would leave this machine, and local-only forbids that",
  E_BUDGET: "a call was refused because it would pass the money or the number of calls that are left",
  E_TOO_LARGE: "a value is over the limit of what may cross",
  E_TOO_MANY_CALLS: "a cell made more host calls than it may",
  E_BAD_ARGUMENT: "a call of a cell has an argument of the wrong type or value",
  E_OUTSIDE_WORKSPACE: "a path leads out of the session's workspace roots",
  E_DENIED: "a file is on the deny list (credentials and keys)",
  E_CONTEXT_CHANGED: "a context file changed, vanished or was rotated under the session",
  E_BAD_PATTERN: "ripgrep refused a pattern, glob, type or encoding",
  E_TIMEOUT: "a host call passed its deadline",
  E_CANCELLED: "a host call was cancelled because its cell ended",
  E_LLM_AUTH: "the provider refused the key, or there is none",
  E_LLM_RATE: "the provider kept answering 429 after all retries",
  E_LLM_SERVER: "the provider failed (5xx, overloaded, malformed reply) after all retries",
  E_LLM_NETWORK: "the provider could not be reached",
  E_LLM_TIMEOUT: "the provider did not answer within the deadline of a model call",
  E_LLM_REFUSED: "the model declined to answer",
  E_LLM_TOO_LARGE: "the prompt does not fit the model's window",
  E_LLM_BAD_REQUEST: "the provider rejected the request",
  E_LLM_SCHEMA: "the model's replies did not fit the schema",
  E_LLM_SCRIPT: "no reply or rule of the script file fits the request",
  E_OFFLINE_UNSUPPORTED: "the offline model cannot do this honestly",
  E_MODEL_NOT_ALLOWED: "a cell asked for a model that is not on the session's allow list",
  E_NO_ANSWER: "a child ended without an answer",
  E_DECLINED: "a person did not agree, or nobody was there to be asked",
  E_TOOL: "a tool of the user's own failed, or is not there",
  E_TOOL_DENIED: "a tool is not granted to children",
  E_BATCH: 'slots of a batch failed and on_error is "throw"',
  E_SCAN_CAPTURE: "a scan function mentions something that cannot be captured by value",
  E_SCAN_TIMEOUT: "a scan job passed the slice limit",
  E_SCAN_MEMORY: "a scan job ran out of memory",
  E_SCAN_THREW: "a scan function threw",
  E_SCAN_RESULT: "what a scan function returned cannot be copied",
  E_NOT_IN_SCAN: "a scan function made a call that only a cell can make",
  E_FINAL: "not a failure: what FINAL throws to end its cell",
  E_NEVER_SETTLES: "a cell waits for a promise that nothing can settle any more",
  E_INCOMPLETE: "a cell ends in the middle of a statement",
  E_SYNTAX: "a cell cannot be parsed",
  E_IMPORT: "a cell imports a package; there are none in the sandbox",
  E_RESERVED_NAME: "a cell declares a name of the prelude at its top level",
  E_TRANSFORM: "a cell is too large, too deeply nested, or took too long to transform",
  E_RESTART_LIMIT: "the sandbox died more often than it may, for no reason a limit explains",
  E_KERNEL: "the sandbox process died or could not be started",
  E_DIVERGED: "a session's cells, run against its journal, came to something else than it tells",
  E_JOURNAL_LOCKED: "another process has the session open",
  E_CLOSED: "the session is closed",
  E_STATE: "the state folder cannot be used",
  E_DEFECT: "a defect of rlm-repl itself",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Plain JSON that belongs to an error, for programs. Never holds a secret. */
export type ErrorData = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Misuse or failure the host reports. `message` says what happened, with the value, and what to do; it ends with the code in
 * parentheses unless it says `code` already. `cause` keeps what was underneath and is never shown to a user or a guest.
 */
export class HostError extends Error {
  override readonly name = "HostError";
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, options: { data?: ErrorData; cause?: unknown } = {}) {
    super(message.endsWith(`(${code})`) || code === "E_USAGE" ? message : `${message} (${code})`, { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
  }
}

/** What happened, in words, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

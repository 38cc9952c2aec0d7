// Errors of a cell: made for it with a code and the cell's own position, and read from it whatever it threw.
import type { PostedError } from "./contract.ts";
import { captureStackTrace, define, exec, indexOf, isArray, isError, NativeError, NativeTypeError, slice, uncurry } from "./primordials.ts";
import { safeInspect } from "./inspect.ts";

/** An Error with a stable code; its stack starts at the cell, not in the prelude. */
export function coded(code: string, message: string, Kind: ErrorConstructor = NativeError): Error {
  const error = new Kind(message);
  define(error, "code", code, { enumerable: true });
  return error;
}

/** An error that the bridge throws for a limit, or FINAL's sentinel. */
export function isImmediate(error: unknown): boolean {
  const code = typeof error === "object" && error !== null ? read(error, "code") : undefined;
  return code === "E_TOO_MANY_CALLS" || code === "E_TOO_LARGE" || code === "E_FINAL";
}

const bind = uncurry(Function.prototype.bind) as <F>(fn: F, self: undefined) => F;

/** A function under the contract's name, and like a built-in: its source is not the guest's to read. */
export function named<F extends object>(name: string, fn: F): F {
  const bound = bind(fn, undefined);
  define(bound, "name", name, { writable: false });
  return bound;
}

export function badArgument(message: string): Error {
  return coded("E_BAD_ARGUMENT", message, NativeTypeError);
}

/** Remembers where in the cell a call was made, so that an answer that arrives much later can point there. */
export class CallSite {
  readonly stack: string | undefined;
  constructor() {
    captureStackTrace(this, CallSite);
  }

  /** Gives an error the stack of the call. */
  mark(error: Error): Error {
    const stack = this.stack ?? "";
    const frames = indexOf(stack, "\n");
    const text = `${error.name}: ${error.message}${frames === -1 ? "" : slice(stack, frames)}`;
    define(error, "stack", text);
    return error;
  }
}

interface Bounds {
  readonly error_message: number;
  readonly stack: number;
}

/** What was thrown, as data. Reads each property once and survives getters that throw; one that loops meets the slice's limit. */
export function normalise(thrown: unknown, cell: number, bounds: Bounds): PostedError {
  const isLikeError = typeof thrown === "object" && thrown !== null && (isError(thrown) || typeof read(thrown, "stack") === "string");
  if (!isLikeError) return { name: "Thrown", message: cut(safeInspect(thrown, bounds.error_message), bounds.error_message) };
  const name = text(read(thrown, "name"), "Error");
  const stack = text(read(thrown, "stack"), "");
  const code = read(thrown, "code");
  const at = position(stack, cell);
  return {
    name: cut(name, 200),
    message: cut(describe(thrown), bounds.error_message),
    ...(typeof code === "string" ? { code: cut(code, 100) } : {}),
    stack: cut(stack, bounds.stack),
    ...at,
  };
}

/** The message, with those of an AggregateError and of the causes, at most 10 deep. */
function describe(thrown: object, depth = 0): string {
  let message = text(read(thrown, "message"), "");
  const errors = read(thrown, "errors");
  if (isArray(errors) && depth < 3) {
    for (let i = 0; i < errors.length && i < 10; i++) {
      const error: unknown = errors[i];
      message += `\n- ${typeof error === "object" && error !== null ? describe(error, depth + 1) : safeInspect(error, 200)}`;
    }
  }
  const cause = read(thrown, "cause");
  if (cause !== undefined && depth < 10) {
    message += `\ncaused by: ${typeof cause === "object" && cause !== null && isError(cause) ? `${text(read(cause, "name"), "Error")}: ${describe(cause, depth + 1)}` : safeInspect(cause, 200)}`;
  }
  return message;
}

function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function text(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

export function cut(value: string, limit: number): string {
  return value.length <= limit ? value : `${slice(value, 0, limit)}… (${value.length - limit} more characters)`;
}

/** The first frame in the running cell's own text, else none. */
function position(stack: string, cell: number): { line: number; column: number } | undefined {
  const found = exec(new RegExp(`\\bcell ${cell}:(\\d+):(\\d+)`), slice(stack, 0, 20_000));
  return found === null ? undefined : { line: Number(found[1]), column: Number(found[2]) };
}

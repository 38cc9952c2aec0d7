// Guards for what a cell hands in: paths, line ranges, requests for a piece. `unknown` comes in, a plain value or E_BAD_ARGUMENT goes out.
import { HostError } from "../errors.ts";
import type { LineRange, PieceRequest } from "./types.ts";

/** Longest path any system takes. */
const MAX_PATH = 4096;
const MIN_PIECE = 2;
/** Units of a piece: its text must fit into one result. */
const MAX_PIECE = 8 * 1024 * 1024;

/** A path as a cell wrote it, fit to be asked for. */
export function pathArgument(value: unknown, name = "path"): string {
  if (typeof value !== "string") throw bad(`${name} must be a string, not ${kindOf(value)}`);
  if (value === "") throw bad(`${name} is empty: "." is the root of the workspace`);
  if (value.includes("\0")) throw bad(`${name} ${JSON.stringify(value.slice(0, 100))} has a NUL character`);
  if (value.length > MAX_PATH) throw bad(`${name} has ${value.length} characters, a path has at most ${MAX_PATH}`);
  return value;
}

/** Lines asked for: `start` from 1, `end` inclusive or null for the end of the file. */
export function rangeArgument(value: unknown): { start: number; end: number | null } {
  if (value === undefined || value === null) return { start: 1, end: null };
  const range: Partial<Record<keyof LineRange, unknown>> = recordArgument(value, "range");
  for (const key of Object.keys(range)) {
    if (key !== "start_line" && key !== "end_line") throw bad(`range has no ${JSON.stringify(key)}: it takes start_line and end_line`);
  }
  const start = lineNumber(range.start_line, "start_line") ?? 1;
  const end = lineNumber(range.end_line, "end_line");
  if (end !== null && end < start) throw bad(`end_line ${end} is before start_line ${start}: both count from 1 and are inclusive`);
  return { start, end };
}

/** A request for a piece, with its default of line 1 at offset 0. */
export function pieceArgument(request: PieceRequest): PieceRequest {
  const { offset, line, maxChars } = request;
  if (!Number.isSafeInteger(offset) || offset < 0) throw bad(`offset ${String(offset)} is not a whole number ≥ 0`);
  if (line !== undefined && (!Number.isSafeInteger(line) || line < 1)) throw bad(`line ${String(line)} is not a whole number ≥ 1`);
  if (!Number.isSafeInteger(maxChars) || maxChars < MIN_PIECE || maxChars > MAX_PIECE) {
    throw bad(`max_chars ${String(maxChars)} is not a whole number from ${MIN_PIECE} to ${MAX_PIECE}`);
  }
  return request;
}

/** A glob of a cell. */
export function globArgument(value: unknown): string {
  const glob = pathArgument(value, "glob");
  if (/[\n\r]/u.test(glob)) throw bad(`glob ${JSON.stringify(glob)} has a line break`);
  return glob;
}

function lineNumber(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw bad(`${name} ${typeof value === "number" ? value : kindOf(value)} is not a whole number ≥ 1`);
  }
  return value;
}

function recordArgument(value: unknown, name: string): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad(`${name} must be an object like {start_line: 1, end_line: 20}, not ${kindOf(value)}`);
  }
  return value;
}

/** What a value is, in a word, for a message. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : typeof value;
}

function bad(message: string): HostError {
  return new HostError("E_BAD_ARGUMENT", message);
}

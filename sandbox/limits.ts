// Every limit of the sandbox in one place: with the unit, and what it is there for. Flags change some of them (`src/cli/options.ts`).

const KiB = 1024;
const MiB = 1024 * KiB;

/** Limits of one session. */
export interface Limits {
  /** One entry into the isolate, in ms: a loop that never yields ends here. */
  readonly sliceMs: number;
  /** Time of a cell's own: its slices, and waiting with nothing but timers pending, in ms. */
  readonly cellMs: number;
  /** Heap of an isolate beside the context, in MiB. */
  readonly memoryMb: number;
  /** Deadline of a model call, in ms. */
  readonly modelCallMs: number;
}

export const DEFAULT_LIMITS: Limits = { sliceMs: 30_000, cellMs: 120_000, memoryMb: 512, modelCallMs: 600_000 };

/** Host calls in flight in a session. Posts are counted in the guest: the bridge's callback would queue without end otherwise. */
export const MAX_CALLS_IN_FLIGHT = 10_000;
/** Host calls of one cell, timers included. */
export const MAX_CALLS_PER_CELL = 100_000;
/** Reads, lists and searches of a session that run at a time; the rest wait. */
export const MAX_FILE_CALLS = 16;
/** JSON text of one call's arguments, and of all that are in flight, in UTF-16 units. */
export const MAX_ARGUMENT = 32 * MiB;
export const MAX_ARGUMENTS_IN_FLIGHT = 64 * MiB;
/** Counted on both sides. */
export { MAX_ARGUMENT_VALUES, MAX_JSON_DEPTH } from "../prelude/contract.ts";
/** JSON text of one call's result, in bytes. */
export const MAX_RESULT = 32 * MiB;
/** A value as JSON or raw text, and an answer, in bytes of UTF-8. */
export const MAX_VALUE = 8 * MiB;
export const MAX_ANSWER = 16 * MiB;
/** Console text kept of a cell: half at the head, half at the tail. */
export const MAX_CONSOLE = MiB;
export const MAX_ERROR_MESSAGE = 8 * KiB;
export const MAX_STACK = 4 * KiB;
export const MAX_PREVIEW = 2_000;
export const MAX_LONG_PREVIEW = 8_000;
/** Source of a cell, in UTF-8 bytes, and brackets open at once in it: what a parser's stack survives. */
export const MAX_SOURCE = 4 * MiB;
export const MAX_NESTING = 400;
/** A text context, in bytes of UTF-8; a larger one is a Corpus of one file. */
export const MAX_TEXT_CONTEXT = 256 * MiB;
/** What a cell may still run after FINAL, in ms. */
export const FINAL_GRACE_MS = 1_000;
/** Deadlines of host calls other than model calls, in ms. */
export const SEARCH_DEADLINE_MS = 60_000;
export const READ_DEADLINE_MS = 30_000;
export const MAX_RG_MATCHES = 10_000;

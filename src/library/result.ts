// What a cell came to, as a program gets it.
import type { CellError, Outcome, OutcomeKind, SessionState } from "../../sandbox/outcome.ts";

export interface CellResult {
  /** Number of the cell in its session, from 1. */
  readonly cell: number;
  readonly outcome: OutcomeKind;
  /** Of a cell that ended `ok` or `final`: there exactly when JSON keeps the value and its text is at most 8 MiB. */
  readonly value?: unknown;
  /** The value as Node shows it, at most 2,000 characters; `undefined` where there is none. */
  readonly preview: string;
  /** `typeof` of the value, or `null`; `undefined` where there is none. */
  readonly type: string;
  /** True length of a string in UTF-16 units, of an array in items. */
  readonly length?: number;
  /** Console text: head and tail, at most 1 MiB together. */
  readonly output: string;
  readonly error?: CellError;
  /** Wall time in milliseconds. */
  readonly ms: number;
  /** Host calls the cell made, timers not counted. */
  readonly calls: number;
  /** Names the cell defined. */
  readonly vars: readonly string[];
  readonly warnings: readonly string[];
  /** Only when something is missing: a slice was cut, or the variables were rebuilt or lost. */
  readonly state?: SessionState;
}

export function cellResult({ cell, outcome, value, output, error, ms, calls, vars, warnings, state }: Outcome): CellResult {
  return {
    cell,
    outcome,
    ...(value?.json === undefined ? {} : { value: JSON.parse(value.json) as unknown }),
    preview: value?.preview ?? "undefined",
    type: value?.type ?? "undefined",
    ...(value?.length === undefined ? {} : { length: value.length }),
    output: output.text,
    ...(error === undefined ? {} : { error }),
    ms,
    calls,
    vars,
    warnings,
    ...(state === undefined ? {} : { state }),
  };
}

// What became of a cell, as data: a guest's failure is never an exception of the host.

export type OutcomeKind = "ok" | "final" | "threw" | "rejected" | "timeout" | "memory" | "interrupted" | "killed";

/** Why the session's variables are not all what the cells say: a slice was cut, they were rebuilt by replay, or they are gone. */
export type SessionState = "partial" | "rebuilt" | "lost";

/** An error of a cell. `line` and `column` (from 1, in UTF-16 units) are positions in the cell's own text. */
export interface CellError {
  readonly name: string;
  /** At most 8 KiB. */
  readonly message: string;
  readonly code?: string;
  readonly line?: number;
  readonly column?: number;
  /** At most 4 KiB; positions read `cell N:LINE:COLUMN`. */
  readonly stack?: string;
}

/** Console text of a cell: head and tail, at most 1 MiB together, and the true length in UTF-16 units. */
export interface CellOutput {
  readonly text: string;
  readonly length: number;
}

/** The value of a cell. */
export interface CellValue {
  /** As Node shows it, bounded; `preview` for a person (2,000 units), `long` for a model (8,000 units). Strings are quoted. */
  readonly preview: string;
  readonly long: string;
  /** `typeof` of the value, or `null`. */
  readonly type: string;
  /** True length of a string in UTF-16 units, of an array in items; otherwise undefined. */
  readonly length?: number;
  /** JSON text of the value; present exactly when JSON keeps the value and the text is at most 8 MiB. */
  readonly json?: string;
}

export interface Outcome {
  /** Number of the cell in its session, from 1. */
  readonly cell: number;
  readonly outcome: OutcomeKind;
  /** Of a cell that ended `ok` or `final`; for `final` it is the answer. */
  readonly value?: CellValue;
  readonly output: CellOutput;
  readonly error?: CellError;
  /** Wall time in milliseconds. */
  readonly ms: number;
  /** Host calls the cell made, timers not counted. */
  readonly calls: number;
  /** Names the cell defined. */
  readonly vars: readonly string[];
  readonly warnings: readonly string[];
  readonly state?: SessionState;
}

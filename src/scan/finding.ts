// What a scanner tells: the findings of `prelude.d.ts`, and how sure it is of them.

export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;
export const CONFIDENCES = ["high", "medium", "low"] as const;

export type Severity = (typeof SEVERITIES)[number];
export type Confidence = (typeof CONFIDENCES)[number];

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Lower in tests, examples, comments and generated code. */
  readonly confidence: Confidence;
  readonly file: string;
  /** From 1; `column` in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly end_line: number;
  /** The line it begins in, at most 200 units of it; secrets masked but for 4 characters. */
  readonly code: string;
  readonly message: string;
  /** Source that is right in place of what was found, where the rule knows it. */
  readonly fix?: string;
}

/** A finding before the scan is put together. */
export interface Found extends Finding {
  readonly scanner: string;
  readonly end_column: number;
}

/** What a cell and a report see of it. */
export function told({ scanner: _scanner, end_column: _end, ...finding }: Found): Finding {
  return finding;
}

export function isAtLeast<T extends Severity | Confidence>(order: readonly T[], value: T, least: T): boolean {
  return order.indexOf(value) <= order.indexOf(least);
}

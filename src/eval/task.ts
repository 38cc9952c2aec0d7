// A task with a gold answer that is known by construction, what a good root model would run for it, and how an answer is scored.

export const KINDS = ["s-niah", "oolong", "oolong-pairs", "codeqa"] as const;
export type TaskKind = (typeof KINDS)[number];

export interface Task {
  readonly kind: TaskKind;
  readonly question: string;
  /** One text, or the files of a folder. */
  readonly context: string | Readonly<Record<string, string>>;
  readonly gold: unknown;
  /** Of items a model has to read, by their text: what an oracle knows, and may get wrong. */
  readonly labels: ReadonlyMap<string, string>;
  readonly allLabels: readonly string[];
  /** Cells of a root model that counts in code and asks in few, fat prompts; the last one answers. */
  readonly good: readonly string[];
  /** The same by one call for each item. */
  readonly overCalling: readonly string[];
  /** From 0 to 1. */
  readonly score: (answer: unknown) => number;
}

/** 0.75 to the power of the error, as OOLONG scores counts. */
export function countScore(answer: unknown, gold: number): number {
  const value = typeof answer === "number" ? answer : Number(/-?\d+/.exec(String(answer))?.[0] ?? NaN);
  return Number.isFinite(value) ? 0.75 ** Math.abs(value - gold) : 0;
}

export function exactScore(answer: unknown, gold: string): number {
  const said = typeof answer === "string" ? answer : JSON.stringify(answer);
  return said.trim() === gold ? 1 : 0;
}

/** F1 of a list of texts against the gold one. */
export function f1Score(answer: unknown, gold: readonly string[]): number {
  const given = new Set(Array.isArray(answer) ? answer.map(String) : []);
  const hits = gold.filter((each) => given.has(each)).length;
  if (gold.length === 0 && given.size === 0) return 1;
  return given.size + gold.length === 0 ? 0 : (2 * hits) / (given.size + gold.length);
}

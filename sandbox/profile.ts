// A V8 CPU profile as it crosses from a kernel to its host, and its guard: what a kernel says may be anything.

/** Function, script, line and column from 1 as V8 counts them; `parent` is a place in the list before this one, -1 of the root. */
export type ProfileNode = readonly [parent: number, name: string, script: string, line: number, column: number];

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Of each sample its node, and the microseconds since the one before. */
  readonly samples: readonly number[];
  readonly deltas: readonly number[];
  readonly entries: number;
  /** Entries that came after as many as can be profiled. */
  readonly unprofiled: number;
}

export const MAX_PROFILE_NAME = 200;
/** What the profilers of a kernel may hold beside it. */
export const PROFILERS_MB = 1_024;

export function cpuProfile(text: string): CpuProfile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { nodes, samples, deltas, entries, unprofiled } = value as Partial<Record<keyof CpuProfile, unknown>>;
  if (!isList(nodes, isNode) || !isList(samples, isNumber) || !isList(deltas, isNumber)) return undefined;
  if (!isNumber(entries) || !isNumber(unprofiled) || samples.length !== deltas.length) return undefined;
  const isTree = nodes.every(([parent], i) => (i === 0 ? parent === -1 : parent >= 0 && parent < i));
  const isOfNodes = samples.every((node) => Number.isInteger(node) && node >= 0 && node < nodes.length);
  return isTree && isOfNodes ? { nodes, samples, deltas, entries, unprofiled } : undefined;
}

function isNode(value: unknown): value is ProfileNode {
  if (!Array.isArray(value)) return false;
  const [parent, name, script, line, column] = value as readonly unknown[];
  return Number.isInteger(parent) && isName(name) && isName(script) && Number.isInteger(line) && Number.isInteger(column);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value.length <= MAX_PROFILE_NAME;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

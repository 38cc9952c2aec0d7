// How long a function is, and how many ways lead through it.
import type { Matcher, Measure } from "./rule.ts";
import { findAll, type Node } from "./tree.ts";

/** Lines that are not empty. */
export function linesOf(node: Node): number {
  const { start, end } = node.range();
  // Most are short, and need no text.
  if (end.line - start.line < 20) return end.line - start.line + 1;
  return node
    .text()
    .split("\n")
    .filter((line) => line.trim() !== "").length;
}

/** Nodes that `counts` matches; those of functions inside are theirs. */
export function branchesOf(node: Node, { counts, over }: Extract<Measure, { kind: "branches" }>, functions: Matcher): number {
  const { start, end } = node.range();
  // Too short to hold so many: no branch takes fewer characters than `a&&b`.
  if (end.index - start.index < over * 4) return 0;
  const inside = findAll(node, functions)
    .map((each) => each.range())
    .filter((range) => range.start.index > start.index);
  return findAll(node, { ...functions, rule: counts }).filter((branch) => {
    const at = branch.range().start.index;
    return !inside.some((range) => at >= range.start.index && at < range.end.index);
  }).length;
}

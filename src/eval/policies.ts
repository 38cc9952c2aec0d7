// How a root model that was written beforehand behaves: what it runs, and the shape of its replies.
import type { Task } from "./task.ts";

export const POLICIES = ["good", "over-calling", "malformed", "imagining"] as const;
export type Policy = (typeof POLICIES)[number];

const fence = (code: string, language = "ts"): string => `\`\`\`${language}\n${code}\n\`\`\``;

/** What it replies after so many replies of its own. */
export function replyOf(policy: Policy, task: Task, turn: number): string {
  switch (policy) {
    case "good":
      return fence(cellAt(task.good, turn));
    case "over-calling":
      return fence(cellAt(task.overCalling, turn));
    case "malformed":
      return malformed(task.good, turn);
    case "imagining":
      return imagining(task.good, turn);
  }
}

/** The last one again, where more are asked for. */
function cellAt(cells: readonly string[], turn: number): string {
  return cells[Math.min(turn, cells.length - 1)] ?? "";
}

/** Between any two cells a reply that is none; the cells in every shape but the one that was asked for. */
function malformed(cells: readonly string[], turn: number): string {
  const nothing = ["I will look at the context first.", "", fence("print(len(context))", "python"), "FINAL(42)"];
  if (turn % 2 === 0) return nothing[(turn / 2) % nothing.length] ?? "";
  const step = (turn - 1) / 2;
  const cell = cellAt(cells, step);
  const shapes = [
    `Let me see.\n\`\`\`typescript\n${cell}`,
    JSON.stringify({ name: "repl", arguments: { code: cell } }),
    `${fence("{}", "json")}\n${fence(cell, "javascript")}`,
  ];
  return shapes[step % shapes.length] ?? "";
}

/** Each cell with an output it never had, and an answer from that. */
function imagining(cells: readonly string[], turn: number): string {
  return `${fence(cellAt(cells, turn))}\n\nOutput:\n12345 rows\n\nSo the answer is clear:\n${fence("FINAL('imagined')")}`;
}

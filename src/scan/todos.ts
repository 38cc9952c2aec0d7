// TODO marks in files that no grammar reads: what stands behind the sign of a comment.
import { lowered } from "./confidence.ts";
import type { Part } from "./engine.ts";
import type { Found } from "./finding.ts";

/** Signs that begin a comment in the languages people keep in repositories. */
const MARK = /(?:^|\s)(?:#|\/\/|--|;|%|"|<!--|\/?\*+)\s.*?\b(TODO|FIXME|XXX|HACK)\b[:( ]?.*$/dgm;
const MAX_SHOWN = 200;

export function todosIn({ path, text }: Part, steps: number, most: number): Found[] {
  if (!/TODO|FIXME|XXX|HACK/.test(text)) return [];
  const found: Found[] = [];
  let line = 0;
  let counted = 0;
  for (const match of text.matchAll(MARK)) {
    if (found.length >= most) break;
    const at = match.indices?.[1]?.[0] ?? match.index;
    for (let next = text.indexOf("\n", counted); next !== -1 && next < at; next = text.indexOf("\n", counted)) {
      line++;
      counted = next + 1;
    }
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const end = text.indexOf("\n", at);
    const code = text.slice(start, end === -1 ? text.length : end).trim();
    const mark = match[1] ?? "TODO";
    found.push({
      rule: "todo-mark",
      scanner: "find_todos",
      severity: mark === "TODO" ? "info" : "low",
      confidence: lowered("medium", steps),
      file: path,
      line,
      column: at - start,
      end_line: line,
      end_column: at - start + mark.length,
      code: code.slice(0, MAX_SHOWN),
      message: `${mark}: something is left to do here.`,
    });
  }
  return found;
}

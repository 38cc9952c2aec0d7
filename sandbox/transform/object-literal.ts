// A line that starts with `{` and is an object literal is one. JavaScript reads a block there, so the text is tried in parentheses.
import { stripTypes, type Stripped } from "./strip.ts";
import type { Unshift } from "./pieces.ts";

interface Literal {
  readonly stripped: Stripped & { readonly ok: true };
  /** Takes a position of the text with parentheses back to the cell. */
  readonly unshift: Unshift;
}

/** The cell with its last line-starting `{ … }` in parentheses, where that is an object and what comes before stands on its own. */
export async function objectLiteral(source: string): Promise<Literal | undefined> {
  const at = candidate(source);
  if (at === undefined) return undefined;
  const before = source.slice(0, at);
  const literal = source.slice(at).replace(/[;\s]+$/, "");
  const alone = await stripTypes(`(${literal}\n)`);
  if (!alone.ok || (before.trim() !== "" && !(await stripTypes(before)).ok)) return undefined;
  const stripped = await stripTypes(`${before};(${literal}\n)`);
  if (!stripped.ok) return undefined;
  const line = before.split(/\r\n|[\n\r\u2028\u2029]/).length - 1;
  const inserted = ";(".length;
  const column = before.length - Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r"), before.lastIndexOf("\u2028")) - 1;
  return { stripped, unshift: (l, c) => [l, l === line && c >= column + inserted ? c - inserted : c] };
}

/** Offset of the first `{` when the cell begins with it, else of the last line that does. The cell must end with its `}`. */
function candidate(source: string): number | undefined {
  if (!/\}[;\s]*$/.test(source.slice(-200))) return undefined;
  const start = source.search(/\S/);
  if (source[start] === "{") return start;
  const line = source.lastIndexOf("\n{");
  return line === -1 ? undefined : line + 1;
}

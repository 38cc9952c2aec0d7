// A line that starts with `{` and is an object literal is one. JavaScript reads a block there, so the text is tried in parentheses.
import { sameCode, stripTypes, type Stripped } from "./strip.ts";
import type { Unshift } from "./pieces.ts";

interface Literal {
  readonly stripped: Stripped & { readonly ok: true };
  /** Takes a position of the text with parentheses back to the cell. */
  readonly unshift: Unshift;
}

/** The cell with its last line-starting `{ … }` in parentheses, where that is an object and what comes before stands on its own. */
export async function objectLiteral(source: string): Promise<Literal | undefined> {
  const end = endOfBraces(source);
  if (end === undefined) return undefined;
  for (const at of candidates(source)) {
    const before = source.slice(0, at);
    const literal = source.slice(at, end);
    if (!(await stripTypes(`(${literal})`)).ok || !(await standsAlone(before))) continue;
    const stripped = await stripTypes(`${before};(${literal})`);
    if (!stripped.ok) continue;
    const line = before.split(/\r\n|[\n\r\u2028\u2029]/).length - 1;
    const inserted = ";(".length;
    const column = before.length - Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r"), before.lastIndexOf("\u2028")) - 1;
    return { stripped, unshift: (l, c) => [l, l === line && c >= column + inserted ? c - inserted : c] };
  }
  return undefined;
}

/** Where the last `}` ends, when nothing but blanks, semicolons and comments follow it. */
function endOfBraces(source: string): number | undefined {
  const from = Math.max(0, source.length - 1000);
  // A comment reaches to its end and no other way: a cell must not make this look long.
  const last = /\}(?=(?:[;\s]|\/\/.*(?=[\n\r\u2028\u2029]|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*$)/.exec(source.slice(from));
  return last === null ? undefined : from + last.index + 1;
}

/** Offsets of the first `{` when the cell begins with it, and of the last line that does. */
function candidates(source: string): number[] {
  const start = source.search(/\S/);
  const line = source.lastIndexOf("\n{");
  return [...(source[start] === "{" ? [start] : []), ...(line === -1 ? [] : [line + 1])];
}

/** A block after it is a statement of its own, and no body of what comes before: `if (x)`, `function f()`. */
async function standsAlone(before: string): Promise<boolean> {
  if (before.trim() === "") return true;
  return sameCode(`${before};{}`, `${before}{}`);
}

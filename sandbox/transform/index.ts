// A cell's TypeScript to the script the guest runs: `({names, run})`, with a source map back to the cell's own lines.
import { EVERYDAY_NAMES, RESERVED_NAMES } from "../../prelude/contract.ts";
import type { CellError } from "../outcome.ts";
import { keepConstants } from "./constants.ts";
import { objectLiteral } from "./object-literal.ts";
import { plainJavaScript } from "./plain.ts";
import { rewrite } from "./rewrite.ts";
import { refusal } from "./scan.ts";
import { stripTypes, type Stripped } from "./strip.ts";
import type { Unshift } from "./pieces.ts";

export type Transformed =
  | {
      readonly ok: true;
      /** What the journal keeps and replay runs again. */
      readonly script: string;
      /** Names the cell declares at its top level. */
      readonly names: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly error: CellError };

const UNMOVED: Unshift = (line, column) => [line, column];

/** Never throws: what is wrong with a cell is data. */
export async function transform(source: string, cell: number): Promise<Transformed> {
  // A byte-order mark is no part of the text, a first line `#!…` a comment; the same length keeps every column where it was.
  const text = source.replace(/^\uFEFF/, " ").replace(/^( ?)#!/, "$1//");
  const refused = refusal(text);
  if (refused !== undefined) return failed("E_TRANSFORM", "SyntaxError", refused);

  const object = await objectLiteral(text);
  const plain = object === undefined ? plainJavaScript(text) : undefined;
  const changed = object ?? (plain === undefined ? await keepConstants(text) : undefined);
  const stripped = plain ?? changed?.stripped ?? (await stripTypes(text));
  if (!stripped.ok) return rejection(text, stripped);

  const rewritten = rewrite(text, stripped, changed?.unshift ?? UNMOVED, cell);
  if (!rewritten.ok) return rewritten;
  for (const [name, at] of rewritten.names) {
    if (!RESERVED_NAMES.includes(name)) continue;
    const message = `${name} belongs to the prelude and cannot be declared at the top level; choose another name, or use it inside a function`;
    return failed("E_RESERVED_NAME", "SyntaxError", message, at);
  }
  const names = [...rewritten.names.keys()];
  return { ok: true, script: rewritten.script, names, warnings: names.filter((name) => EVERYDAY_NAMES.includes(name)).map(givenUp) };
}

function givenUp(name: string): string {
  const lost =
    name === "answer"
      ? "the `answer` protocol no longer ends the run (FINAL does)"
      : "the prelude's function of that name is gone from this session";
  return `${name} is now a variable of yours: ${lost}`;
}

type Position = { readonly line: number; readonly column: number };

function failed(code: string, name: string, message: string, at?: Position): Transformed {
  return { ok: false, error: { name, message, code, ...at } };
}

async function rejection(source: string, stripped: Stripped & { ok: false }): Promise<Transformed> {
  if ("crashed" in stripped) return failed("E_TRANSFORM", "SyntaxError", `${stripped.crashed}; make the cell smaller or flatter`);
  const { text, line, column } = stripped;
  return (await isIncomplete(source, stripped))
    ? failed("E_INCOMPLETE", "SyntaxError", `the cell ends in the middle of a statement: ${text}`, { line, column })
    : failed("E_SYNTAX", "SyntaxError", text, { line, column });
}

/** Whether more text could make the cell whole: an open bracket, template or comment, a trailing operator. */
async function isIncomplete(source: string, error: { readonly text: string; readonly atEnd: boolean }): Promise<boolean> {
  // `a?.` reads as `a ? .` to esbuild.
  if (/end of file|to terminate multi-line comment/.test(error.text) || /\?\.\s*$/.test(source)) return true;
  if (!error.atEnd || error.text !== "Unterminated string literal") return false;
  // esbuild says the same of '…' and `…`; only a template is still open after another line.
  const longer = await stripTypes(`${source}\n\n`);
  return !longer.ok && !("crashed" in longer) && longer.text === error.text && longer.line > lastLine(source);
}

function lastLine(source: string): number {
  return source.trimEnd().split(/\r\n|[\n\r\u2028\u2029]/).length;
}

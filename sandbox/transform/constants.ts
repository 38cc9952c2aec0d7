// esbuild folds `-1`, `"a" + "b"`, `!0`, `NaN` to a constant and then leaves the statement out, as one without effect. In a cell it may
// be the value; a comma in front of it keeps it. Remove when esbuild can be told to leave such statements in.
import { parse, type Expression, type ExpressionStatement } from "acorn";
import { recordCompletion } from "./completion.ts";
import type { Unshift } from "./pieces.ts";
import { sameCode, stripTypes, type Stripped } from "./strip.ts";

interface Kept {
  readonly stripped: Stripped & { readonly ok: true };
  readonly unshift: Unshift;
}

const BEFORE = "(0,";
const AFTER = ")";
const CONSTANT_NAMES = new Set(["NaN", "Infinity", "undefined"]);

/** The cell with every constant that can be its value kept; undefined where there is none. */
export async function keepConstants(source: string): Promise<Kept | undefined> {
  const found = constants(source) ?? (await lastConstant(source));
  const inserted = found.flatMap(({ start, end }) => [
    { at: start, text: BEFORE },
    { at: end, text: AFTER },
  ]);
  if (inserted.length === 0) return undefined;
  let text = source;
  for (const { at, text: more } of inserted.toSorted((a, b) => b.at - a.at)) text = text.slice(0, at) + more + text.slice(at);
  const stripped = await stripTypes(text);
  if (!stripped.ok) return undefined;
  const places = inserted.map(({ at, text: more }) => placeOf(source, at, more.length));
  const unshift: Unshift = (line, column) => {
    let left = column;
    for (const place of places.toSorted((a, b) => a.column - b.column))
      if (place.line === line && place.column < left) left = Math.max(place.column, left - place.length);
    return [line, left];
  };
  return { stripped, unshift };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Undefined where acorn cannot read the cell: most often there are types in it. */
function constants(source: string): Stretch[] | undefined {
  const found: ExpressionStatement[] = [];
  try {
    const program = parse(source, { ecmaVersion: "latest", sourceType: "module" });
    recordCompletion(program.body, "", { code: source, edit: () => undefined }, (statement) => {
      found.push(statement);
      return true;
    });
  } catch {
    return undefined;
  }
  // A plain literal stays where it is.
  return found.map(({ expression }) => expression).filter((expression) => expression.type !== "Literal" && isConstant(expression));
}

/** The last statement of a cell with types, when it is a constant behind a semicolon or at the start of the last line. */
async function lastConstant(source: string): Promise<Stretch[]> {
  const end = source.trimEnd().replace(/;$/, "").length;
  for (const separator of [";", "\n"]) {
    const start = source.lastIndexOf(separator, end - 1) + 1;
    const [constant] = start === 0 || end - start > 1000 ? [] : (constants(source.slice(start, end)) ?? []);
    if (constant === undefined || constant.end !== end - start) continue;
    // Were it the rest of a longer statement, a semicolon in front of it would change the code.
    if (await sameCode(`${source.slice(0, start)};${source.slice(start)}`, source)) return [{ start: start + constant.start, end }];
  }
  return [];
}

/** Whether esbuild may know its value. One more than it does know costs nothing. */
function isConstant(node: Expression): boolean {
  switch (node.type) {
    case "Literal":
    case "TemplateLiteral":
    case "ArrayExpression":
    case "ObjectExpression":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "ClassExpression":
      return true;
    case "Identifier":
      return CONSTANT_NAMES.has(node.name);
    case "UnaryExpression":
      return isConstant(node.argument);
    case "BinaryExpression":
      return node.left.type !== "PrivateIdentifier" && isConstant(node.left) && isConstant(node.right);
    case "LogicalExpression":
      return isConstant(node.left);
    case "ConditionalExpression":
      return isConstant(node.test);
    default:
      return false;
  }
}

/** Where something of this length is inserted; line and column from 0. */
function placeOf(source: string, at: number, length: number): { readonly line: number; readonly column: number; readonly length: number } {
  const lines = source.slice(0, at).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: lines.length - 1, column: lines.at(-1)?.length ?? 0, length };
}

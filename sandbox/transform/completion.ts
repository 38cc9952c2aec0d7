// The value of a cell is the value of its last statement, as `eval` sees it: through `if`, `try`, `switch`, loops and blocks,
// declarations passed over. JavaScript has no completion values in functions, so the statements that can yield one record it.
import type { ExpressionStatement, ModuleDeclaration, Statement } from "acorn";
import type { Pieces } from "./pieces.ts";

/** Whether an expression statement is the cell's own, and not one that esbuild wrote for a decorator or a namespace. */
type IsOwn = (statement: ExpressionStatement) => boolean;

/** Rewrites every statement whose value can be the cell's into one that stores it in `variable`. */
export function recordCompletion(
  body: readonly (Statement | ModuleDeclaration)[],
  variable: string,
  pieces: Pick<Pieces, "code" | "edit">,
  isOwn: IsOwn,
): void {
  for (const statement of body.toReversed()) {
    if (isModuleItem(statement)) continue;
    if (record(statement, variable, pieces, isOwn)) return;
  }
}

export function isModuleItem(node: Statement | ModuleDeclaration): node is ModuleDeclaration {
  return node.type.startsWith("Import") || node.type.startsWith("Export");
}

/**
 * True when the statement always yields a value, so that none before it can be the cell's. `start` is where its labels begin.
 */
function record(
  statement: Statement,
  variable: string,
  pieces: Pick<Pieces, "code" | "edit">,
  isOwn: IsOwn,
  start = statement.start,
): boolean {
  const inside = (inner: Statement | null | undefined): void => {
    if (inner !== null && inner !== undefined) record(inner, variable, pieces, isOwn);
  };
  const all = (list: readonly Statement[]): boolean => list.map((item) => record(item, variable, pieces, isOwn)).includes(true);
  // A statement that can end without a value yields undefined then, not what came before it. The braces keep it one statement.
  const reset = (): true => {
    pieces.edit(start, start, `{ ${variable} = void 0; `);
    pieces.edit(statement.end, statement.end, " }");
    return true;
  };
  switch (statement.type) {
    case "ExpressionStatement":
      if (!isOwn(statement)) return false;
      // The comma keeps an anonymous function or class from taking the variable's name.
      pieces.edit(statement.start, statement.start, `${variable} = (0, `);
      // The expression's own end lies inside its parentheses, so the semicolon is what is replaced.
      pieces.edit(statement.end - (pieces.code[statement.end - 1] === ";" ? 1 : 0), statement.end, ");");
      return true;
    case "BlockStatement":
      return all(statement.body);
    case "LabeledStatement":
      return record(statement.body, variable, pieces, isOwn, start);
    case "IfStatement":
      inside(statement.consequent);
      inside(statement.alternate);
      return reset();
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
      inside(statement.body);
      return reset();
    case "SwitchStatement":
      for (const branch of statement.cases) all(branch.consequent);
      return reset();
    case "TryStatement":
      inside(statement.block);
      if (statement.handler) {
        // What the block came to before it threw does not count.
        const opened = statement.handler.body.start + 1;
        pieces.edit(opened, opened, ` ${variable} = void 0;`);
        inside(statement.handler.body);
      }
      return reset();
    default:
      return false;
  }
}

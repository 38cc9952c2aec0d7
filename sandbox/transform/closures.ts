// Functions that mention locals of what is around them get a thunk to these, so that a scan can take them along: `patterns.map((p) =>
// (context) => …)` is what models write. A function that is not scanned pays for one WeakMap entry.
import type { Program } from "acorn";
import { closuresIn, type Closure } from "../../prelude/scopes.ts";
import { KEEP_LOCALS } from "../../prelude/contract.ts";
import type { Pieces } from "./pieces.ts";

/** Edits that others at the same place come before or after. */
export interface ClosureEdits {
  /** To be added before all others: what ends a function ends within what is around it. */
  readonly close: () => void;
  /** To be added after all others. */
  readonly open: () => void;
}

/** Undefined where there is nothing to do: no function mentions locals, or nesting is too deep to look. */
export function closureEdits(program: Program, pieces: Pieces): ClosureEdits | undefined {
  const closures = closuresOf(program).filter(({ isMethod }) => !isMethod);
  if (closures.length === 0) return undefined;
  const declared = closures.filter(({ node }) => isDeclaration(node));
  const expressions = closures.filter(({ node }) => !isDeclaration(node));
  return {
    close: () => {
      for (const { node, name, locals } of expressions)
        pieces.edit(node.end, node.end, `${name === undefined ? "" : `}[${JSON.stringify(name)}]`}, ${thunkOf(locals)})`);
    },
    open: () => {
      for (const { node, name } of expressions)
        pieces.edit(node.start, node.start, `${KEEP_LOCALS}(${name === undefined ? "" : `{${JSON.stringify(name)}: `}`);
      for (const { node, locals, blockStart } of declared) {
        if (!isDeclaration(node) || node.id === null) continue;
        // A function is there from the start of its block, and may be used before it is written, or after a return.
        const at = node.type === "FunctionDeclaration" && blockStart !== undefined ? blockStart : node.end;
        pieces.edit(at, at, ` ${KEEP_LOCALS}(${node.id.name}, ${thunkOf(locals)});`);
      }
    },
  };
}

type Declaration = Extract<Closure["node"], { type: "FunctionDeclaration" | "ClassDeclaration" }>;

function isDeclaration(node: Closure["node"]): node is Declaration {
  return node.type === "FunctionDeclaration" || node.type === "ClassDeclaration";
}

function closuresOf(program: Program): Closure[] {
  try {
    return closuresIn(program);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Each on its own: one that is not initialised yet is only missed where it is mentioned. */
function thunkOf(locals: readonly string[]): string {
  return `() => ({${locals.map((name) => `${name}: () => ${name}`).join(", ")}})`;
}

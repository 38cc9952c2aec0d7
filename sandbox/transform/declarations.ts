// Top-level names become session variables: properties of the global object, which every later cell and every closure sees.
// Declarations turn into assignments; functions are assigned first, as hoisting would have it.
import type { ClassDeclaration, ForInStatement, ForOfStatement, FunctionDeclaration, Pattern, Statement, VariableDeclaration } from "acorn";
import type { Pieces } from "./pieces.ts";

/** What a walk over the top level found. */
export interface Declared {
  /** Names in order of appearance, each once. */
  readonly names: Map<string, number>;
  /** Function declarations of the top level, moved to the start of the script. */
  readonly functions: FunctionDeclaration[];
}

/** Whether a name is esbuild's own (a decorator's helper): it stays a local of the cell. */
type IsGenerated = (name: string) => boolean;

export class Declarations implements Declared {
  readonly names = new Map<string, number>();
  readonly functions: FunctionDeclaration[] = [];
  /** Locals that esbuild's helpers need. */
  readonly locals: string[] = [];
  readonly #pieces: Pieces;
  readonly #isGenerated: IsGenerated;
  readonly #unused: (name: string) => string;

  constructor(pieces: Pieces, isGenerated: IsGenerated, unused: (name: string) => string) {
    this.#pieces = pieces;
    this.#isGenerated = isGenerated;
    this.#unused = unused;
  }

  /** A statement that stands at the top level itself. */
  topLevel(statement: Statement): void {
    switch (statement.type) {
      case "FunctionDeclaration":
        return this.function(statement);
      case "ClassDeclaration":
        return this.class(statement);
      case "VariableDeclaration":
        return this.#variables(statement);
      default:
        return this.#nested(statement);
    }
  }

  /** `function f(){}` → `f = function(){}`: without a name of its own, so that its body sees the newest `f`. */
  function(node: FunctionDeclaration): void {
    this.#name(node.id.name, node.id.start);
    this.functions.push(node);
    this.#pieces.edit(node.start, node.end, "");
    this.#pieces.edit(
      node.start,
      node.start + (node.async ? "async function".length : "function".length),
      `${node.id.name} = ${node.async ? "async " : ""}function`,
    );
    this.#pieces.edit(node.id.start, node.id.end, "");
  }

  /** `class C {}` → `C = class C {}`: its own name stays, static initialisers need it. */
  class(node: ClassDeclaration): void {
    this.#name(node.id.name, node.id.start);
    this.#pieces.edit(node.start, node.start, `${node.id.name} = `);
    this.#pieces.edit(node.end, node.end, ";");
  }

  /** `var` in nested statements is the top level's too; `let`, `const`, functions and classes there are not. */
  #nested(statement: Statement): void {
    const each = (list: readonly (Statement | null | undefined)[]): void => {
      for (const item of list) if (item !== null && item !== undefined) this.#nested(item);
    };
    switch (statement.type) {
      case "VariableDeclaration":
        return statement.kind === "var" ? this.#variables(statement) : undefined;
      case "BlockStatement":
        return each(statement.body);
      case "IfStatement":
        return each([statement.consequent, statement.alternate]);
      case "LabeledStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        return each([statement.body]);
      case "TryStatement":
        return each([statement.block, statement.handler?.body, statement.finalizer]);
      case "SwitchStatement":
        return each(statement.cases.flatMap((branch) => branch.consequent));
      case "ForStatement":
        if (statement.init?.type === "VariableDeclaration" && statement.init.kind === "var") this.#variables(statement.init, "head");
        return each([statement.body]);
      case "ForInStatement":
      case "ForOfStatement":
        this.#loopTarget(statement);
        return each([statement.body]);
      default:
        return undefined;
    }
  }

  /** `for (var x of xs)` → `for (x of xs)`. */
  #loopTarget(loop: ForInStatement | ForOfStatement): void {
    const left = loop.left;
    if (left.type !== "VariableDeclaration" || left.kind !== "var") return;
    const target = left.declarations[0]?.id;
    if (target === undefined) return;
    this.#pattern(target);
    // `for (async of` is not a loop over `async`.
    const bare = target.type === "Identifier" && target.name === "async";
    this.#pieces.edit(left.start, target.start, bare ? "(" : "");
    if (bare) this.#pieces.edit(target.end, target.end, ")");
  }

  /**
   * `const a = 1, {b} = o` → `a = 1, ({b} = o);`. A `let` without a value sets undefined; a `var` without one leaves what is there.
   * `using` keeps its declaration, for the disposal when the cell ends, and hands its value on.
   */
  #variables(node: VariableDeclaration, place: "statement" | "head" = "statement"): void {
    const isUsing = node.kind === "using" || node.kind === "await using";
    const first = node.declarations[0];
    if (first === undefined) return;
    if (node.declarations.every(({ id }) => id.type === "Identifier" && this.#isGenerated(id.name))) {
      for (const { id } of node.declarations) if (id.type === "Identifier") this.locals.push(id.name);
      if (node.declarations.every(({ init }) => !init)) this.#pieces.edit(node.start, node.end, "");
      else this.#pieces.edit(node.start, first.start, "");
      return;
    }
    if (!isUsing) this.#pieces.edit(node.start, first.start, "");
    let needsComma = false;
    for (const [index, { id, init, start, end }] of node.declarations.entries()) {
      this.#pattern(id);
      const next = node.declarations[index + 1];
      if (isUsing && id.type === "Identifier" && init) {
        this.#pieces.edit(id.start, id.end, this.#unused(`$${id.name}`));
        this.#pieces.edit(init.start, init.start, `${id.name} = `);
        continue;
      }
      if (next !== undefined) this.#pieces.edit(end, next.start, "");
      const separator = needsComma ? ", " : "";
      if (init) {
        this.#pieces.edit(start, start, id.type === "Identifier" ? separator : `${separator}(`);
        if (id.type !== "Identifier") this.#pieces.edit(end, end, ")");
      } else if (node.kind === "var") {
        this.#pieces.edit(start, end, "");
        continue;
      } else {
        this.#pieces.edit(start, start, separator);
        this.#pieces.edit(end, end, " = void 0");
      }
      needsComma = true;
    }
    // A `var` without a value leaves its semicolon: the body of an `if` must stay a statement.
    if (place === "statement") this.#pieces.edit(node.declarations.at(-1)?.end ?? node.end, node.end, ";");
  }

  #pattern(node: Pattern): void {
    switch (node.type) {
      case "Identifier":
        return this.#name(node.name, node.start);
      case "ObjectPattern":
        for (const property of node.properties) this.#pattern(property.type === "RestElement" ? property.argument : property.value);
        return;
      case "ArrayPattern":
        for (const element of node.elements) if (element !== null) this.#pattern(element);
        return;
      case "RestElement":
        return this.#pattern(node.argument);
      case "AssignmentPattern":
        return this.#pattern(node.left);
      default:
        return;
    }
  }

  #name(name: string, start: number): void {
    if (this.#isGenerated(name)) this.locals.push(name);
    else if (!this.names.has(name)) this.names.set(name, start);
  }
}

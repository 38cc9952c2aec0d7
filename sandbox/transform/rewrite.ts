// A cell's JavaScript to a script the guest can run many of, one after another, in one realm: parsed by acorn, spliced, mapped.
import {
  parse,
  type ExpressionStatement,
  type ImportDeclaration,
  type ModuleDeclaration,
  type Node,
  type Program,
  type Statement,
} from "acorn";
import { KEEP_LOCALS } from "../../prelude/contract.ts";
import type { CellError } from "../outcome.ts";
import { closureEdits } from "./closures.ts";
import { isModuleItem, recordCompletion } from "./completion.ts";
import { Declarations } from "./declarations.ts";
import { Pieces, type Unshift } from "./pieces.ts";
import type { Stripped } from "./strip.ts";

type Position = { readonly line: number; readonly column: number };

export type Rewritten =
  | { readonly ok: true; readonly script: string; readonly names: ReadonlyMap<string, Position | undefined> }
  | { readonly ok: false; readonly error: CellError };

export function rewrite(source: string, stripped: Stripped & { readonly ok: true }, unshift: Unshift, cell: number): Rewritten {
  const { code } = stripped;
  const pieces = new Pieces(code, stripped.mappings, unshift);
  const parsed = parseCell(code, pieces);
  if (!parsed.ok) return parsed;
  const { program } = parsed;

  const statements = exportsUnwrapped(program, pieces);
  const foreign = statements.find(isModuleItem);
  if (foreign !== undefined) return noPackages(foreign, pieces);
  const imports = importsIn(program, code);
  const meta = imports.find(({ type }) => type === "MetaProperty");
  if (meta !== undefined) return rejected("import.meta belongs to modules; a cell is none", pieces, meta.start);
  for (const { start } of imports) pieces.edit(start, start + "import".length, NO_IMPORT);

  const closures = source.includes(KEEP_LOCALS) ? undefined : closureEdits(program, pieces);
  closures?.close();
  // A name esbuild wrote itself is nowhere in the cell.
  const isGenerated = (name: string): boolean => name.startsWith("_") && !source.includes(name);
  const declarations = new Declarations(pieces, isGenerated, (name) => unused(name, source));
  for (const statement of statements) if (!isModuleItem(statement)) declarations.topLevel(statement);

  const variable = unused("$value", source);
  recordCompletion(statements, variable, pieces, (statement) => isOwn(statement, code, isGenerated));

  closures?.open();
  emit(pieces, code, declarations, variable, source, closures !== undefined);
  const { code: body, mappings } = pieces.finish();
  const map = Buffer.from(JSON.stringify({ version: 3, sources: [`cell ${cell}`], names: [], mappings })).toString("base64");
  const names = new Map([...declarations.names].map(([name, at]) => [name, pieces.position(at)]));
  return { ok: true, script: `${body}\n//# sourceURL=cell-${cell}\n//# sourceMappingURL=data:application/json;base64,${map}`, names };
}

/** `import("x")` finds no package either, at the time it runs. */
const NO_IMPORT = `(() => { const e = new TypeError("import() finds no packages in the sandbox; use read_file, parallel_rg_search and the prelude: help()"); e.code = "E_IMPORT"; return Promise.reject(e); })`;

function emit(pieces: Pieces, code: string, declarations: Declarations, variable: string, source: string, hasClosures: boolean): void {
  const merged = mergedNames(source);
  const fresh = [...declarations.names.keys()].filter((name) => merged.has(name));
  pieces.text(
    `"use strict";(${hasClosures ? `(${KEEP_LOCALS}) => (` : ""}{names: ${JSON.stringify([...declarations.names.keys()])}, run: async () => { let ${[variable, ...declarations.locals].join(", ")};\n`,
  );
  // An enum or namespace of an earlier cell is replaced, not extended.
  for (const name of fresh) pieces.text(`${name} = void 0;\n`);
  for (const node of declarations.functions) {
    pieces.copy(node.start, node.end);
    pieces.text(";\n");
  }
  pieces.copy(0, code.length);
  pieces.text(`\nreturn ${variable};\n}})${hasClosures ? ")" : ""}`);
}

type Parsed = { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly error: CellError };

/**
 * By a script's rules with a module's syntax: what a function declares may be declared again by a function or a `var`, as in any script.
 * By a module's where that fails: only there may `using` stand at the top level.
 */
function parseCell(code: string, pieces: Pieces): Parsed {
  const parsed = parseAs("script", code, pieces);
  return parsed.ok ? parsed : parseAs("module", code, pieces);
}

function parseAs(sourceType: "script" | "module", code: string, pieces: Pieces): Parsed {
  try {
    const program = parse(code, {
      ecmaVersion: "latest",
      sourceType,
      allowAwaitOutsideFunction: true,
      allowImportExportEverywhere: true,
      allowHashBang: true,
    });
    return { ok: true, program };
  } catch (error) {
    if (error instanceof SyntaxError && "pos" in error && typeof error.pos === "number") {
      return rejected(error.message.replace(/ \(\d+:\d+\)$/, ""), pieces, error.pos);
    }
    return {
      ok: false,
      error: { name: "SyntaxError", message: "the cell nests too deeply to be parsed; build the value in steps", code: "E_TRANSFORM" },
    };
  }
}

function rejected(message: string, pieces: Pieces, at: number, code = "E_SYNTAX"): { ok: false; error: CellError } {
  return { ok: false, error: { name: "SyntaxError", message, code, ...pieces.position(at) } };
}

/** Every `import(…)` and `import.meta`. They can stand anywhere; with a list of its own, the walk bears any depth. */
function importsIn(program: Program, code: string): Node[] {
  const found: Node[] = [];
  const left: unknown[] = /\bimport\b/.test(code) ? [program] : [];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== "object" || node === null) continue;
    if (isNode(node) && (node.type === "ImportExpression" || (node.type === "MetaProperty" && code.startsWith("import", node.start)))) {
      found.push(node);
    }
    for (const value of Object.values(node)) if (typeof value === "object" && value !== null) left.push(value);
  }
  return found;
}

function isNode(value: object): value is Node {
  return "type" in value && "start" in value;
}

/** `export const x` declares x; `export default e` is e; `export {x}` is nothing. */
function exportsUnwrapped(program: Program, pieces: Pieces): (Statement | ModuleDeclaration)[] {
  return program.body.flatMap((node): (Statement | ModuleDeclaration)[] => {
    if ("directive" in node && node.directive === "use strict") {
      // esbuild puts it there; the script has its own, and it is no value.
      pieces.edit(node.start, node.end, "");
      return [];
    }
    if (node.type === "ExportNamedDeclaration" && !node.source) {
      pieces.edit(node.start, node.declaration?.start ?? node.end, "");
      return node.declaration ? [node.declaration] : [];
    }
    if (node.type === "ExportDefaultDeclaration") {
      const inner = node.declaration;
      pieces.edit(node.start, inner.start, "");
      if (inner.type === "FunctionDeclaration" || inner.type === "ClassDeclaration") {
        if (inner.id !== null) return [{ ...inner, id: inner.id }];
        pieces.edit(inner.start, inner.start, "(");
        pieces.edit(inner.end, inner.end, ");");
        return [];
      }
      return [{ type: "ExpressionStatement", expression: inner, start: inner.start, end: node.end }];
    }
    if (node.type === "ImportDeclaration" && isErased(node, pieces)) return [];
    return [node];
  });
}

/** `import { type T } from "x"` is left as `import {} from "x"`: it has no effect. */
function isErased(node: ImportDeclaration, pieces: Pieces): boolean {
  if (node.specifiers.length > 0 || node.source.start - node.start < "import {".length) return false;
  pieces.edit(node.start, node.end, "");
  return true;
}

function noPackages(node: ModuleDeclaration, pieces: Pieces): Rewritten {
  const from = "source" in node && node.source ? String(node.source.value) : "a package";
  const message = `there are no packages in the sandbox, so ${JSON.stringify(from)} cannot be imported; files: read_file, list_files; search: parallel_rg_search; models: llm_query; all names: help()`;
  return rejected(message, pieces, node.start, "E_IMPORT");
}

/** Whether a statement stands in the cell, and was not added by esbuild for a decorator or a namespace. */
function isOwn({ start, end }: ExpressionStatement, code: string, isGenerated: (name: string) => boolean): boolean {
  const [, name, call] = /^(?:([\w$]+)|\W)(?: = ([\w$]+)\()?/.exec(code.slice(start, start + 200)) ?? [];
  if ([name, call].some((word) => word !== undefined && isGenerated(word))) return false;
  return !/\}\)\(([\w$.]+) \|\| \(\1 = \{\}\)\);?$/.test(code.slice(Math.max(start, end - 400), end));
}

/** Names the cell declares as an enum or a namespace, in one pass. */
function mergedNames(source: string): ReadonlySet<string> {
  return new Set([...source.matchAll(/\b(?:enum|namespace|module)\s+([\p{ID_Continue}$]+)/gu)].map(([, name = ""]) => name));
}

function unused(name: string, source: string): string {
  return source.includes(name) ? unused(`${name}_`, source) : name;
}

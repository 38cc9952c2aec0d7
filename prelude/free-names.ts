// Names a function's text mentions and does not bind itself, by a walk over acorn's tree with a scope for each function and block.
import type { AnyNode, Pattern } from "acorn";

interface Scope {
  readonly names: Set<string>;
  readonly parent: Scope | undefined;
  readonly isFunction: boolean;
}

/** Free names in order of appearance. `typeof x` alone is no mention: it is how code asks whether x exists. */
export function freeNames(root: AnyNode): Set<string> {
  const mentioned: { readonly name: string; readonly scope: Scope }[] = [];
  walk(root, { names: new Set(), parent: undefined, isFunction: true }, mentioned);
  const free = new Set<string>();
  for (const { name, scope } of mentioned) if (!isBound(name, scope)) free.add(name);
  return free;
}

function isBound(name: string, scope: Scope | undefined): boolean {
  for (let at = scope; at !== undefined; at = at.parent) if (at.names.has(name)) return true;
  return name === "arguments" || name === "undefined";
}

function walk(node: AnyNode, scope: Scope, mentioned: { name: string; scope: Scope }[]): void {
  const inner = (isFunction: boolean): Scope => ({ names: new Set(), parent: scope, isFunction });
  switch (node.type) {
    case "Identifier":
      mentioned.push({ name: node.name, scope });
      return;
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      if (node.type === "FunctionDeclaration" && node.id !== null) scope.names.add(node.id.name);
      const body = inner(true);
      if (node.type === "FunctionExpression" && node.id) body.names.add(node.id.name);
      for (const parameter of node.params) bind(parameter, body, body, mentioned);
      return walk(node.body, body, mentioned);
    }
    case "ClassDeclaration":
    case "ClassExpression": {
      const body = inner(false);
      if (node.id) (node.type === "ClassDeclaration" ? scope : body).names.add(node.id.name);
      if (node.superClass) walk(node.superClass, body, mentioned);
      return walk(node.body, body, mentioned);
    }
    case "VariableDeclaration": {
      let target = scope;
      if (node.kind === "var") while (!target.isFunction && target.parent !== undefined) target = target.parent;
      for (const { id, init } of node.declarations) {
        bind(id, target, scope, mentioned);
        if (init) walk(init, scope, mentioned);
      }
      return;
    }
    case "CatchClause": {
      const body = inner(false);
      if (node.param) bind(node.param, body, body, mentioned);
      return walk(node.body, body, mentioned);
    }
    case "MemberExpression":
      walk(node.object, scope, mentioned);
      return node.computed ? walk(node.property, scope, mentioned) : undefined;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      if (node.computed) walk(node.key, scope, mentioned);
      return node.value ? walk(node.value, scope, mentioned) : undefined;
    case "UnaryExpression":
      return node.operator === "typeof" && node.argument.type === "Identifier" ? undefined : walk(node.argument, scope, mentioned);
    case "LabeledStatement":
      return walk(node.body, scope, mentioned);
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return;
    case "BlockStatement":
    case "StaticBlock":
    case "SwitchStatement":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
      return children(node, inner(false), mentioned);
    default:
      return children(node, scope, mentioned);
  }
}

/** Binds the names of a pattern in `scope`; defaults and computed keys in it are looked up in `outer`. */
function bind(pattern: Pattern, scope: Scope, outer: Scope, mentioned: { name: string; scope: Scope }[]): void {
  switch (pattern.type) {
    case "Identifier":
      scope.names.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        if (property.type === "RestElement") bind(property.argument, scope, outer, mentioned);
        else {
          if (property.computed) walk(property.key, outer, mentioned);
          bind(property.value, scope, outer, mentioned);
        }
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element !== null) bind(element, scope, outer, mentioned);
      return;
    case "RestElement":
      return bind(pattern.argument, scope, outer, mentioned);
    case "AssignmentPattern":
      walk(pattern.right, outer, mentioned);
      return bind(pattern.left, scope, outer, mentioned);
    default:
      return walk(pattern, outer, mentioned);
  }
}

function children(node: AnyNode, scope: Scope, mentioned: { name: string; scope: Scope }[]): void {
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walk(item, scope, mentioned);
    } else if (isNode(value)) walk(value, scope, mentioned);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

// Which names a text mentions and where they are bound, by a walk over acorn's tree with a scope for each function and block. The guest
// asks it what a scan function mentions, the transform which functions mention locals of those around them.
import type { AnyNode, Pattern } from "acorn";

interface Scope {
  readonly names: Set<string>;
  readonly parent: Scope | undefined;
  readonly isFunction: boolean;
  /** Where the statements of its block begin, where it is one's. */
  readonly start?: number;
}

type FunctionNode = Extract<
  AnyNode,
  { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" | "ClassDeclaration" | "ClassExpression" }
>;

/** A function or class that mentions locals of what is around it. */
export interface Closure {
  readonly node: FunctionNode;
  readonly locals: readonly string[];
  /** What an anonymous function is called by where it stands. */
  readonly name: string | undefined;
  /** A method: there is no place to put anything around it. */
  readonly isMethod: boolean;
  /** Where the statements around a declaration begin. */
  readonly blockStart: number | undefined;
}

interface Walk {
  readonly mentioned: { readonly name: string; readonly scope: Scope }[];
  /** Functions, inner ones first, each with what was mentioned in it. */
  readonly functions: (Omit<Closure, "locals" | "blockStart"> & { readonly around: Scope; readonly from: number; readonly to: number })[];
  /** Of the function that is walked next. */
  next: { readonly name?: string | undefined; readonly isMethod?: boolean };
}

/** Free names in order of appearance. `typeof x` alone is no mention: it is how code asks whether x exists. */
export function freeNames(root: AnyNode): Set<string> {
  const { mentioned } = walked(root);
  const free = new Set<string>();
  for (const { name, scope } of mentioned) if (!isBound(name, scope)) free.add(name);
  return free;
}

/** Functions and classes that mention locals, inner ones first. What is bound at the top level of `root` is no local. */
export function closuresIn(root: AnyNode): Closure[] {
  const { mentioned, functions } = walked(root);
  return functions.flatMap(({ node, name, isMethod, around, from, to }) => {
    const outer = new Set(scopesFrom(around));
    const locals = new Set<string>();
    for (const mention of mentioned.slice(from, to)) {
      const binding = bindingOf(mention.name, mention.scope);
      if (binding?.parent !== undefined && outer.has(binding)) locals.add(mention.name);
    }
    return locals.size === 0 ? [] : [{ node, name, isMethod, locals: [...locals], blockStart: around.start }];
  });
}

/** Whether a function's own `this` or `super` is mentioned: not those of functions and classes in it. */
export function usesThis(root: AnyNode): boolean {
  const left: unknown[] = isOwnThis(root) ? Object.values(root) : [root];
  while (left.length > 0) {
    const node = left.pop();
    if (Array.isArray(node)) left.push(...(node as readonly unknown[]));
    if (!isNode(node) || isOwnThis(node)) continue;
    if (node.type === "ThisExpression" || node.type === "Super") return true;
    left.push(...Object.values(node));
  }
  return false;
}

function isOwnThis({ type }: AnyNode): boolean {
  return type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ClassDeclaration" || type === "ClassExpression";
}

function walked(root: AnyNode): Walk {
  const found: Walk = { mentioned: [], functions: [], next: {} };
  walk(root, { names: new Set(), parent: undefined, isFunction: true }, found);
  return found;
}

function scopesFrom(scope: Scope): Scope[] {
  const scopes: Scope[] = [];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) scopes.push(at);
  return scopes;
}

function bindingOf(name: string, scope: Scope): Scope | undefined {
  return scopesFrom(scope).find(({ names }) => names.has(name));
}

function isBound(name: string, scope: Scope | undefined): boolean {
  for (let at = scope; at !== undefined; at = at.parent) if (at.names.has(name)) return true;
  return name === "arguments" || name === "undefined";
}

function walk(node: AnyNode, scope: Scope, found: Walk): void {
  const { name, isMethod = false } = found.next;
  found.next = {};
  const inner = (isFunction: boolean): Scope => ({ names: new Set(), parent: scope, isFunction });
  switch (node.type) {
    case "Identifier":
      found.mentioned.push({ name: node.name, scope });
      return;
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      if (node.type === "FunctionDeclaration" && node.id !== null) scope.names.add(node.id.name);
      const body = inner(true);
      if (node.type === "FunctionExpression" && node.id) body.names.add(node.id.name);
      const from = found.mentioned.length;
      for (const parameter of node.params) bind(parameter, body, body, found);
      walk(node.body, body, found);
      const called = node.type !== "ArrowFunctionExpression" && node.id ? undefined : name;
      found.functions.push({ node, name: called, isMethod, around: scope, from, to: found.mentioned.length });
      return;
    }
    case "ClassDeclaration":
    case "ClassExpression": {
      const body = inner(false);
      if (node.id) (node.type === "ClassDeclaration" ? scope : body).names.add(node.id.name);
      const from = found.mentioned.length;
      if (node.superClass) walk(node.superClass, body, found);
      walk(node.body, body, found);
      found.functions.push({ node, name: node.id ? undefined : name, isMethod: false, around: scope, from, to: found.mentioned.length });
      return;
    }
    case "VariableDeclaration": {
      let target = scope;
      if (node.kind === "var") while (!target.isFunction && target.parent !== undefined) target = target.parent;
      for (const { id, init } of node.declarations) {
        bind(id, target, scope, found);
        if (init) walkNamed(id, init, scope, found);
      }
      return;
    }
    case "CatchClause": {
      const body = inner(false);
      if (node.param) bind(node.param, body, body, found);
      return walk(node.body, body, found);
    }
    case "MemberExpression":
      walk(node.object, scope, found);
      return node.computed ? walk(node.property, scope, found) : undefined;
    case "AssignmentExpression":
      walk(node.left, scope, found);
      return walkNamed(node.left, node.right, scope, found);
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition": {
      if (node.computed) walk(node.key, scope, found);
      if (!node.value) return;
      const isPlain = node.type === "PropertyDefinition" || (node.type === "Property" && node.kind === "init" && !node.method);
      found.next = { name: node.computed ? undefined : keyOf(node.key), isMethod: !isPlain };
      return walk(node.value, scope, found);
    }
    case "UnaryExpression":
      return node.operator === "typeof" && node.argument.type === "Identifier" ? undefined : walk(node.argument, scope, found);
    case "LabeledStatement":
      return walk(node.body, scope, found);
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return;
    case "BlockStatement":
      return children(node, { ...inner(false), start: node.start + 1 }, found);
    case "StaticBlock":
    case "SwitchStatement":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
      return children(node, inner(false), found);
    default:
      return children(node, scope, found);
  }
}

/** An anonymous function is called by the name it is bound to. */
function walkNamed(to: AnyNode, value: AnyNode, scope: Scope, found: Walk): void {
  found.next = { name: to.type === "Identifier" ? to.name : undefined };
  walk(value, scope, found);
}

function keyOf(key: AnyNode): string | undefined {
  return key.type === "Identifier" ? key.name : key.type === "Literal" ? String(key.value) : undefined;
}

/** Binds the names of a pattern in `scope`; defaults and computed keys in it are looked up in `outer`. */
function bind(pattern: Pattern, scope: Scope, outer: Scope, found: Walk): void {
  switch (pattern.type) {
    case "Identifier":
      scope.names.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        if (property.type === "RestElement") bind(property.argument, scope, outer, found);
        else {
          if (property.computed) walk(property.key, outer, found);
          bind(property.value, scope, outer, found);
        }
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element !== null) bind(element, scope, outer, found);
      return;
    case "RestElement":
      return bind(pattern.argument, scope, outer, found);
    case "AssignmentPattern":
      walkNamed(pattern.left, pattern.right, outer, found);
      return bind(pattern.left, scope, outer, found);
    default:
      return walk(pattern, outer, found);
  }
}

function children(node: AnyNode, scope: Scope, found: Walk): void {
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walk(item, scope, found);
    } else if (isNode(value)) walk(value, scope, found);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

// What scan functions mention of their session, by value: they run in another isolate, where none of it exists. Names are found by parsing
// the functions' own text; data goes by structured clone, functions and classes by their source with what they mention themselves.
import { parseExpressionAt, type AnyNode } from "acorn";
import { KEEP_LOCALS } from "./contract.ts";
import { copyOf } from "./copies.ts";
import { coded, isImmediate } from "./errors.ts";
import { localsOf } from "./locals.ts";
import { functionToString, getOwnPropertyDescriptor, hasOwn } from "./primordials.ts";
import { freeNames, usesThis } from "./scopes.ts";

/** Data of all captures of one scan, in characters. */
const MAX_CAPTURED = 16 * 1024 * 1024;
const TOO_MUCH = `makes the captured values larger than ${MAX_CAPTURED} characters; read large data from the context`;

/** In the order they can be made; only functions that mention each other have what comes later. */
export type Capture =
  /** devalue's text. */
  | { readonly kind: "value"; readonly text: string }
  /** Source of an expression, and the captures it mentions, by name. */
  | { readonly kind: "source"; readonly name: string; readonly text: string; readonly mentions: Readonly<Record<string, number>> };

export interface Captured {
  /** Each is a capture. */
  readonly functions: readonly { readonly name: string; readonly capture: number }[];
  readonly captures: readonly Capture[];
}

/** Throws E_SCAN_CAPTURE, naming the function and the variable, before anything runs. */
export function capture(functions: readonly unknown[], isBuiltIn: (name: string) => boolean): Captured {
  const captures = new Captures(isBuiltIn);
  const told = functions.map((value, i) => {
    if (typeof value !== "function") throw refused(`functions[${i}]`, `functions[${i}]`, "is not a function");
    const name = value.name === "" ? `function ${i + 1}` : value.name;
    return { name, key: captures.function(value, name) };
  });
  return { functions: told.map(({ name, key }) => ({ name, capture: captures.place(key) })), captures: captures.all() };
}

class Captures {
  readonly #isBuiltIn: (name: string) => boolean;
  /** Keys of what was met, an object itself or a value's own: each with its place once it is made. */
  readonly #places = new Map<unknown, number>();
  readonly #made: Made[] = [];
  #size = 0;

  constructor(isBuiltIn: (name: string) => boolean) {
    this.#isBuiltIn = isBuiltIn;
  }

  /** Returns the key of a function or class. */
  function(value: object, owner: string): unknown {
    if (this.#places.has(value)) return value;
    // Met before its own names are looked at: functions may mention each other.
    this.#places.set(value, -1);
    const text = expressionOf(value, owner);
    const tree = parsed(text, owner);
    const isClass = /^\(\s*class\b/.test(text);
    if (!isClass && usesThis(functionIn(tree)))
      throw refused(owner, owner, "uses `this`, which it does not have in a scan; pass what it needs by `over`, or as a variable");
    const locals = localsOf(value);
    const mentions: Record<string, unknown> = {};
    for (const name of freeNames(tree)) {
      const key = this.#mention(name, locals, owner);
      if (key !== undefined) mentions[name] = key;
    }
    const { name } = value as { readonly name?: unknown };
    this.#add(value, { kind: "source", name: typeof name === "string" ? name : "", text, mentions }, text.length, owner, owner);
    return value;
  }

  place(key: unknown): number {
    return this.#places.get(key) ?? -1;
  }

  all(): Capture[] {
    return this.#made.map((made) => {
      if (made.kind === "value") return made;
      const mentions = Object.fromEntries(Object.entries(made.mentions).map(([name, key]) => [name, this.place(key)]));
      return { ...made, mentions };
    });
  }

  /** Undefined: it is there in every realm. */
  #mention(name: string, locals: ReturnType<typeof localsOf>, owner: string): unknown {
    if (name === KEEP_LOCALS) return undefined;
    if (locals !== undefined && hasOwn(locals, name)) return this.#value(name, localValue(name, locals, owner), undefined, owner);
    if (this.#isBuiltIn(name)) return undefined;
    if (hasOwn(globalThis, name)) return this.#value(name, getOwnPropertyDescriptor(globalThis, name)?.value, name, owner);
    throw refused(
      owner,
      name,
      "is neither a session variable nor a built-in; what a method mentions of a function around it cannot be captured: pass it in `over`, or make it a top-level variable",
    );
  }

  /** `key` of a value that is no object: the session variable it is, so that it is copied once. */
  #value(name: string, value: unknown, variable: string | undefined, owner: string): unknown {
    if (typeof value === "function") return this.function(value, name);
    const key: unknown =
      typeof value === "object" && value !== null ? value : variable === undefined ? Symbol(name) : `variable ${variable}`;
    if (!this.#places.has(key)) {
      const text = byValue(name, value);
      this.#add(key, { kind: "value", text }, text.length, owner, name);
    }
    return key;
  }

  #add(key: unknown, made: Made, size: number, owner: string, name: string): void {
    this.#size += size;
    if (this.#size > MAX_CAPTURED) throw refused(owner, name, TOO_MUCH);
    this.#places.set(key, this.#made.length);
    this.#made.push(made);
  }
}

/** A capture before all have their places. */
type Made =
  | { readonly kind: "value"; readonly text: string }
  | { readonly kind: "source"; readonly name: string; readonly text: string; readonly mentions: Readonly<Record<string, unknown>> };

function localValue(name: string, locals: NonNullable<ReturnType<typeof localsOf>>, owner: string): unknown {
  try {
    return locals[name]?.();
  } catch {
    throw refused(owner, name, "is not initialised yet");
  }
}

function byValue(name: string, value: unknown): string {
  if (value instanceof Promise) throw refused(name, name, "is a promise; await it first");
  try {
    return copyOf(name, value, MAX_CAPTURED);
  } catch (error) {
    if (isImmediate(error)) throw refused(name, name, TOO_MUCH);
    throw refused(name, name, `cannot be copied: ${error instanceof Error ? error.message : "it threw"}`);
  }
}

/** A function's text as an expression; a method's becomes one of an object. */
function expressionOf(value: object, owner: string): string {
  const text = functionToString(value);
  if (/\{\s*\[native code\]\s*\}$/.test(text))
    throw refused(owner, owner, "is a native or bound function, which has no source; write (context) => … around it");
  if (parses(`(${text})`)) return `(${text})`;
  const name = (value as { name?: unknown }).name;
  const method = `({${text}})[${JSON.stringify(typeof name === "string" ? name.replace(/^(?:get|set) /, "") : "")}]`;
  if (parses(method)) return method;
  const why = /#[\p{ID_Start}$_]/u.test(text)
    ? "uses private names of its class, which only its instances have"
    : "cannot be parsed as a function";
  throw refused(owner, owner, `${why}; write (context) => … around what it does`);
}

/** Of a method, wrapped in an object, the function itself. */
function functionIn(tree: AnyNode): AnyNode {
  if (tree.type !== "MemberExpression" || tree.object.type !== "ObjectExpression") return tree;
  const [property] = tree.object.properties;
  return property?.type === "Property" ? property.value : tree;
}

function parses(text: string): boolean {
  try {
    parseExpressionAt(text, 0, { ecmaVersion: "latest" });
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string, owner: string): AnyNode {
  try {
    return parseExpressionAt(text, 0, { ecmaVersion: "latest" });
  } catch {
    throw refused(owner, owner, "cannot be parsed as a function");
  }
}

function refused(owner: string, name: string, why: string): Error {
  const subject = owner === name ? `\`${name}\`` : `\`${name}\`, which \`${owner}\` mentions,`;
  return coded("E_SCAN_CAPTURE", `parallel_scan: ${subject} ${why} (E_SCAN_CAPTURE)`);
}

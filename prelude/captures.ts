// What a scan function mentions of its session, by value: it runs in another isolate, where none of it exists. Names are found by
// parsing the function's own text; data goes by structured clone, functions and classes by their source, recursively.
import { parseExpressionAt, type AnyNode } from "acorn";
import { copyOf } from "./copies.ts";
import { coded, isImmediate } from "./errors.ts";
import { freeNames } from "./free-names.ts";
import { functionToString, getOwnPropertyDescriptor, hasOwn } from "./primordials.ts";

/** Data of all captures of one scan, in characters. */
const MAX_CAPTURED = 16 * 1024 * 1024;
const TOO_MUCH = `makes the captured values larger than ${MAX_CAPTURED} characters; read large data from the context`;

export interface Capture {
  readonly name: string;
  readonly kind: "value" | "source";
  /** devalue's text, or source of an expression. */
  readonly text: string;
}

export interface Captured {
  readonly functions: readonly { readonly name: string; readonly source: string }[];
  readonly captures: readonly Capture[];
}

/** Throws E_SCAN_CAPTURE, naming the function and the variable, before anything runs. */
export function capture(functions: readonly unknown[], isBuiltIn: (name: string) => boolean): Captured {
  const captures = new Map<string, Capture>();
  let size = 0;
  const source = (value: object, owner: string): string => {
    const text = expressionOf(value, owner);
    for (const name of freeNames(parsed(text, owner))) {
      if (captures.has(name) || isBuiltIn(name)) continue;
      if (!hasOwn(globalThis, name))
        throw refused(
          owner,
          name,
          "is neither a session variable nor a built-in; a local of a function around it cannot be captured: pass it in `over`, or make it a top-level variable",
        );
      const captured = captureOne(name);
      // What it mentions itself was entered meanwhile, and must be there first: a class needs the one it extends.
      captures.delete(name);
      captures.set(name, captured);
      size += captured.text.length;
      if (size > MAX_CAPTURED) throw refused(owner, name, TOO_MUCH);
    }
    return text;
  };
  const captureOne = (name: string): Capture => {
    const value: unknown = getOwnPropertyDescriptor(globalThis, name)?.value;
    if (typeof value === "function") {
      // Entered before its own names are looked at: functions may mention each other.
      captures.set(name, { name, kind: "source", text: "undefined" });
      return { name, kind: "source", text: source(value, name) };
    }
    return { name, kind: "value", text: byValue(name, value) };
  };
  const told = functions.map((value, i) => {
    if (typeof value !== "function") throw refused(`functions[${i}]`, `functions[${i}]`, "is not a function");
    const name = value.name === "" ? `function ${i + 1}` : value.name;
    return { name, source: source(value, name) };
  });
  return { functions: told, captures: [...captures.values()] };
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
  throw refused(owner, owner, "cannot be parsed as a function");
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

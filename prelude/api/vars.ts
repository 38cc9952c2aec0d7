// SHOW_VARS: the session's variables by name, with type, size and a short preview; getters do not run.
import { getOwnPropertyDescriptor, getPrototypeOf, isArray, keys, map, uncurry } from "../primordials.ts";
import { safeInspect } from "../inspect.ts";

const replaceAll = uncurry<string, [string, string], string>(String.prototype.replaceAll);

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly preview: string;
}

export function showVars(): Variable[] {
  return map(keys(globalThis), (name) => {
    const value: unknown = getOwnPropertyDescriptor(globalThis, name)?.value;
    return { name, type: typeName(value), size: sizeOf(value), preview: replaceAll(safeInspect(value, 100), "\n", " ") };
  });
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (isArray(value)) return "array";
  if (typeof value !== "object") return typeof value;
  const constructor: unknown = getOwnPropertyDescriptor(getPrototypeOf(value) ?? {}, "constructor")?.value;
  return typeof constructor === "function" && constructor.name !== "" && constructor.name !== "Object" ? constructor.name : "object";
}

/** Characters of a string, items of a collection, keys of an object, bytes of a buffer; 0 where there is no size. */
function sizeOf(value: unknown): number {
  if (typeof value === "string" || isArray(value)) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return typeof value === "object" && value !== null ? keys(value).length : 0;
}

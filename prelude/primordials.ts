// Built-ins as they were before any cell ran. A cell may replace any of them for itself; the prelude's own work goes on.
// Methods are taken off their prototypes, so that no lookup on a guest's object or patched prototype is made.

const { apply, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect;

export { apply, getPrototypeOf, getOwnPropertyDescriptor };

/** A data property; what a cell has put on Object.prototype is no part of its descriptor. */
export function define(
  object: object,
  name: PropertyKey,
  value: unknown,
  { writable = true, configurable = true, enumerable = false }: Omit<PropertyDescriptor, "value" | "get" | "set"> = {},
): void {
  const descriptor: object = { __proto__: null, value, writable, configurable, enumerable };
  defineProperty(object, name, descriptor);
}

/** A property that nobody can take away or define anew. */
export function accessor(object: object, name: PropertyKey, get: () => unknown, set: (value: unknown) => void): void {
  const descriptor: object = { __proto__: null, get, set, configurable: false, enumerable: false };
  defineProperty(object, name, descriptor);
}

/** `uncurry(Map.prototype.get)(map, key)`: a method as a function, safe from patched prototypes. */
export function uncurry<This, Args extends readonly unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
  return (self, ...args) => apply(method, self, args);
}

export const { parse: parseJson, stringify: stringifyJson } = JSON;
export const { isFinite: isFiniteNumber } = Number;
export const { floor, max, min, trunc } = Math;
export const { create, freeze, keys, hasOwn } = Object;
export const NativePromise = Promise;
export const NativeError = Error;
export const NativeTypeError = TypeError;
export const NativeReferenceError = ReferenceError;
export const ObjectPrototype = Object.prototype;
export const NativeSet = Set;
/** Indirect: code runs in the global scope, never in this module's. */
export const globalEval: (code: string) => unknown = globalThis.eval;
export const captureStackTrace = Error.captureStackTrace;

export const slice = uncurry(String.prototype.slice);
export const indexOf = uncurry(String.prototype.indexOf);
export const lastIndexOf = uncurry(String.prototype.lastIndexOf);
export const includes = uncurry(String.prototype.includes);
export const nativeToString = Function.prototype.toString;
export const functionToString = uncurry(Function.prototype.toString);
export const errorToString = uncurry(Error.prototype.toString);
/** `regex.exec(text)`; never what a cell made of it. */
export const exec = uncurry(RegExp.prototype.exec);
export const map = uncurry(Array.prototype.map) as <T, R>(list: readonly T[], each: (item: T, i: number) => R) => R[];
export const filter = uncurry(Array.prototype.filter) as <T>(list: readonly T[], fits: (item: T, i: number) => boolean) => T[];
export const sublist = uncurry(Array.prototype.slice) as <T>(list: readonly T[], start: number, end?: number) => T[];
export const has = uncurry(Array.prototype.includes) as (list: readonly string[], item: string) => boolean;
export const join = uncurry(Array.prototype.join) as (list: readonly string[], separator: string) => string;
export const concat = uncurry(Array.prototype.concat) as <T>(list: readonly T[], others: readonly T[]) => T[];

const isPrototypeOf = uncurry(Object.prototype.isPrototypeOf);
const { isArray: isNativeArray } = Array;

/** `instanceof` without the class's own say in it. */
export function isError(value: unknown): value is Error {
  return isBelow(NativeError.prototype, value);
}

export function isReferenceError(value: unknown): value is ReferenceError {
  return isBelow(NativeReferenceError.prototype, value);
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return isBelow(NativePromise.prototype, value);
}

/** Of a revoked proxy, about which the language only throws, no question of these is answered yes. */
function isBelow(prototype: object, value: unknown): boolean {
  try {
    return isPrototypeOf(prototype, value as object);
  } catch {
    return false;
  }
}

export function isArray(value: unknown): value is unknown[] {
  try {
    return isNativeArray(value);
  } catch {
    return false;
  }
}

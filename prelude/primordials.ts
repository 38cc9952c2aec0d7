// Built-ins as they were before any cell ran. A cell may replace any of them for itself; the prelude's own work goes on.
// Methods are taken off their prototypes, so that no lookup on a guest's object or patched prototype is made.

const { apply, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect;

export { apply, getPrototypeOf, getOwnPropertyDescriptor, defineProperty };

/** `uncurry(Map.prototype.get)(map, key)`: a method as a function, safe from patched prototypes. */
export function uncurry<This, Args extends readonly unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
  return (self, ...args) => apply(method, self, args);
}

export const { parse: parseJson, stringify: stringifyJson } = JSON;
export const { isArray } = Array;
export const { isFinite: isFiniteNumber } = Number;
export const { floor } = Math;
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
export const functionToString = uncurry(Function.prototype.toString);

// Locals of closures, for scans: the transform has each closure leave a way to them.
import { uncurry } from "./primordials.ts";

/** A function for each local, by its name: it throws where the local is not initialised yet. */
export type Locals = Readonly<Record<string, () => unknown>>;

const get = uncurry(WeakMap.prototype.get);
const set = uncurry(WeakMap.prototype.set);
const thunks = new WeakMap<object, unknown>();

export function keepLocals<T extends object>(closure: T, thunk: () => Locals): T {
  set(thunks, closure, thunk);
  return closure;
}

export function localsOf(closure: object): Locals | undefined {
  const thunk = get(thunks, closure) as (() => Locals) | undefined;
  return thunk?.();
}

// What a cell hands in, checked: options are an object of known names, so that one that is misspelt is an error, never nothing.
import { badArgument } from "./errors.ts";
import { has, isArray, join, keys, stringifyJson } from "./primordials.ts";

export type Options = Record<string, unknown>;

/** A copy without a prototype: what a cell put on Object.prototype is no option. Null and undefined are no options. */
export function optionsOf(name: string, given: unknown, known: readonly string[]): Options {
  const options: Options = { __proto__: null, ...(given as object | null | undefined) };
  if (given === undefined || given === null) return options;
  if (typeof given !== "object" || isArray(given)) throw badArgument(`${name} takes its options as an object, not ${kindOf(given)}`);
  const names = keys(options);
  for (let i = 0; i < names.length; i++) {
    const key = names[i] as string;
    if (!has(known, key)) throw badArgument(`${name} has no option ${stringifyJson(key)}; there are ${join(known, ", ")}`);
  }
  return options;
}

/** A whole number from 1, or undefined where it is null or left out. */
export function wholeNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && value >= 1 && value % 1 === 0) return value;
  throw badArgument(`${name} is ${shown(value)}, not a whole number ≥ 1 (null for automatic)`);
}

/** A value in a message: itself where it is short, else its kind. */
export function shown(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  return typeof value === "string" && value.length <= 100 ? stringifyJson(value) : kindOf(value);
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (isArray(value)) return "an array";
  if (value === undefined) return "undefined";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

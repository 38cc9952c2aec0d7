// What JSON keeps and what it does not, told apart before anything crosses: a value that would change on the way is an error that
// names the place, never silently something else.
import { MAX_ARGUMENT_VALUES, MAX_JSON_DEPTH } from "./contract.ts";
import { badArgument, coded } from "./errors.ts";
import {
  hasOwn,
  ObjectPrototype,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isArray,
  isFiniteNumber,
  keys,
  NativeSet,
  NativeTypeError,
  stringifyJson,
  uncurry,
} from "./primordials.ts";

const has = uncurry(Set.prototype.has);
const add = uncurry(Set.prototype.add);
const remove = uncurry(Set.prototype.delete);

export interface JsonRules {
  /** Leave out properties that are undefined, as options objects have them; otherwise they are refused. */
  readonly dropUndefined: boolean;
  /** Largest text, in UTF-16 units. */
  readonly limit: number;
  /** Most values in it, where there is a limit. */
  readonly values?: number;
}

/** Why JSON cannot keep a value: where in it, and what is there. */
export class NotJson {
  readonly path: string;
  readonly reason: string;
  readonly isTooLarge: boolean;
  constructor(path: string, reason: string, isTooLarge = false) {
    this.path = path;
    this.reason = reason;
    this.isTooLarge = isTooLarge;
  }
}

/** JSON text of a value, or why there is none. Getters run, as they would in the cell itself. */
export function toJson(value: unknown, rules: JsonRules): string | NotJson {
  try {
    const walk = new Walk(rules);
    walk.value(value, "", 0);
    if (hasOwn(ObjectPrototype, "toJSON") || hasOwn(Array.prototype, "toJSON"))
      return new NotJson("", "meets the toJSON that a cell put on Object.prototype or Array.prototype");
    const text = stringifyJson(value) as string | undefined;
    if (text === undefined) return new NotJson("", "changed while it was read");
    return text.length > rules.limit ? new NotJson("", `is ${text.length} characters of JSON`, true) : text;
  } catch (error) {
    if (error instanceof NotJson) return error;
    return new NotJson("", "threw while it was read");
  }
}

/** JSON text of an argument; a TypeError of the cell otherwise. */
export function argumentJson(what: string, value: unknown, limit: number): string {
  const text = toJson(value, { dropUndefined: true, limit, values: MAX_ARGUMENT_VALUES });
  if (typeof text === "string") return text;
  throw text.isTooLarge
    ? coded(
        "E_TOO_LARGE",
        `${what}${text.path} ${text.reason}; the limits are ${limit} characters and ${MAX_ARGUMENT_VALUES} values: pass less at a time (E_TOO_LARGE)`,
        NativeTypeError,
      )
    : badArgument(`${what}${text.path} ${text.reason}, which JSON cannot keep`);
}

class Walk {
  readonly #rules: JsonRules;
  readonly #open = new NativeSet<unknown>();
  #units = 0;
  #values = 0;

  constructor(rules: JsonRules) {
    this.#rules = rules;
  }

  value(value: unknown, path: string, depth: number): void {
    this.#count(2);
    this.#countValues(typeof value === "object" ? 2 : 1);
    switch (typeof value) {
      case "string":
        return this.#count(value.length);
      case "boolean":
        return;
      case "number":
        if (!isFiniteNumber(value)) throw new NotJson(path, `is ${value}`);
        return;
      case "object":
        return value === null ? undefined : this.#object(value, path, depth);
      case "bigint":
        throw new NotJson(path, "is a BigInt (use Number(…) or String(…))");
      default:
        throw new NotJson(path, value === undefined ? "is undefined (use null)" : `is a ${typeof value}`);
    }
  }

  #object(object: object, path: string, depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw new NotJson("", `nests more than ${MAX_JSON_DEPTH} deep`);
    if (has(this.#open, object)) throw new NotJson(path, "is circular");
    add(this.#open, object);
    if (isArray(object)) {
      for (let i = 0; i < object.length; i++) this.value(object[i], `${path}[${i}]`, depth + 1);
    } else {
      this.#record(object, path, depth);
    }
    remove(this.#open, object);
  }

  #record(object: object, path: string, depth: number): void {
    const prototype = getPrototypeOf(object);
    if (prototype !== ObjectPrototype && prototype !== null) throw new NotJson(path, `is a ${nameOf(prototype)}`);
    const names = keys(object);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const value = (object as Record<string, unknown>)[name];
      this.#count(name.length);
      if (value === undefined && this.#rules.dropUndefined) continue;
      this.value(value, `${path}.${name}`, depth + 1);
    }
  }

  #countValues(values: number): void {
    this.#values += values;
    const limit = this.#rules.values;
    if (limit !== undefined && this.#values > limit) throw new NotJson("", `has more than ${limit} values`, true);
  }

  #count(units: number): void {
    this.#units += units;
    if (this.#units > this.#rules.limit * 2) throw new NotJson("", `is over ${this.#rules.limit} characters of JSON`, true);
  }
}

/** The class of an instance, by its prototype's own constructor, without running a getter. */
function nameOf(prototype: object): string {
  const constructor: unknown = getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name: unknown = typeof constructor === "function" ? getOwnPropertyDescriptor(constructor, "name")?.value : undefined;
  return typeof name === "string" && name !== "" ? name : "class instance";
}

// What may be asked between cells: the variables, names to complete, whether an answer fits its schema. Getters do not run; a Proxy's
// traps may, within the entry's limit, since nothing in the language tells a Proxy apart.
import { schemaError } from "./api/schema.ts";
import { showVars } from "./api/vars.ts";
import type { LookQuery } from "./contract.ts";
import { getOwnPropertyDescriptor, getPrototypeOf, stringifyJson } from "./primordials.ts";

const MAX_NAMES = 2_000;

/** JSON text of the answer. */
export function look(query: LookQuery): string {
  switch (query.what) {
    case "vars":
      return stringifyJson(showVars());
    case "members":
      return stringifyJson(members(query.path));
    case "fits":
      return stringifyJson(schemaError(query.value, query.schema) ?? null);
  }
}

/** Names of own and inherited properties, nearest first; none where the path meets a getter, nothing, or a name that is not there. */
function members(path: readonly string[]): string[] {
  let value: unknown = globalThis;
  for (let i = 0; i < path.length; i++) {
    const found = descriptorOf(value, path[i] as string);
    if (found === undefined || !("value" in found)) return [];
    value = found.value;
  }
  const names: string[] = [];
  const seen = Object.create(null) as Record<string, true>;
  for (let object = objectOf(value); object !== null; object = getPrototypeOf(object)) {
    const own = Object.getOwnPropertyNames(object);
    for (let i = 0; i < own.length && names.length < MAX_NAMES; i++) {
      const name = own[i] as string;
      if (seen[name] === undefined) names[names.length] = name;
      seen[name] = true;
    }
  }
  return names;
}

function descriptorOf(value: unknown, name: string): PropertyDescriptor | undefined {
  for (let object = objectOf(value); object !== null; object = getPrototypeOf(object)) {
    const found = getOwnPropertyDescriptor(object, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where the members of a value are looked up first. */
function objectOf(value: unknown): object | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" || typeof value === "function") return value;
  return getPrototypeOf(Object(value) as object);
}

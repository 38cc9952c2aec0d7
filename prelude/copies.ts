// Values on their way to a scan isolate, as devalue's text. What they weigh is looked at first: the text of a few hundred megabytes would
// take the heap with it.
import { stringify } from "devalue";
import { coded } from "./errors.ts";
import { getOwnPropertyDescriptor, isArray, keys } from "./primordials.ts";

/** Throws E_TOO_LARGE past `limit` characters, else what devalue throws for what it cannot copy. */
export function copyOf(what: string, value: unknown, limit: number): string {
  if (weight(value, limit) > limit) throw coded("E_TOO_LARGE", `${what} is over ${limit} characters: pass less at a time (E_TOO_LARGE)`);
  return stringify(value);
}

/** Characters of the strings in a value, and one for all else; stops past the limit. Getters do not run. */
function weight(root: unknown, limit: number): number {
  const seen = new Set<object>();
  const open: unknown[] = [root];
  let total = 0;
  while (open.length > 0 && total <= limit) {
    const value = open.pop();
    total += typeof value === "string" ? value.length : 1;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) total += value.byteLength;
    else if (value instanceof Map) for (const entry of value) open.push(entry[0], entry[1]);
    else if (value instanceof Set) for (const item of value) open.push(item);
    else if (isArray(value) && value.length > limit) return value.length;
    else for (const name of keys(value)) open.push(getOwnPropertyDescriptor(value, name)?.value);
  }
  return total;
}

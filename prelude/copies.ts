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

/** At least so many characters: those of the strings in a value, bytes of buffers, two for all else. Stops past the limit. */
function weight(root: unknown, limit: number): number {
  const seen = new Set<object>();
  const open: object[] = [];
  let total = 0;
  const isOver = (): boolean => total > limit;
  const add = (value: unknown): void => {
    total += typeof value === "string" ? value.length : 2;
    if (typeof value === "object" && value !== null && !seen.has(value)) open.push(value);
  };
  add(root);
  for (let value = open.pop(); value !== undefined && !isOver(); value = open.pop()) {
    seen.add(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) total += value.byteLength;
    else if (isArray(value)) for (let i = 0; i < value.length && !isOver(); i++) add(value[i]);
    else if (value instanceof Map) {
      for (const [key, item] of value) {
        add(key);
        add(item);
      }
    } else if (value instanceof Set) for (const item of value) add(item);
    else for (const name of keys(value)) add(getOwnPropertyDescriptor(value, name)?.value);
  }
  return total;
}

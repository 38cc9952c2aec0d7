// Values as Node shows them, bounded in depth, width and length before a character is written: a huge value costs no more than a small one.
import { formatWithOptions, inspect, type InspectOptions } from "node-inspect-extracted";
import { apply, concat, create, getOwnPropertyDescriptor, getPrototypeOf, includes, isArray, keys, slice } from "./primordials.ts";

/** From what Node would show to the least that still says something. */
const LEVELS: readonly { readonly depth: number; readonly width: number }[] = [
  { depth: 2, width: 100 },
  { depth: 2, width: 20 },
  { depth: 1, width: 100 },
  { depth: 1, width: 20 },
  { depth: 0, width: 100 },
  { depth: 0, width: 20 },
];
const MAX_NODES = 2_000;
const MAX_STRING = 10_000;

/** At most `limit` UTF-16 units, and what was cut said at the end. */
export function bounded(value: unknown, limit: number): string {
  if (typeof value === "string") return boundedString(value, limit);
  if (value === null || value === undefined || typeof value === "boolean" || (typeof value === "number" && value !== 0)) return `${value}`;
  const { depth, width } = LEVELS.find((level) => count(value, level.depth, level.width, 0) <= MAX_NODES) ?? { depth: 0, width: 20 };
  const text = inspect(narrowed(value, width), options(depth, width));
  return text.length <= limit ? text : `${headOf(text, limit)}… (${text.length - limit} more characters)`;
}

/** The same for what may throw while it is shown. */
export function safeInspect(value: unknown, limit: number): string {
  try {
    return bounded(value, limit);
  } catch {
    return `[${typeof value} that cannot be shown]`;
  }
}

/** console.log's formatting: strings bare, `%` directives, the rest as values. */
export function format(values: readonly unknown[], limit: number): string {
  const first = values[0];
  if (typeof first === "string" && values.length > 1 && includes(first, "%"))
    return apply(formatWithOptions, undefined, concat<unknown>([options(2, 100)], values));
  let text = "";
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (i > 0) text += " ";
    text += typeof value === "string" ? value : safeInspect(value, limit);
  }
  return text;
}

function options(depth: number, width: number): InspectOptions {
  return { depth, maxArrayLength: width, maxStringLength: MAX_STRING, breakLength: 80, customInspect: false };
}

/** Escapes make a text longer: what is shown is cut until it fits with them. */
function boundedString(value: string, limit: number): string {
  let kept = headOf(value, limit);
  let shown = quoted(kept);
  while (shown.length > limit + QUOTES) {
    kept = headOf(kept, Math.floor((kept.length * limit) / shown.length));
    shown = quoted(kept);
  }
  return kept.length === value.length ? shown : `${shown}... ${value.length - kept.length} more characters`;
}

const QUOTES = 2;

function quoted(text: string): string {
  return inspect(text, { maxStringLength: Infinity, breakLength: Infinity });
}

/** Never half a character. */
function headOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return slice(text, 0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}

/** Nodes Node would visit, up to a little past the limit. Getters do not run. */
function count(value: unknown, depth: number, width: number, seen: number): number {
  if (typeof value !== "object" || value === null || depth < 0) return seen + 1;
  let total = seen + 1;
  for (const child of children(value, width)) {
    if (total > MAX_NODES) return total;
    total = count(child, depth - 1, width, total);
  }
  return total;
}

function* children(value: object, width: number): Generator {
  if (isArray(value)) {
    for (let i = 0; i < value.length && i < width; i++) yield getOwnPropertyDescriptor(value, i)?.value;
  } else if (value instanceof Map) {
    let left = width;
    for (const [key, item] of Map.prototype.entries.call(value)) {
      if (left-- === 0) return;
      yield key;
      yield item;
    }
  } else if (value instanceof Set) {
    let left = width;
    for (const item of Set.prototype.values.call(value)) {
      if (left-- === 0) return;
      yield item;
    }
  } else if (!ArrayBuffer.isView(value)) {
    const names = keys(value);
    for (let i = 0; i < names.length && i < MAX_KEYS; i++) yield getOwnPropertyDescriptor(value, names[i] as string)?.value;
  }
}

/** Node shows every key of an object, however many; past this a value is shown by its first ones. */
const MAX_KEYS = 200;

function narrowed(value: unknown, width: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) {
    // Only the items that will be shown, so that wide objects inside are narrowed too.
    if (value.length > width || !value.some(isWide)) return value;
    return value.map((item) => narrowed(item, width));
  }
  if (!isWide(value)) return value;
  const names = keys(value);
  const copy: object = create(getPrototypeOf(value));
  for (const name of names.slice(0, MAX_KEYS)) {
    const property = getOwnPropertyDescriptor(value, name);
    if (property !== undefined) Object.defineProperty(copy, name, property);
  }
  return Object.assign(copy, { "…": `${names.length - MAX_KEYS} more keys` });
}

function isWide(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isArray(value) && !ArrayBuffer.isView(value) && keys(value).length > MAX_KEYS;
}

// A value on its way out: its previews, its true length, and its JSON where JSON keeps it.
import type { PostedError, PostedValue } from "./contract.ts";
import { safeInspect } from "./inspect.ts";
import { toJson } from "./json.ts";
import { isArray, keys, stringifyJson } from "./primordials.ts";

/** Characters JSON may write for one. */
const MAX_ESCAPE = 6;

interface ValueLimits {
  /** Largest JSON text; 0 for none. */
  readonly value: number;
  readonly preview: number;
  readonly long_preview: number;
}

export function posted(value: unknown, limits: ValueLimits): PostedValue {
  const json = limits.value === 0 ? undefined : toJson(value, { dropUndefined: false, limit: jsonLimit(value, limits.value) });
  const long = safeInspect(value, limits.long_preview);
  return {
    preview: long.length <= limits.preview ? long : safeInspect(value, limits.preview),
    long,
    type: value === null ? "null" : typeof value,
    ...(typeof value === "string" || isArray(value) ? { length: value.length } : {}),
    ...(typeof json === "string" ? { json } : {}),
  };
}

/** A string counts by its own length, however long its escapes make it. */
function jsonLimit(value: unknown, limit: number): number {
  return typeof value === "string" && value.length <= limit ? limit * MAX_ESCAPE + 2 : limit;
}

/** JSON text, put together by hand from primitives: no guest's `toJSON` is on the way. */
export function encodeValue(value: PostedValue): string {
  return encode({ preview: value.preview, long: value.long, type: value.type, length: value.length, json: value.json });
}

export function encodeError(error: PostedError): string {
  return encode({ name: error.name, message: error.message, code: error.code, stack: error.stack, line: error.line, column: error.column });
}

/** Fields that are undefined are left out; `raw` ones are JSON texts already. */
export function encode(
  fields: Readonly<Record<string, string | number | undefined>>,
  raw: Readonly<Record<string, string | undefined>> = {},
): string {
  let text = "";
  const names = keys(fields);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = fields[name];
    if (value !== undefined) text += `${text === "" ? "" : ","}"${name}":${stringifyJson(value)}`;
  }
  const rawNames = keys(raw);
  for (let i = 0; i < rawNames.length; i++) {
    const name = rawNames[i] as string;
    const value = raw[name];
    if (value !== undefined) text += `${text === "" ? "" : ","}"${name}":${value}`;
  }
  return `{${text}}`;
}

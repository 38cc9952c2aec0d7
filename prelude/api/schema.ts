// Replies against a JSON Schema, checked in the guest: a `pattern` of a cell is a regular expression, and may loop only here.
import { Validator } from "@cfworker/json-schema";
import { exec, isError, parseJson, slice } from "../primordials.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** What is wrong with a value, in at most a few lines; undefined when it fits. */
export function schemaError(value: unknown, schema: Schema): string | undefined {
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return undefined;
  // The deepest errors say most; the ones above only say that something below is wrong.
  const told = errors
    .toReversed()
    .slice(0, 5)
    .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
  return told.join("\n");
}

/** The value of a reply, bare or in one fence, or why it has none. */
export function readReply(text: unknown, schema: Schema): { readonly value: unknown } | { readonly error: string } {
  if (typeof text !== "string") return { error: "the reply is not text" };
  const body = exec(/^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/, text)?.[1] ?? text;
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    return { error: `not JSON: ${isError(error) ? error.message : "unreadable"}` };
  }
  const wrong = schemaError(value, schema);
  return wrong === undefined ? { value } : { error: wrong };
}

/** The prompt once more, with the reply and what is wrong with it. */
export function correction(prompt: string, reply: unknown, error: string): string {
  return `${prompt}\n\nYour last reply was:\n${slice(String(reply), 0, 4_000)}\n\nIt does not fit the schema: ${error}\nReply with the corrected JSON only.`;
}

// JSON Schema of a reply, checked in the guest: a `pattern` of a cell is a regular expression, and may loop only here.
import { Validator } from "@cfworker/json-schema";

export type Schema = Record<string, unknown>;

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

// Asking for JSON in words, for providers that take no schema, or take only some.
import type { JsonSchema } from "./model.ts";

/** The system prompt, with the demand for JSON of the schema and nothing else. */
export function withSchemaInstruction(system: string | undefined, schema: JsonSchema): string {
  const demand = `Reply with one JSON value that fits this JSON Schema, and nothing else: no prose, no code fence.\n${JSON.stringify(schema)}`;
  return system === undefined || system === "" ? demand : `${system}\n\n${demand}`;
}

// Schemas of values that a program gives: JSON Schema, or one of a library of schemas (Zod, Valibot, ArkType: https://standardschema.dev).
import { HostError } from "../errors.ts";
import type { JsonSchema } from "./model.ts";

/** What libraries of schemas have in common; `jsonSchema` says them as JSON Schema. */
export interface StandardSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>;
    readonly jsonSchema?: { readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown> };
  };
}

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

export type ValueSchema = JsonSchema | StandardSchema;

/** As a model is told. Throws E_USAGE for one that cannot be said as JSON Schema. */
export function jsonSchemaOf(schema: ValueSchema): JsonSchema {
  if (!isStandard(schema)) return schema;
  const said = schema["~standard"].jsonSchema?.input({ target: "draft-2020-12" });
  if (said === undefined)
    throw new HostError("E_USAGE", "this schema cannot be said as JSON Schema: use Zod 4.2 or newer, or give a JSON Schema");
  const { $schema: _, ...rest } = said;
  return rest;
}

/** A value, or what is wrong with it. */
export type Checked = { readonly value: unknown } | { readonly error: string };

/** By the program's own code, which may make another value of it. */
export async function byProgram(schema: StandardSchema, given: unknown): Promise<Checked> {
  const result = await schema["~standard"].validate(given);
  if (result.issues === undefined) return { value: result.value };
  return { error: result.issues.map(({ message, path = [] }) => `${["#", ...path.map(segment)].join("/")}: ${message}`).join("\n") };
}

function segment(part: unknown): string {
  const key: unknown = typeof part === "object" && part !== null && "key" in part ? part.key : part;
  return String(key);
}

export function isStandard(schema: ValueSchema): schema is StandardSchema {
  return "~standard" in schema;
}

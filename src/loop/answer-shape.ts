// The shape an answer must have: a JSON Schema, which the guest checks, since its `pattern` may loop; or a schema of a program's own
// (Zod, Valibot, ArkType: https://standardschema.dev), which is its own code.
import { HostError } from "../errors.ts";
import type { JsonSchema } from "../llm/model.ts";
import type { AnswerSchema, StandardSchema } from "./answer-schema.ts";
import type { Session } from "../session/session.ts";
import type { CheckedAnswer } from "./types.ts";

/** As the model is told, and the guest checks. Throws E_USAGE for one that cannot be said as JSON Schema. */
export function jsonSchemaOf(schema: AnswerSchema): JsonSchema {
  if (!isStandard(schema)) return schema;
  const said = schema["~standard"].jsonSchema?.input({ target: "draft-2020-12" });
  if (said === undefined)
    throw new HostError("E_USAGE", "this schema cannot be said as JSON Schema: use Zod 4.2 or newer, or give a JSON Schema");
  const { $schema: _, ...rest } = said;
  return rest;
}

/** Checks an answer of this session. */
export function checkOf(schema: AnswerSchema, session: Session): (answer: unknown) => Promise<CheckedAnswer> {
  const told = jsonSchemaOf(schema);
  return async (answer) => {
    const wrong = await session.look({ what: "fits", schema: told, value: answer });
    if (typeof wrong === "string") return { error: wrong };
    if (wrong === undefined) return { error: "it could not be checked in time: give a smaller value" };
    return isStandard(schema) ? await byProgram(schema, answer) : { answer };
  };
}

async function byProgram(schema: StandardSchema, answer: unknown): Promise<CheckedAnswer> {
  const result = await schema["~standard"].validate(answer);
  if (result.issues === undefined) return { answer: result.value };
  return { error: result.issues.map(({ message, path = [] }) => `${["#", ...path.map(segment)].join("/")}: ${message}`).join("\n") };
}

function segment(part: unknown): string {
  const key: unknown = typeof part === "object" && part !== null && "key" in part ? part.key : part;
  return String(key);
}

function isStandard(schema: AnswerSchema): schema is StandardSchema {
  return "~standard" in schema;
}

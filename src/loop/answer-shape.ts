// The shape an answer must have: a JSON Schema, which the guest checks, since its `pattern` may loop; or a schema of a program's own,
// which is its own code.
import { byProgram, isStandard, jsonSchemaOf, type ValueSchema } from "../llm/value-schema.ts";
import type { Session } from "../session/session.ts";
import type { CheckedAnswer } from "./types.ts";

/** Checks an answer of this session. */
export function checkOf(schema: ValueSchema, session: Session): (answer: unknown) => Promise<CheckedAnswer> {
  const told = jsonSchemaOf(schema);
  return async (answer) => {
    const wrong = await session.look({ what: "fits", schema: told, value: answer });
    if (typeof wrong === "string") return { error: wrong };
    if (wrong === undefined) return { error: "it could not be checked in time: give a smaller value" };
    if (!isStandard(schema)) return { answer };
    const checked = await byProgram(schema, answer);
    return "value" in checked ? { answer: checked.value } : checked;
  };
}

// The session's variables, as the guest tells of them. No getter runs for it.
import type { Session } from "./session.ts";
import type { Variable } from "./variable.ts";

export async function variablesOf(session: Session): Promise<Variable[]> {
  const found = await session.look({ what: "vars" });
  return Array.isArray(found) ? found.filter(isVariable) : [];
}

function isVariable(value: unknown): value is Variable {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "type" in value &&
    typeof value.type === "string" &&
    "size" in value &&
    typeof value.size === "number" &&
    "preview" in value &&
    typeof value.preview === "string"
  );
}

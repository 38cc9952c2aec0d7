// A JSON Schema as a TypeScript type, for the signature of a tool. What it does not know is `any`.
import { isRecord } from "../llm/json-guards.ts";

const MAX_DEPTH = 5;

export function typeOf(schema: unknown, depth = 0): string {
  if (!isRecord(schema) || depth > MAX_DEPTH) return "any";
  const { enum: values, const: only, anyOf, oneOf, type } = schema;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(" | ");
  const either = Array.isArray(anyOf) ? anyOf : oneOf;
  if (Array.isArray(either)) return either.map((each) => typeOf(each, depth + 1)).join(" | ");
  if (Array.isArray(type)) return type.map((each: unknown) => typeOf({ ...schema, type: each }, depth + 1)).join(" | ");
  switch (type) {
    case "integer":
      return "number";
    case "string":
    case "number":
    case "boolean":
    case "null":
      return type;
    case "array":
      return `Array<${typeOf(schema["items"], depth + 1)}>`;
    case "object":
      return objectType(schema, depth);
    default:
      return "any";
  }
}

function objectType({ properties, required }: Record<string, unknown>, depth: number): string {
  if (!isRecord(properties)) return "Record<string, any>";
  const needed = new Set(Array.isArray(required) ? required : []);
  const members = Object.entries(properties).map(
    ([name, schema]) =>
      `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}${needed.has(name) ? "" : "?"}: ${typeOf(schema, depth + 1)}`,
  );
  return members.length === 0 ? "{}" : `{ ${members.join("; ")} }`;
}

// Replies against a JSON Schema: what fits, what is said of what does not, and where JSON may stand in a reply.
import { describe, expect, it } from "vitest";
import { correction, readReply, schemaError, type Schema } from "../../prelude/api/schema.ts";

const POINT: Schema = {
  type: "object",
  properties: { x: { type: "integer", minimum: 0 }, tags: { type: "array", items: { enum: ["a", "b"] } } },
  required: ["x"],
  additionalProperties: false,
};

describe("schemaError", () => {
  it.each<[schema: Schema, value: unknown]>([
    [POINT, { x: 1 }],
    [POINT, { x: 1, tags: ["a", "b"] }],
    [{}, null],
    [{ type: ["string", "null"] }, null],
    [{ $defs: { n: { type: "number" } }, $ref: "#/$defs/n" }, 1.5],
    [{ anyOf: [{ const: 1 }, { pattern: "^a+$" }] }, "aaa"],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a"]],
  ])("%j takes %j", (schema, value) => {
    expect(schemaError(value, schema)).toBeUndefined();
  });

  it.each<[schema: Schema, value: unknown, said: RegExp]>([
    [POINT, [], /^#: /],
    [POINT, {}, /required property "x"/],
    [POINT, { x: -1 }, /^#\/x: .*0/],
    [POINT, { x: 1, tags: ["c"] }, /^#\/tags\/0: /],
    [POINT, { x: 1, y: 2 }, /y/],
    [{ type: "string" }, 5, /Instance type "number" is invalid. Expected "string"/],
  ])("%j refuses %j", (schema, value, said) => {
    expect(schemaError(value, schema)).toMatch(said);
  });

  it("says at most five things", () => {
    const wrong = schemaError(Array(50).fill("x"), { items: { type: "number" } });
    expect(wrong?.split("\n").length).toBeLessThanOrEqual(5);
  });
});

describe("readReply", () => {
  it.each([
    ['{"x":1}', { x: 1 }],
    [' \n{"x": 1}\n', { x: 1 }],
    ['```json\n{"x":1}\n```', { x: 1 }],
    ['\n```\n{"x":1}\n```\n', { x: 1 }],
  ])("%j is its value", (text, value) => {
    expect(readReply(text, POINT)).toEqual({ value });
  });

  it.each([
    ["", /^not JSON: /],
    ["Here it is: {}", /^not JSON: /],
    ['{"x":"1"}', /^#\/x: /],
    ['{"x":1} {"x":2}', /^not JSON: /],
    [null, /^the reply is not text$/],
  ])("%j is none", (text, said) => {
    expect(readReply(text, POINT)).toEqual({ error: expect.stringMatching(said) as unknown });
  });
});

it("a correction has the prompt, the head of the reply, and what is wrong", () => {
  const text = correction("Where?", "r".repeat(10_000), "#/x: too small");
  expect(text).toMatch(/^Where\?\n\nYour last reply was:\nr{4000}\n\nIt does not fit the schema: #\/x: too small\n/);
});

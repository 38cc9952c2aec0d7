// What JSON keeps, told apart from what it would change: accepted exactly where a round trip gives the same value back.
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentJson, NotJson, toJson, type JsonRules } from "../../prelude/json.ts";

const RULES: JsonRules = { dropUndefined: false, limit: 1_000_000 };

/** `undefined` where there is no text at all. */
function roundTrip(value: unknown): { readonly value: unknown } | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const EXOTIC = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    NaN,
    Infinity,
    1n,
    Symbol("s"),
    new Date(0),
    new Map(),
    new Set([1]),
    /x/,
    new Uint8Array(2),
    () => 1,
  ),
  fc.constantFrom<unknown>(
    Array(2),
    [undefined],
    { a: undefined },
    new (class Point {
      x = 1;
    })(),
    Object("boxed"),
    Object(1),
  ),
);
/** JSON has one zero. */
const PLAIN = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

function placed(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small", withCrossShrink: true }, leaf, PLAIN, tie("list"), tie("record")),
    list: fc.array(tie("value"), { maxLength: 4 }),
    record: fc.dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  }))["value"];
}

describe("toJson", () => {
  it("keeps every value of JSON, as JSON.stringify writes it", () => {
    fc.assert(
      fc.property(PLAIN, (value) => {
        expect(toJson(value, RULES)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("takes exactly what comes back the same", () => {
    fc.assert(
      fc.property(placed(EXOTIC), (value) => {
        const back = roundTrip(value);
        const isSame = back !== undefined && isDeepStrictEqual(value, back.value);
        const json = toJson(value, RULES);
        expect(typeof json === "string").toBe(isSame);
        if (json instanceof NotJson) expect([json.reason !== "", json.isTooLarge]).toEqual([true, false]);
      }),
      { numRuns: 500 },
    );
  });

  it("names the place of what it refuses", () => {
    const keys = fc.array(fc.oneof(fc.nat({ max: 3 }), fc.constantFrom("a", "b", "c")), { maxLength: 6 });
    fc.assert(
      fc.property(
        keys,
        EXOTIC.filter((value) => typeof value !== "object"),
        (path, leaf) => {
          const value = path.reduceRight<unknown>(
            (inner, key) => (typeof key === "number" ? [...Array<number>(key).fill(0), inner] : { z: 1, [key]: inner }),
            leaf,
          );
          const json = toJson(value, RULES);
          expect(json).toBeInstanceOf(NotJson);
          expect((json as NotJson).path).toBe(path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join(""));
        },
      ),
    );
  });

  it.each<[name: string, value: () => unknown, path: string, reason: RegExp]>([
    ["a cycle", () => cycle(), ".list[0]", /^is circular$/],
    ["depth", () => nested(2_000), "", /^nests more than 1000 deep$/],
    ["an own toJSON", () => ({ a: { toJSON: () => 1 } }), ".a.toJSON", /^is a function$/],
    [
      "a getter that throws",
      () => ({
        get a() {
          throw new Error("no");
        },
      }),
      "",
      /^threw while it was read$/,
    ],
    [
      "a Proxy that throws",
      () => [
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error("no");
            },
          },
        ),
      ],
      "",
      /^threw while it was read$/,
    ],
    [
      "a class",
      () => [
        new (class Point {
          x = 1;
        })(),
      ],
      "[0]",
      /^is a Point$/,
    ],
    ["a nameless class", () => [Object.create({ constructor: 5 }) as unknown], "[0]", /^is a class instance$/],
    ["a hole", () => [1, , 2], "[1]", /^is undefined \(use null\)$/], // oxlint-disable-line no-sparse-arrays
  ])("says why: %s", (_, value, path, reason) => {
    expect(toJson(value(), RULES)).toMatchObject({ path, reason: expect.stringMatching(reason) as unknown, isTooLarge: false });
  });

  it.each<[value: unknown, json: string]>([
    [-0, "0"],
    [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    [JSON.parse('{"__proto__": 1}'), '{"__proto__":1}'],
    ["\ud800", '"\\ud800"'],
    [nested(999), JSON.stringify(nested(999))],
  ])("takes what is unusual: case %#", (value, json) => {
    expect(toJson(value, RULES)).toBe(json);
  });

  it("takes the same object twice, but not inside itself", () => {
    const shared = { a: 1 };
    expect(toJson([shared, shared], RULES)).toBe('[{"a":1},{"a":1}]');
  });

  it("bounds the text, by its own length", () => {
    for (const value of ["x".repeat(98), Array(49).fill(1), { k: "x".repeat(92) }]) {
      const text = JSON.stringify(value);
      expect(toJson(value, { dropUndefined: false, limit: text.length })).toBe(text);
      expect(toJson(value, { dropUndefined: false, limit: text.length - 1 })).toMatchObject({ isTooLarge: true });
    }
  });
});

it("argumentJson drops undefined properties alone, and throws a TypeError that names the argument", () => {
  expect(argumentJson("f", { a: undefined, b: [1] }, 100)).toBe('{"b":[1]}');
  expect(() => argumentJson("f: argument", { a: [undefined] }, 100)).toThrowError(
    expect.objectContaining({
      name: "TypeError",
      code: "E_BAD_ARGUMENT",
      message: "f: argument.a[0] is undefined (use null), which JSON cannot keep",
    }),
  );
  expect(() => argumentJson("f", "x".repeat(300), 100)).toThrowError(expect.objectContaining({ name: "TypeError", code: "E_TOO_LARGE" }));
});

function cycle(): unknown {
  const list: unknown[] = [];
  const root = { list };
  list.push(root);
  return root;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

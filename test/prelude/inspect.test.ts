// Values as they are shown: Node's way, bounded whatever the value is.
import { inspect as nodeInspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bounded, format, safeInspect } from "../../prelude/inspect.ts";

const LIMIT = 2_000;
/** What tells how much is missing. */
const TOLD = 60;

describe("bounded", () => {
  it("shows small values as Node does", () => {
    for (const value of [
      0,
      -0,
      1.5,
      NaN,
      -Infinity,
      2n,
      true,
      null,
      undefined,
      "it's",
      Symbol("s"),
      [1, 2, 3],
      { a: { b: { c: {} } } },
      new Map([[1, { a: 2 }]]),
      new Set(["x"]),
      new Date(0),
      /x/g,
      new Uint8Array(3),
      (() => 1) as unknown,
      Promise,
    ])
      expect(bounded(value, LIMIT)).toBe(nodeInspect(value, { depth: 2, breakLength: 80 }));
  });

  it("is never longer than its limit, nor half a character, whatever the value", () => {
    const big = fc.oneof(
      fc.anything({
        maxDepth: 3,
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
      fc.string({ unit: "binary", maxLength: 300 }).map((part) => part.repeat(50)),
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 500, size: "max" }),
    );
    fc.assert(
      fc.property(big, fc.integer({ min: 20, max: 300 }), (value, limit) => {
        const text = safeInspect(value, limit);
        expect(text.length).toBeLessThanOrEqual(limit + TOLD);
        if (typeof value === "string" && value.isWellFormed()) expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[name: string, value: () => unknown, shown: RegExp]>([
    ["a long string", () => "x".repeat(1e6), /^'x{2000}'\.\.\. 998000 more characters$/],
    ["a long array", () => Array(1e6).fill(7), /\.\.\. 999\d{3} more items/],
    ["an object of many keys", () => Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i])), /^\{.*more characters\)$/s],
    ["wide objects in an array", () => [Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]))], /k0/],
    [
      "a deep value",
      () => {
        let deep: unknown = 1;
        for (let i = 0; i < 1e5; i++) deep = { deep };
        return deep;
      },
      /^\{ deep: \{ deep: \{ deep: \[Object\] \} \} \}$/,
    ],
    [
      "a cycle",
      () => {
        const a: Record<string, unknown> = {};
        a["self"] = a;
        return a;
      },
      /^<ref \*1> \{ self: \[Circular \*1\] \}$/,
    ],
    [
      "a getter, which does not run",
      () => ({
        get a() {
          throw new Error("ran");
        },
      }),
      /^\{ a: \[Getter\] \}$/,
    ],
    [
      "a custom inspection, which does not run",
      () => ({ [Symbol.for("nodejs.util.inspect.custom")]: () => "mine" }),
      /nodejs\.util\.inspect\.custom/,
    ],
    ["a Map of many", () => new Map(Array.from({ length: 1e5 }, (_, i) => [i, i])), /^Map\(100000\) \{/],
  ])("%s", (_, value, shown) => {
    const text = bounded(value(), LIMIT);
    expect(text).toMatch(shown);
    expect(text.length).toBeLessThanOrEqual(LIMIT + TOLD);
  });
});

it("safeInspect survives what cannot be shown", () => {
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no");
      },
      getPrototypeOf: () => {
        throw new Error("no");
      },
    },
  );
  expect(safeInspect(hostile, 100)).toBe("[object that cannot be shown]");
});

it.each<[values: unknown[], text: string]>([
  [[], ""],
  [["a", 1, null], "a 1 null"],
  [["", ""], " "],
  [["%s is %d%%", "x", 3, "more"], "x is 3% more"],
  [["100%"], "100%"],
  [[1, "%s", 2], "1 %s 2"],
  [["%o"], "%o"],
])("format %j", (values, text) => {
  expect(format(values, 1_000)).toBe(text);
});

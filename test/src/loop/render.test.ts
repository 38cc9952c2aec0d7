// What the root model reads of an outcome.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { headAndTail } from "../../../src/loop/cut.ts";
import { renderOutcome } from "../../../src/loop/render.ts";
import { outcome } from "./play.ts";

const LEFT = { usd: 0.934, tokens: null, calls: 480, seconds: null, depth: 0, iterations: 19 } as const;
const FREE = { usd: null, tokens: null, calls: null, seconds: null, depth: 0, iterations: null } as const;

test("a value, new variables, and what is left", () => {
  const value = { preview: "'x'", long: "'x'", type: "string", length: 12_345, json: '"x"' };
  expect(
    renderOutcome(
      outcome({ cell: 3, output: { text: "a\nb\n", length: 4 }, value, ms: 1234, calls: 12, vars: ["rows", "total"] }),
      LEFT,
      8_000,
    ),
  ).toMatchInlineSnapshot(`
    "cell 3: ok (1.2 s, 12 host calls)
    printed:
    a
    b
    value, string of 12,345 characters:
    'x'
    defined: rows, total
    left: 19 turns, 480 model calls, $0.93"
  `);
});

test("an error with its place, a warning and a state", () => {
  const error = {
    name: "TypeError",
    message: "x is not a function",
    code: "E_X",
    line: 2,
    column: 7,
    stack: "TypeError: x\n    at f (cell 3:2:7)\n    at cell 3:5:1",
  };
  expect(
    renderOutcome(
      outcome({ cell: 3, outcome: "threw", error, warnings: ["slot 3 failed: E_LLM_RATE"], state: "rebuilt", calls: 1 }),
      FREE,
      8_000,
    ),
  ).toMatchInlineSnapshot(`
    "cell 3: threw (12 ms, 1 host call)
    TypeError (line 2, column 7): x is not a function (E_X)
        at f (cell 3:2:7)
        at cell 3:5:1
    warning: slot 3 failed: E_LLM_RATE
    state: the session was rebuilt without the cut part of this cell; all earlier variables are there
    left: no limit"
  `);
});

test("nothing at all", () => {
  expect(renderOutcome(outcome({ value: { preview: "undefined", long: "undefined", type: "undefined" } }), FREE, 8_000))
    .toMatchInlineSnapshot(`
    "cell 1: ok (12 ms)
    nothing was printed; print(…) what you want to read
    left: no limit"
  `);
});

test("long output keeps head, tail and its true length, and never splits a character", () => {
  const text = `first ${"😀".repeat(20_000)} last`;
  const rendered = renderOutcome(outcome({ output: { text, length: 5_000_000 } }), FREE, 8_000);
  expect(rendered.length).toBeLessThan(8_400);
  expect(rendered).toContain("of 5,000,000 characters left out]");
  expect(rendered).toContain("first ");
  expect(rendered).toContain(" last\n");
  expect(rendered.isWellFormed()).toBe(true);
});

test("everything is bounded", () => {
  const long = "x".repeat(100_000);
  const rendered = renderOutcome(
    outcome({
      outcome: "threw",
      output: { text: long, length: 1e9 },
      value: { preview: long, long, type: "string", length: 100_000 },
      error: { name: "Error", message: long, stack: `Error\n    at ${long}\n    at ${long}` },
      vars: Array.from({ length: 1000 }, (_, n) => `name${n}`),
      warnings: Array.from({ length: 1000 }, () => "w".repeat(50)),
    }),
    LEFT,
    8_000,
  );
  expect(rendered.length).toBeLessThan(22_000);
  expect(rendered).toContain("and 960 more");
  expect(rendered).toContain("990 more warnings");
});

test("a cut text is whole or has its two ends, well-formed, with all characters accounted for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 10, max: 100 }), (text, max) => {
      const cut = headAndTail(text, max);
      if (text.length <= max) return cut === text;
      const [, head = "", left = "", total, tail = ""] =
        /^([\s\S]*)\n… \[([\d,]+) of ([\d,]+) characters left out\] …\n([\s\S]*)$/.exec(cut) ?? [];
      return (
        cut.isWellFormed() &&
        text.startsWith(head) &&
        text.endsWith(tail) &&
        Number(left) === text.length - head.length - tail.length &&
        Number(total) === text.length
      );
    }),
  );
});

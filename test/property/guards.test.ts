// The host takes a kernel for compromised: whatever its frames and posts say, a guard neither throws nor passes on what is out of
// bounds, and what it passes has known fields alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelFrame, post } from "../../sandbox/guards.ts";
import { isShallow } from "../../sandbox/json-shape.ts";
import * as limits from "../../sandbox/limits.ts";
import { PROTOCOL_VERSION } from "../../sandbox/protocol.ts";

const HOSTILE_KEYS = ["__proto__", "constructor", "prototype", "then", "toJSON", "toString", "valueOf"];
const FIELDS = "version node v8 seq end ms message scan job ok code n rss preview long json length outcome tail console_length vars".split(
  " ",
);

/** Values that are nearly right: known words and fields among anything. */
const word = fc.constantFrom(
  "ready",
  "post",
  "entered",
  "jobs_ended",
  "pong",
  "ok",
  "threw",
  "timeout",
  "final",
  "llm",
  "scan",
  "timer",
  "start",
  "{}",
  "1",
);
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, 0, 1, 1.5, 2 ** 53, 1e308, PROTOCOL_VERSION));
const leaf = fc.oneof(word, number, fc.string(), fc.boolean(), fc.constant(null), fc.constant("x".repeat(5_000)));
const { value: nearly } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("type", ...FIELDS, ...HOSTILE_KEYS), tie("value"), { maxKeys: 8 }),
  ),
}));
const head = fc.record({ type: word, ...Object.fromEntries(FIELDS.map((field) => [field, nearly])) }, { requiredKeys: ["type"] });
const done = fc.record(
  { outcome: word, tail: leaf, console_length: number, vars: fc.array(leaf), value: nearly, error: nearly },
  { requiredKeys: [] },
);
const kinds = fc.constantFrom("call", "console", "time", "progress", "warning", "final", "look", "done", "constructor", "__proto__");
const nearPost = fc.tuple(kinds, fc.oneof(nearly, done), nearly, nearly).map((parts) => JSON.stringify(parts));

/** Every text of a value, with the key it stands under. */
function texts(value: unknown, key = ""): [key: string, text: string][] {
  if (typeof value === "string") return [[key, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => texts(item, name));
}

const OWN = Reflect.ownKeys(Object.prototype);
const untouched = (): void => expect(Reflect.ownKeys(Object.prototype)).toEqual(OWN);

describe("frames", () => {
  it("come out with known fields in bounds, or not at all", () => {
    fc.assert(
      fc.property(fc.oneof(head, fc.anything(), nearly), (said) => {
        const frame = kernelFrame(said);
        if (frame === undefined) return;
        expect(Object.keys(frame).filter((key) => key !== "type" && !FIELDS.includes(key))).toEqual([]);
        for (const [key, text] of texts(frame)) expect([key, text.length <= 4_000]).toEqual([key, true]);
        for (const value of Object.values(frame)) if (typeof value === "number") expect(value).toBeGreaterThanOrEqual(0);
        for (const value of Object.values(frame)) expect(typeof value).not.toBe("object");
      }),
      { numRuns: 2_000 },
    );
  });

  it("of another protocol, with a time that runs backwards, or with more than a frame says are none", () => {
    const ready = { type: "ready", version: PROTOCOL_VERSION, node: "v24", v8: "13" };
    expect(kernelFrame(ready)).toEqual(ready);
    expect(kernelFrame({ ...ready, version: PROTOCOL_VERSION + 1 })).toBeUndefined();
    expect(kernelFrame({ type: "entered", seq: 1, end: "ok", ms: -1 })).toBeUndefined();
    expect(kernelFrame({ type: "jobs_ended", scan: 1, jobs: [{ job: 1, ok: true, ms: -1, bytes: 0 }] })).toBeUndefined();
    expect(kernelFrame({ type: "pong", n: 1, rss: -1 })).toBeUndefined();
  });
});

describe("posts", () => {
  it("come out in bounds, or not at all, and touch nothing", () => {
    const bounds: Readonly<Record<string, number>> = {
      preview: limits.MAX_LONG_PREVIEW + 200,
      long: limits.MAX_LONG_PREVIEW + 200,
      message: limits.MAX_ERROR_MESSAGE + 200,
      stack: limits.MAX_STACK + 200,
      name: 300,
      code: 200,
    };
    fc.assert(
      fc.property(fc.oneof(nearPost, fc.string(), fc.json()), (text) => {
        const passed = post(text);
        untouched();
        if (passed === undefined || passed[0] === "call") return;
        for (const [key, found] of texts(passed)) expect(found.length).toBeLessThanOrEqual(bounds[key] ?? limits.MAX_CONSOLE);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["a console text over its limit", JSON.stringify(["console", "x".repeat(limits.MAX_CONSOLE + 1)])],
    [
      "a tail over its limit",
      JSON.stringify(["done", { outcome: "ok", tail: "x".repeat(limits.MAX_CONSOLE + 1), cell: 1, console_length: 0, vars: [] }]),
    ],
    ["arguments over their limit", `["call",1,"llm",{"prompt":"${"x".repeat(limits.MAX_ARGUMENT + 200)}"}]`],
    ["arguments that nest too deep", `["call",1,"llm",${"[".repeat(5_000)}${"]".repeat(5_000)}]`],
    ["arguments of too many values", `["call",1,"llm",[${"[],".repeat(2_100_000)}0]]`],
    ["a flat post that nests", `["console",${"[".repeat(50)}${"]".repeat(50)}]`],
    ["a flat post of a million values", `["warning",[${"0,".repeat(1_000_000)}0]]`],
    ["an answer to a look that is no JSON", '["look",1,"[1"]'],
    ["an answer to a look that nests", JSON.stringify(["look", 1, "[".repeat(100) + "]".repeat(100)])],
  ])("refuse %s", (_, text) => {
    expect(post(text)).toBeUndefined();
  });

  it("drop a value's JSON that nests too deep for whoever writes it out, or that is too large", () => {
    const value = (json: string): string =>
      JSON.stringify([
        "done",
        { outcome: "ok", tail: "", cell: 1, console_length: 0, vars: [], value: { preview: "", long: "", type: "object", json } },
      ]);
    expect(post(value("[".repeat(1_000) + "]".repeat(1_000)))).toMatchObject(["done", { value: { json: expect.any(String) } }]);
    for (const json of ["[".repeat(100_000) + "]".repeat(100_000), `"${"x".repeat(limits.MAX_VALUE + 1)}"`, "{"])
      expect(post(value(json))).toMatchObject(["done", { value: { type: "object" } }]);
    expect(JSON.stringify(post(value("[".repeat(100_000) + "]".repeat(100_000))))).not.toContain('"json"');
  });

  it("keep the names of a cell to ten thousand of a thousand characters", () => {
    const vars = ["x".repeat(1_001), 5, null, ...Array.from({ length: 10_050 }, (_, i) => `v${i}`)];
    const passed = post(JSON.stringify(["done", { outcome: "ok", tail: "", cell: 1, console_length: 0, vars }]));
    expect(passed?.[0] === "done" && [passed[1].vars.length, passed[1].vars[0]]).toEqual([10_000, "v0"]);
  });
});

describe("the look at a JSON text's shape", () => {
  const measured = (value: unknown): { depth: number; values: number } => {
    if (typeof value !== "object" || value === null) return { depth: 0, values: 1 };
    const inner = Object.values(value).map(measured);
    return { depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)), values: inner.reduce((sum, { values }) => sum + values, 2) };
  };

  it("passes what is within, and stops what nests deeper or has more, whatever its strings hold", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.string(), (value, noise) => {
        const whole = { [noise]: value, noise: `[{"${noise}\\` };
        const { depth, values } = measured(whole);
        const text = JSON.stringify(whole);
        expect(isShallow(text, depth, values)).toBe(true);
        expect(isShallow(text, depth - 1, values)).toBe(false);
        expect(isShallow(text, depth, Math.floor(values / 3) - 2)).toBe(false);
      }),
    );
  });
});

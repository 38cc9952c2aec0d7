import { expect, it } from "vitest";
import { openContexts } from "../../../src/workspace/contexts.ts";
import { probeFacts, type ProbeFacts } from "../../../src/workspace/facts.ts";
import { shapeOf, shapeOfAll } from "../../../src/workspace/json-shape.ts";
import { tempTree } from "./temp-tree.ts";

async function facts(files: Readonly<Record<string, string>>, written: string): Promise<ProbeFacts> {
  const [source] = await openContexts([written], { cwd: tempTree(files) });
  if (source === undefined) throw new Error("no source");
  return probeFacts(source);
}

it("tells the first and last lines of a text, none twice", async () => {
  const lines = Array.from({ length: 25 }, (_, index) => `line ${index + 1}`);
  const { headLines, tailLines, ...rest } = await facts({ "a.log": `\uFEFF${lines.join("\r\n")}\r\n` }, "a.log");
  expect(headLines).toEqual(lines.slice(0, 20));
  expect(tailLines).toEqual(lines.slice(20));
  expect(rest).toEqual({
    kind: "text",
    name: "a.log",
    size: 219,
    shape: null,
    fileTypes: [],
    files: 1,
    paths: [],
    description: "219 bytes",
  });
});

it("looks at both ends of a long text only", async () => {
  const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index + 1} äöü`);
  const { headLines, tailLines } = await facts({ "a.log": lines.join("\n") }, "a.log");
  expect([headLines, tailLines]).toEqual([lines.slice(0, 20), lines.slice(-10)]);
});

it("cuts long lines", async () => {
  const { headLines, tailLines } = await facts({ "a.log": "x".repeat(300_000) }, "a.log");
  expect(headLines).toEqual([`${"x".repeat(400)}… (65536 characters)`]);
  expect(tailLines).toEqual([`${"x".repeat(400)}… (65536 characters)`]);
});

it("tells of an empty text that it is empty", async () => {
  expect(await facts({ "a.log": "" }, "a.log")).toMatchObject({ size: 0, headLines: [], tailLines: [], description: "0 bytes" });
});

it("tells the file types of a corpus", async () => {
  const { kind, fileTypes, files, paths, description, shape } = await facts(
    { "d/a.TS": "12345", "d/b.ts": "1", "d/README": "12", "d/.x": "", "d/x.d/y": "1" },
    "d",
  );
  expect({ kind, files, paths, description, shape }).toEqual({
    kind: "corpus",
    files: 5,
    paths: [".x", "README", "a.TS", "b.ts", "x.d/y"],
    description: "5 files, 9 bytes",
    shape: null,
  });
  expect(fileTypes).toEqual([
    { extension: ".ts", files: 2, bytes: 6 },
    { extension: "", files: 3, bytes: 3 },
  ]);
});

it.each([
  [
    "a.json",
    '\uFEFF[{"id":1,"tags":["a"]},{"id":2,"tags":[],"name":null}]',
    "{ id: number; tags: string[] /* 0–1 */; name?: null }[] /* 2 */",
  ],
  ["a.json", "{oops", "not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
  ["a.jsonl", '{"a":1}\n\n{"a":"x"}\n', "2 records, each: { a: number | string }"],
  ["a.ndjson", '{"a":1}\n'.repeat(20_000), "records, the first 8191 of them: { a: number }"],
  [
    "a.csv",
    'id,"full name",day,none\n1,"a, b",2026-01-02,\n2,c,2026-01-03,\n',
    "a table, parse_csv(…) reads it; columns: id: number; full name: text; day: date; none: empty",
  ],
  ["a.tsv", "x\ty\n1\t\n2\t\n", "a table, parse_csv(…) reads it; columns: x: number; y: empty"],
  ["a.csv", "only one column\n", null],
])("tells the shape of %s", async (name, text, shape) => {
  expect((await facts({ [name]: text }, name)).shape).toBe(shape);
});

it.each([
  [1, "number"],
  [null, "null"],
  [[], "unknown[] /* 0 */"],
  [{}, "{}"],
  [{ "a b": true, __proto__x: "s" }, '{ "a b": boolean; __proto__x: string }'],
  [[[1, "a"], [null]], "(number | string | null)[] /* 1–2 */[] /* 2 */"],
  [{ a: { b: { c: { d: { e: { f: 1 } } } } } }, "{ a: { b: { c: { d: { e: {} } } } } }"],
  [
    Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, index])),
    expect.stringMatching(/k19: number; \/\* 980 more keys \*\/ \}$/u),
  ],
])("shapeOf %j", (value, shape) => {
  expect(shapeOf(value)).toEqual(shape);
});

it("joins the shapes of many values", () => {
  expect(shapeOfAll([{ a: 1 }, { b: 2 }, "x"])).toBe("string | { a?: number; b?: number }");
  expect(shapeOfAll([])).toBe("unknown");
});

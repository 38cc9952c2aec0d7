// Many patterns in one walk find what each of them finds alone, whatever the text and the patterns are.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { searchPatterns } from "../../../../src/calls/search/search.ts";
import type { RgMatch, SearchTools } from "../../../../src/calls/search/types.ts";
import { openWorkspace } from "../../../../src/workspace/workspace.ts";
import { failureOf, tempTree } from "../../workspace/temp-tree.ts";

async function toolsFor(cwd: string): Promise<SearchTools> {
  return { workspace: await openWorkspace({ cwd, workspaceDirs: ["."] }), maxWorkers: 4 };
}

interface Found {
  readonly matches: readonly RgMatch[];
  readonly truncated: number;
}

/** Each pattern by itself, put together. */
async function alone(patterns: readonly string[], options: object, tools: SearchTools, max = 10_000): Promise<Found> {
  const runs: RgMatch[] = [];
  for (const [pattern, text] of patterns.entries()) {
    const { matches } = await searchPatterns([text], null, { ...options, max_matches: 1_000_000 }, tools);
    runs.push(...matches.map((match) => ({ ...match, pattern })));
  }
  const all = runs.toSorted((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column || a.pattern - b.pattern,
  );
  return { matches: all.slice(0, max), truncated: Math.max(0, all.length - max) };
}

const piece = fc.constantFrom(
  "ab",
  "a",
  "b",
  "B",
  "foo",
  "Foo",
  "é",
  "日本",
  "😀",
  " ",
  "\t",
  "\n",
  "\r\n",
  "x",
  "12",
  "_",
  "-",
  ".",
  "\n\n",
);
const line = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
const text = fc.oneof(
  { weight: 6, arbitrary: line.map((each) => Buffer.from(`${each}\n`)) },
  line.map((each) => Buffer.from(`\uFEFF${each}\n`)),
  line.map((each) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`${each}\n`, "utf16le")])),
  line.map((each) => Buffer.concat([Buffer.from([0xe9, 0x80]), Buffer.from(each), Buffer.from([0, 0xff, 10])])),
  line.map((each) => Buffer.from(each.replaceAll("\r", ""))),
);
const pattern = fc.constantFrom(
  "a",
  "ab",
  "foo",
  "Foo",
  "é",
  "日本",
  "😀",
  "12",
  "x",
  "_",
  "^a",
  "b$",
  "^$",
  "^",
  "$",
  "x*",
  "a|b",
  "fo+",
  "(?i)FOO",
  "\\bfoo\\b",
  "\\s+$",
  "[^a]+",
  ".",
  "\\w+",
  "\\d",
  "a.b",
  "\\S+",
  "(a)(b)?",
  "\\.",
  "-",
  "日.",
  "[é-ü]",
  "\\p{L}+",
  "a{2,}",
);
const options = fc.record({
  ignore_case: fc.boolean(),
  smart_case: fc.boolean(),
  word: fc.boolean(),
  fixed_strings: fc.boolean(),
  context_lines: fc.nat(2),
});

describe("many patterns at once", () => {
  it("find what each finds alone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.array(pattern, { minLength: 2, maxLength: 5 }),
        options,
        async (texts, patterns, given) => {
          const tools = await toolsFor(tempTree(Object.fromEntries(texts.map((bytes, i) => [`f${i}.txt`, bytes]))));
          expect(await searchPatterns(patterns, null, given, tools)).toEqual(await alone(patterns, given, tools));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are cut off where each alone would be", async () => {
    const tools = await toolsFor(tempTree(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}.txt`, "ab a\nb\n".repeat(20)]))));
    for (const max_matches of [1, 45, 1_799, 1_800, 5_000])
      expect(await searchPatterns(["a", "b", "a."], null, { max_matches }, tools)).toEqual(
        await alone(["a", "b", "a."], {}, tools, max_matches),
      );
  });

  it("are counted, all but the first, where too many lines match", async () => {
    const tools = await toolsFor(tempTree({ "a.txt": "b\n".repeat(500), "b.txt": "ab a\nb\n".repeat(30_000), "c.txt": "a\n".repeat(9) }));
    for (const max_matches of [100, 600, 200_000])
      expect(await searchPatterns(["a", "b", "a."], null, { max_matches, context_lines: 1 }, tools)).toEqual(
        await alone(["a", "b", "a."], { context_lines: 1 }, tools, max_matches),
      );
  });

  it("are run alone where lines do not decide", async () => {
    const tools = await toolsFor(tempTree({ "few.txt": "one\ntwo\n" }));
    for (const [patterns, given] of [
      [["one\ntwo", "o"], { multiline: true }],
      [["\\Aone", "two"], {}],
      [["(?-m)^one", "two"], {}],
    ] as const)
      expect(await searchPatterns(patterns, null, given, tools)).toEqual(await alone(patterns, given, tools));
  });

  it("name the one that is no pattern", async () => {
    const tools = await toolsFor(tempTree({ "a.txt": "x" }));
    expect(await failureOf(searchPatterns(["fine", "a(", "b"], null, {}, tools))).toMatchObject({
      code: "E_BAD_PATTERN",
      message: expect.stringContaining('"a("') as string,
    });
  });
});

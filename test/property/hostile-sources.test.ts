// Whatever the text of a cell, the transform answers with data, and the next cell is served as if nothing had been.
import { Script } from "node:vm";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { stopTransform, transform } from "../../sandbox/index.ts";
import { MAX_NESTING, MAX_SOURCE } from "../../sandbox/limits.ts";
import { refusal } from "../../sandbox/transform/scan.ts";

afterAll(stopTransform);

const honest = async (): Promise<unknown> => {
  const result = await transform("const kept: number = 1; kept", 1);
  return result.ok ? result.names : result.error;
};

function compiled(script: string): string {
  try {
    return new Script(script) instanceof Script ? "compiles" : "";
  } catch (error) {
    return error instanceof Error ? error.name : "";
  }
}

const OPENERS = [
  "(",
  "[",
  "{",
  "`${",
  "!",
  "-",
  "~",
  "a=>",
  "typeof ",
  "new ",
  "x?y:",
  "[...",
  "({a:",
  "(()=>{",
  "if(a){",
  "f(",
  "<T,>(x:",
  "async ()=>",
  "...",
  "a?.[",
  "a**",
  "@d ",
  "class A extends ",
  "yield ",
  "await ",
];

describe("the transform", () => {
  it("answers every text with data: a script that parses, or an error with its place", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc
        .array(
          fc.constantFrom(
            ...OPENERS,
            ")",
            "]",
            "}",
            "`",
            "'",
            '"',
            "/",
            "*/",
            "/*",
            "//",
            "\n",
            "\r",
            "\u2028",
            "\0",
            "\uD800",
            "<!--",
            "-->",
            "#!x",
            "let ",
            "var a",
            "=",
            ";",
            ",",
            "1",
            "import ",
            "export ",
            "from 'x'",
            "enum E",
            "namespace N",
            "declare ",
            "abstract ",
            "using u",
            "function f",
            "class A",
            "\\u0061",
            "\\",
          ),
          { maxLength: 25 },
        )
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (source) => {
        const result = await transform(source, 1);
        // Early errors that esbuild does not know are V8's to tell, when the cell runs.
        if (result.ok) expect(compiled(result.script)).toMatch(/^(?:compiles|SyntaxError)$/);
        else expect(result.error.code).toMatch(/^E_(?:SYNTAX|INCOMPLETE|IMPORT|RESERVED_NAME|TRANSFORM)$/);
        if (!result.ok && result.error.line !== undefined) expect(result.error.line).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 250 },
    );
    expect(await honest()).toEqual(["kept"]);
  });

  it("outlives any nesting, under its limit and over it", async () => {
    const nested = fc.tuple(
      fc.constantFrom(...OPENERS),
      fc.constantFrom(MAX_NESTING - 1, MAX_NESTING + 1, 3_000, 60_000),
      fc.constantFrom("", "1", "1)", "x"),
    );
    await fc.assert(
      fc.asyncProperty(nested, async ([opener, times, tail]) => {
        expect(typeof (await transform(opener.repeat(times) + tail, 1)).ok).toBe("boolean");
      }),
      { numRuns: 25 },
    );
    expect(await honest()).toEqual(["kept"]);
  });

  it("measures a source in bytes, and refuses the first one too many before anything parses it", async () => {
    expect(refusal("é".repeat(MAX_SOURCE / 2))).toBeUndefined();
    expect(refusal(`é${"é".repeat(MAX_SOURCE / 2)}`)).toBeDefined();
    expect(await transform("x".repeat(10 * 1024 * 1024), 1)).toMatchObject({ ok: false, error: { code: "E_TRANSFORM" } });
  });
});

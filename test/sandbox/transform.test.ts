// The transform's own promises: positions, size and depth, supervision of esbuild. Semantics are tested by running (`test/e2e/cells.test.ts`).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { transform } from "../../sandbox/index.ts";
import { refusal } from "../../sandbox/transform/scan.ts";

describe("transform", () => {
  it("tells the names a cell declares, and notes what it gives up", async () => {
    const result = await transform(
      "const a = 1; let [b, { c: d = 2, ...e }] = [1, {}]; function f() { var no } class G {} enum H { X } for (var i of []) {} { let no2 }",
      1,
    );
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && result.names).toEqual(["a", "b", "d", "e", "f", "G", "H", "i"]);
    expect(await transform("let answer = 1, print = 2", 1)).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining("answer"), expect.stringContaining("print")],
    });
  });

  it("keeps esbuild's helpers out of the names", async () => {
    const result = await transform("function dec() {}\nclass A { @dec x = 1; @dec m() {} }", 1);
    expect(result.ok && result.names).toEqual(["dec", "A"]);
  });

  it.each([
    ["let a = ;", 1, 9],
    ["let a = 1\n\n  let b = = 2", 3, 11],
    ["const é = '😀'; let c = = 2", 1, 25],
    ["type T = {\n  a: string\n}\nreturn 1", 4, 1],
    ["enum E { A }\nlet context = 1", 2, 5],
    ["{ a: 1,, }", 1, 8],
  ])("places the error of %j at %i:%i", async (source, line, column) => {
    expect(await transform(source, 1)).toMatchObject({ ok: false, error: { line, column } });
  });

  it("is never thrown off, whatever the text", async () => {
    const words = fc.constantFrom(
      "{",
      "}",
      "(",
      ")",
      "[",
      "]",
      "`",
      "${",
      "'",
      '"',
      "/",
      "*",
      "=>",
      "await",
      "class",
      "function",
      "let x",
      "=",
      "1",
      "\n",
      ";",
      "\u2028",
      "enum E",
      "@d",
      "import",
      "export",
      "...",
      "?.",
      "<",
      ">",
      "#p",
      "async",
      "for",
      "var",
      ":",
      ",",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(words, { maxLength: 30 }), async (parts) => {
        const result = await transform(parts.join(" "), 1);
        expect(typeof result.ok).toBe("boolean");
      }),
      { numRuns: 300 },
    );
  });

  it("looks at what follows a brace in no time, whatever it is", async () => {
    const started = performance.now();
    for (const tail of ["//;".repeat(320) + "\nx", "/*".repeat(450), "/**/".repeat(240) + "x", "}".repeat(900) + "x"])
      await transform(`{}${tail}`, 1);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("refuses a hostile cell and serves the others", async () => {
    const hostile = [
      "typeof ".repeat(400_000),
      "a=>".repeat(400_000),
      "x?y:".repeat(400_000),
      "new ".repeat(400_000),
      "if(a);else ".repeat(200_000),
    ].map((source) => transform(source, 1));
    const honest = Array.from({ length: 20 }, (_, i) => transform(`const v${i}: number = ${i}`, i));
    for (const result of await Promise.all(hostile)) expect(result.ok).toBe(false);
    expect((await Promise.all(honest)).every((result) => result.ok)).toBe(true);
  });
});

describe("the look before parsing", () => {
  it.each(["(", "[", "{", "`${", "!", "-", "~"])("refuses %j nested a million times", (open) => {
    expect(refusal(open.repeat(1_000_000))).toContain("deep");
  });

  it.each([
    '"' + "(".repeat(1000) + '"',
    "`" + "(".repeat(1000) + "`",
    "/*" + "(".repeat(1000) + "*/",
    "//" + "(".repeat(1000),
    "[]".repeat(1000),
    "/\\(\\[\\{/.test(x);".repeat(500),
    "x = x.replace(/['\"`[(]/g, '');\n".repeat(500),
    "f(a / b, c / d);\n".repeat(500),
  ])("does not count what is no nesting: %.20s", (source) => {
    expect(refusal(source)).toBeUndefined();
  });
});

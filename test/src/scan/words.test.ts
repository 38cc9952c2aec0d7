// What a text must have for a rule to match: never more than the rule needs.
import { describe, expect, it } from "vitest";
import { shapesOf, wholeWords } from "../../../src/scan/word-shapes.ts";
import { needsOf, Vocabulary } from "../../../src/scan/words.ts";

const wordsOf = (regex: string): string[][] => (shapesOf(regex) ?? []).map(wholeWords);

describe("words of an expression", () => {
  it.each([
    ["^(exec|spawn)$", [["exec"], ["spawn"]]],
    [String.raw`\bTODO\b`, [["TODO"]]],
    ["exec", [[]]],
    ["^exec", [[]]],
    [String.raw`^os\.system$`, [["os", "system"]]],
    [String.raw`(^|\.)(get|post)$`, [["get"], ["post"], ["get"], ["post"]]],
    [String.raw`^\w+Error$`, [[]]],
    [String.raw`^(get|set)s?$`, [["get"], ["gets"], ["set"], ["sets"]]],
    ["^modp[125]$", [[]]],
    [String.raw`^["']modp["']$`, [[]]],
    ["^a+b$", [[]]],
    [String.raw`^select\s+from$`, [[]]],
  ])("%s", (regex, words) => {
    expect(wordsOf(regex)).toEqual(words);
  });
});

describe("needs of a rule", () => {
  const fits = (rule: Readonly<Record<string, unknown>>, text: string, more = {}): boolean =>
    new Vocabulary(text).has(needsOf({ rule, ...more }));

  it("are the words of its pattern, without its variables", () => {
    expect(fits({ pattern: "os.system($X)" }, "import os; os.system(a)")).toBe(true);
    expect(fits({ pattern: "os.system($X)" }, "import os; os.popen(a)")).toBe(false);
  });

  it("are all of `all` and of relations, one of `any`, none of `not`", () => {
    const rule = {
      all: [
        { any: [{ pattern: "eval($X)" }, { pattern: "Function($X)" }] },
        { inside: { pattern: "handler" } },
        { not: { pattern: "safe" } },
      ],
    };
    expect(fits(rule, "handler(() => eval(x))")).toBe(true);
    expect(fits(rule, "handler(() => new Function(x))")).toBe(true);
    expect(fits(rule, "handler(() => run(x))")).toBe(false);
    expect(fits(rule, "eval(x)")).toBe(false);
    expect(fits({ any: [{ pattern: "eval($X)" }, { kind: "string" }] }, "nothing")).toBe(true);
  });

  it("are those of a variable's constraint where the pattern needs it, and of utils", () => {
    const more = { constraints: { F: { regex: "^(exec|spawn)$" } }, utils: { source: { pattern: "req.body" } } };
    expect(fits({ pattern: "$F($X)" }, "exec(a)", more)).toBe(true);
    expect(fits({ pattern: "$F($X)" }, "execute(a)", more)).toBe(false);
    expect(fits({ matches: "source" }, "req.query", more)).toBe(false);
  });

  it("are parts of words, in any case, where an expression says no whole one", () => {
    expect(fits({ regex: "(?i)passw(or)?d" }, "MyPassWordHash")).toBe(true);
    expect(fits({ regex: "(?i)passw(or)?d" }, "phrase")).toBe(false);
  });

  it("are not what stands around a selector, nor the names of a signature", () => {
    expect(fits({ pattern: { context: "class A { $F = 1 }", selector: "field_definition" } }, "x = 1")).toBe(true);
    expect(fits({ pattern: { context: "foo(1)", strictness: "signature" } }, "bar(1)")).toBe(true);
  });
});

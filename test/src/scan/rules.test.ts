// Every rule of the built-in scanners against code of its own: what it must find, and what is near to it and fine.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { describe, expect, it } from "vitest";
import { Engine } from "../../../src/scan/engine.ts";
import { registerLanguages } from "../../../src/scan/grammars.ts";
import type { Language } from "../../../src/scan/languages.ts";
import type { Rule } from "../../../src/scan/rule.ts";
import { readBuiltInRules } from "../../../src/scan/rules.ts";
import { troubleOf } from "../../../src/scan/tree.ts";

const FIXTURES = fileURLToPath(new URL("rules", import.meta.url));
const RULES = readBuiltInRules(fileURLToPath(new URL("../../../src/scan/rules", import.meta.url)));

interface Fixture {
  readonly id: string;
  readonly scanner: string;
  readonly invalid: readonly string[];
  readonly valid: readonly string[];
}

const NAMES: Readonly<Record<Language, readonly string[]>> = {
  typescript: ["a.ts", "a.js"],
  tsx: ["a.tsx"],
  javascript: ["a.js"],
  html: ["a.html"],
  css: ["a.css"],
  python: ["a.py"],
  go: ["a.go"],
  java: ["A.java"],
  php: ["a.php"],
};

function fixtures(): Fixture[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yml"))
    .flatMap((name) => {
      const scanner = basename(dirname(name));
      return parseAllDocuments(readFileSync(join(FIXTURES, name), "utf8")).map((document) => Object.assign({ scanner }, document.toJS()));
    });
}

registerLanguages();

async function idsIn(rule: Rule, path: string, text: string): Promise<string[]> {
  const { findings } = await new Engine([rule]).scan({ path, text }, new Set([rule.scanner]));
  return findings.map((finding) => finding.rule);
}

describe("the rules", () => {
  const all = fixtures();

  it("have each an id of its own, and fixtures", () => {
    expect(RULES.length).toBeGreaterThan(150);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    expect(RULES.map(({ id }) => id).filter((id) => !all.some((fixture) => fixture.id === id))).toEqual([]);
    expect(all.map(({ id }) => id).filter((id) => !RULES.some((rule) => rule.id === id))).toEqual([]);
  });

  it("are taken by the parser", () => {
    expect(RULES.flatMap((rule) => troubleOf(rule) ?? [])).toEqual([]);
  });

  it.each(RULES)("$id", async (rule) => {
    const fixture = all.find(({ id }) => id === rule.id);
    if (fixture === undefined) throw new Error("no fixture");
    expect(fixture.scanner).toBe(rule.scanner);
    expect(fixture.invalid.length).toBeGreaterThan(0);
    expect(fixture.valid.length).toBeGreaterThan(0);
    for (const name of NAMES[rule.language]) {
      // JSX is none of TypeScript's grammar.
      const fits = (text: string): boolean => !(name === "a.ts" && /<\/|\/>/.test(text));
      for (const text of fixture.invalid.filter(fits)) expect(await idsIn(rule, name, text), text).toContain(rule.id);
      for (const text of fixture.valid.filter(fits)) expect(await idsIn(rule, name, text), text).toEqual([]);
    }
  });
});

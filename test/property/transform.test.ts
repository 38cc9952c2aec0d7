// Cells against the language itself: the same program, in cells of a real kernel and as scripts of a Node context, has the same values,
// errors and effects. Only `await`, which a script has not, is taken out of the latter.
import vm from "node:vm";
import { decode } from "@jridgewell/sourcemap-codec";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { transform } from "../../sandbox/index.ts";
import { plainJavaScript } from "../../sandbox/transform/plain.ts";
import { openKernel, type Opened } from "../sandbox/setup.ts";
import { Program } from "./program.ts";

/** What a cell came to: JSON of its value, or its error. */
type Result = string;

/** Every later cell has these: what loops logged, and closures over whatever was in reach. */
const PROLOGUE = "globalThis.log = []; globalThis.closures = [];";
const EPILOGUE = "JSON.stringify([log, closures.map((closure) => closure())])";
const CLEAN = "for (const name of Object.keys(globalThis)) delete globalThis[name];";

/** Cells up to the first that fails (a name it did not come to is there in a cell, and is not in the language), then the epilogue. */
async function results(cells: readonly string[], run: (source: string, n: number) => Result | Promise<Result>): Promise<Result[]> {
  const found: Result[] = [];
  for (const source of [PROLOGUE, ...cells]) {
    const result = await run(source, found.length + 1);
    found.push(result);
    if (/^\w*Error: /.test(result)) break;
  }
  return [...found, await run(EPILOGUE, found.length + 1)];
}

async function inKernel({ kernel, posts }: Opened, source: string, n: number): Promise<Result> {
  const transformed = await transform(source, n);
  if (!transformed.ok) return `rejected: ${transformed.error.message}`;
  posts.length = 0;
  await kernel.enter("run", n, transformed.script, '{"now":1,"budget":null}', 5_000);
  const [, done] = JSON.parse(posts.find((post) => post.startsWith('["done"')) ?? "[]") as [string, Done];
  return done.error ? `${done.error.name}: ${done.error.message}` : (done.value?.json ?? "undefined");
}

interface Done {
  readonly value?: { readonly json?: string };
  readonly error?: { readonly name: string; readonly message: string };
}

function inNode(context: vm.Context, source: string): Result {
  try {
    const script = `"use strict"; void 0; ${source.replaceAll("await ", "")}`;
    return JSON.stringify(vm.runInContext(script, context, { timeout: 5_000 })) ?? "undefined";
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
}

/** With this in it a cell may have types, so that it is esbuild that reads it. */
const MAY_BE_TYPES = "// <T>\n";

/** The ends of lines alone end statements, where the next line cannot go on with the last. */
const unended = (source: string): string => source.replaceAll(/;\n(?!await )(?=[\w$])/g, "\n");

/** The word at each mapped place of the script, beside the one the map leads to. */
function mappedWords(script: string, source: string): { readonly there: string; readonly here: string }[] {
  const [, map = ""] = /sourceMappingURL=data:application\/json;base64,(.*)$/.exec(script) ?? [];
  const { mappings } = JSON.parse(Buffer.from(map, "base64").toString()) as { readonly mappings: string };
  const wordAt = (text: string, line: number, column: number): string =>
    /^[\w$]*/.exec((text.split("\n")[line] ?? "").slice(column))?.[0] ?? "";
  return decode(mappings).flatMap((segments, line) =>
    segments.flatMap(([column, , sourceLine = 0, sourceColumn = 0]) => {
      const there = wordAt(script, line, column);
      return there === "" ? [] : [{ there, here: wordAt(source, sourceLine, sourceColumn) }];
    }),
  );
}

describe("cells", () => {
  it("without types are mapped word by word", async () => {
    let seen = 0;
    const choices = fc.array(fc.nat(999), { minLength: 20, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(choices, async (chosen) => {
        for (const source of new Program(chosen).cells().map(unended)) {
          if (plainJavaScript(source) === undefined) continue;
          const transformed = await transform(source, 1);
          const words = transformed.ok ? mappedWords(transformed.script, source) : [];
          seen += words.length;
          for (const { there, here } of words) expect(there, source).toBe(here);
        }
      }),
      { numRuns: 100 },
    );
    expect(seen).toBeGreaterThan(1_000);
  });

  it.each([
    ["with semicolons", "", (source: string) => source],
    ["without semicolons", "", unended],
    ["read by esbuild", MAY_BE_TYPES, unended],
  ])("%s have the values and effects the language gives them", async (_, first, written) => {
    using opened = await openKernel();
    const choices = fc.array(fc.nat(999), { minLength: 20, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(choices, async (chosen) => {
        const cells = new Program(chosen).cells().map(written);
        await inKernel(opened, CLEAN, 0);
        const found = await results(cells, (source, n) => inKernel(opened, first + source, n));
        const context = vm.createContext({});
        expect(found, cells.join("\n// %%\n")).toEqual(await results(cells, (source) => inNode(context, source)));
      }),
      { numRuns: 100 },
    );
  });
});

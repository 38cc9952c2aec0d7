// The catalog and the user's prices.
import { mkdtemp, writeFile } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { CATALOG_DATE, defaultModels, factsOf } from "../../../src/llm/catalog.ts";
import { readPrices } from "../../../src/llm/prices.ts";
import { failure } from "./requests.ts";

async function prices(text: string): Promise<string> {
  const file = path.join(await mkdtemp(path.join(os.tmpdir(), "rlm-prices-")), "prices.json");
  await writeFile(file, text);
  return file;
}

test.each(["anthropic", "openai"] as const)("the defaults of %s are priced, and the sub-model is cheaper", (provider) => {
  const { root, sub } = defaultModels(provider);
  const [dear, cheap] = [factsOf(provider, root), factsOf(provider, sub)];
  expect(dear.price?.input).toBeGreaterThan(cheap.price?.input ?? Infinity);
  expect(cheap.window).toBeGreaterThan(100_000);
  expect(CATALOG_DATE).toMatch(/^20\d\d-\d\d$/);
});

test("an unknown model has no facts; the user's prices go first, by name or by spec", async () => {
  expect(factsOf("openai", "llama3")).toEqual({ window: undefined, price: undefined });
  const own = await readPrices(
    await prices('{"llama3": {"input": 0, "output": 0}, "anthropic:claude-haiku-5-5": {"input": 9, "output": 10, "cached_input": 1}}'),
  );
  expect(factsOf("openai", "llama3", own).price).toEqual({ input: 0, output: 0 });
  expect(factsOf("anthropic", "claude-haiku-5-5", own).price).toEqual({ input: 9, output: 10, cachedInput: 1 });
});

test.each([
  ["{", "is not JSON"],
  ["[]", "is not an object"],
  ['{"m": 3}', '"m" is not an object'],
  ['{"m": {"input": 1}}', '"m".output is missing, not a number ≥ 0'],
  ['{"m": {"input": "1", "output": 2}}', '"m".input is "1", not a number ≥ 0'],
  ['{"m": {"input": -1, "output": 2}}', '"m".input is -1'],
  ['{"m": {"inputs": 1, "output": 2}}', '"m" has the unknown key "inputs"'],
])("%s", async (text, message) => {
  const file = await prices(text);
  const failed = await failure(readPrices(file));
  expect(failed.code).toBe("E_USAGE");
  expect(failed.message).toContain(message);
  expect(failed.message).toContain(file);
});

// `--prices FILE`: the user's own prices. JSON: model → {input, output, cached_input?} in USD per million tokens.
import { HostError } from "../errors.ts";
import { readJsonObject } from "./json-file.ts";
import { isRecord } from "./json-guards.ts";
import type { Price } from "./model.ts";

const SHAPE = '{"model-name": {"input": 0.5, "output": 2}} in USD per million tokens';

/** Throws E_USAGE naming the file and the key that does not fit. */
export async function readPrices(file: string): Promise<ReadonlyMap<string, Price>> {
  const parsed = await readJsonObject(file, "the prices file", SHAPE);
  return new Map(Object.entries(parsed).map(([model, value]) => [model, toPrice(file, model, value)]));
}

function toPrice(file: string, model: string, value: unknown): Price {
  if (!isRecord(value))
    throw new HostError("E_USAGE", `the prices file ${file}: ${JSON.stringify(model)} is not an object; it must be ${SHAPE}`);
  const known = new Set(["input", "output", "cached_input"]);
  const unknown = Object.keys(value).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw new HostError(
      "E_USAGE",
      `the prices file ${file}: ${JSON.stringify(model)} has the unknown key ${JSON.stringify(unknown)}; there are ${[...known].join(", ")}`,
    );
  const cachedInput = value["cached_input"] === undefined ? undefined : amount(file, model, value, "cached_input");
  return {
    input: amount(file, model, value, "input"),
    output: amount(file, model, value, "output"),
    ...(cachedInput === undefined ? {} : { cachedInput }),
  };
}

function amount(file: string, model: string, prices: Record<string, unknown>, key: string): number {
  const value = prices[key];
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new HostError(
    "E_USAGE",
    `the prices file ${file}: ${JSON.stringify(model)}.${key} is ${JSON.stringify(value) ?? "missing"}, not a number ≥ 0`,
  );
}

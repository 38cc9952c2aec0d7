// Files of the user's: a text, or one JSON object.
import { readFile } from "node:fs/promises";
import { HostError, messageOf } from "../errors.ts";
import { isRecord } from "./json-guards.ts";

/** Throws E_USAGE. */
export async function readUserText(file: string, what: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new HostError("E_USAGE", `cannot read ${what} ${file}: ${messageOf(error)}`, { cause: error });
  });
}

/** `what`: how messages call it; `shape`: what it must be. Throws E_USAGE. */
export async function readJsonObject(file: string, what: string, shape: string): Promise<Record<string, unknown>> {
  const wrong = (said: string, cause?: unknown): HostError => new HostError("E_USAGE", said, { cause });
  const text = await readUserText(file, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`${what} ${file} is not JSON (${messageOf(error)}); it must be ${shape}`, error);
  }
  if (!isRecord(value)) throw wrong(`${what} ${file} is not an object; it must be ${shape}`);
  return value;
}

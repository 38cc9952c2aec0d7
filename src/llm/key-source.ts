// `--key-from`: a key that is in another variable, or in a file, as it was the provider's own.
import { readFile } from "node:fs/promises";
import { HostError, messageOf } from "../errors.ts";
import type { ModelChoice } from "./function-model.ts";
import type { Environment } from "./http.ts";

const VARIABLES: Readonly<Record<string, string>> = { anthropic: "ANTHROPIC_API_KEY", openai: "OPENAI_API_KEY" };

/** The environment with the key in it. Throws E_USAGE where there is none, or no provider to give it to. */
export async function withKey(env: Environment, keyFrom: string, model: ModelChoice): Promise<Environment> {
  const provider = typeof model === "string" ? (model.split(":", 1)[0] ?? "") : "";
  const variable = VARIABLES[provider];
  return variable === undefined ? env : { ...env, [variable]: await keyOf(env, keyFrom) };
}

async function keyOf(env: Environment, keyFrom: string): Promise<string> {
  const at = keyFrom.indexOf(":") + 1;
  const place = keyFrom.slice(at);
  if (keyFrom.startsWith("env:")) {
    const key = env[place];
    if (key) return key;
    throw new HostError("E_USAGE", `the key should come from the variable ${place}, and that is not set: set it, or change --key-from`);
  }
  const key = await readFile(place, "utf8").catch((error: unknown) => {
    throw new HostError("E_USAGE", `the key should come from the file ${place}, and that cannot be read (${messageOf(error)})`, {
      cause: error,
    });
  });
  if (key.trim() !== "") return key.trim();
  throw new HostError("E_USAGE", `the key should come from the file ${place}, and that is empty`);
}

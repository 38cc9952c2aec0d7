// From a model's spec to the model: the one place that knows every provider.
import { AnthropicModel } from "./anthropic.ts";
import { defaultModels, factsOf } from "./catalog.ts";
import type { Environment } from "./http.ts";
import type { Model, Price } from "./model.ts";
import { OfflineModel } from "./offline.ts";
import { OpenAiModel } from "./openai.ts";
import { openScript } from "./script.ts";
import { parseSpec } from "./spec.ts";

export interface OpenOptions {
  readonly env: Environment;
  /** The user's own prices (`prices.ts`). */
  readonly prices?: ReadonlyMap<string, Price>;
  /** Where the spec came from, for messages. Default `--model`. */
  readonly source?: string | undefined;
  /** Who wants nothing to leave this machine: `--local-only`. */
  readonly localOnly?: string | undefined;
}

/** Throws E_USAGE for a bad spec or script file, E_LLM_AUTH where there is no key. No SDK is loaded and nothing is sent yet. */
export async function openModel(spec: string, { env, prices, source = "--model", localOnly }: OpenOptions): Promise<Model> {
  const parsed = parseSpec(spec, source);
  if (parsed.provider === "offline") return new OfflineModel();
  if (parsed.provider === "script") return openScript(parsed.file);
  const { provider, name = defaultModels(provider).root } = parsed;
  const facts = factsOf(provider, name, prices);
  return provider === "anthropic" ? new AnthropicModel(name, facts, env, localOnly) : new OpenAiModel(name, facts, env, localOnly);
}

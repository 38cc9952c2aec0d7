// Which models a run uses: the flag, RLM_MODEL, a key in the environment, else `offline` at a terminal. And why, in words for stderr.
import { HostError } from "../errors.ts";
import { defaultModels, factsOf, type Provider } from "./catalog.ts";
import { FunctionModel, type ModelChoice } from "./function-model.ts";
import type { Environment } from "./http.ts";
import { withKey } from "./key-source.ts";
import { requireLocal } from "./loopback.ts";
import type { Model, Price } from "./model.ts";
import { openModel, type OpenOptions } from "./open.ts";

export interface ChooseOptions {
  readonly model?: ModelChoice | undefined;
  /** Who chose it: `--model`, `RLM_MODEL`, a file. Default `--model`. */
  readonly modelSource?: string | undefined;
  readonly subModel?: ModelChoice | undefined;
  readonly subModelSource?: string | undefined;
  /** Where the key of the root model's provider comes from (`key-source.ts`). */
  readonly keyFrom?: string | undefined;
  readonly env: Environment;
  readonly prices?: ReadonlyMap<string, Price>;
  /** Who wants nothing to leave this machine, `--local-only`: models that would are refused. Functions cannot be held to it. */
  readonly localOnly?: string | undefined;
  /** Without a model and a key, a person at a terminal gets `offline`; a program gets E_NO_MODEL. */
  readonly stderrIsTerminal: boolean;
}

export interface ChosenModels {
  readonly model: Model;
  readonly subModel: Model;
  /** `--model`, `RLM_MODEL`, `ANTHROPIC_API_KEY is set`, … */
  readonly reason: string;
}

interface Choice {
  readonly spec: ModelChoice;
  readonly source: string;
  readonly reason: string;
}

/** Throws E_NO_MODEL, E_USAGE, E_LOCAL_ONLY, or E_LLM_AUTH for a model without its key. */
export async function chooseModels(options: ChooseOptions): Promise<ChosenModels> {
  const { spec, source, reason } = choose(options);
  const env = options.keyFrom === undefined ? options.env : await withKey(options.env, options.keyFrom, spec);
  const shared = { env, localOnly: options.localOnly, ...(options.prices ? { prices: options.prices } : {}) };
  const model = await opened(spec, { ...shared, source });
  const subSpec = options.subModel ?? cheaperThan(model);
  const subModel = subSpec === undefined ? model : await opened(subSpec, { ...shared, source: options.subModelSource ?? "--sub-model" });
  return { model, subModel, reason };
}

async function opened(choice: ModelChoice, options: OpenOptions): Promise<Model> {
  const model =
    typeof choice === "string" ? await openModel(choice, options) : typeof choice === "function" ? new FunctionModel(choice) : choice;
  if (options.localOnly !== undefined) await requireLocal(model, options.localOnly);
  return model;
}

/** One line for stderr. */
export function describeChoice({ model, subModel, reason }: ChosenModels): string {
  const sub = subModel.id === model.id ? "" : `, sub-calls by ${subModel.id}`;
  const hint = model.id === "offline" ? ": it quotes lines and understands nothing; --model anthropic | openai:<name> asks a real one" : "";
  return `model ${model.id}${sub} (${reason})${hint}`;
}

function choose({ model, modelSource = "--model", env, stderrIsTerminal }: ChooseOptions): Choice {
  if (model !== undefined) return { spec: model, source: modelSource, reason: modelSource };
  for (const variable of ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]) {
    if (env[variable]) return { spec: "anthropic", source: variable, reason: `${variable} is set` };
  }
  if (env["OPENAI_API_KEY"]) return { spec: "openai", source: "OPENAI_API_KEY", reason: "OPENAI_API_KEY is set" };
  if (stderrIsTerminal) return { spec: "offline", source: "--model", reason: "no key in the environment" };
  throw new HostError("E_NO_MODEL", "no model chosen: --model anthropic | openai:<name> | offline, or RLM_MODEL");
}

/** The provider's cheaper default, for a root model of the catalog that costs more; the root model itself where nothing is known. */
function cheaperThan(model: Model): string | undefined {
  const provider = providerOf(model);
  if (provider === undefined) return undefined;
  const { sub } = defaultModels(provider);
  const own = factsOf(provider, model.name).price;
  const cheap = factsOf(provider, sub).price;
  return own !== undefined && cheap !== undefined && cheap.input < own.input ? `${provider}:${sub}` : undefined;
}

function providerOf(model: Model): Provider | undefined {
  const provider = model.id.split(":", 1)[0];
  return provider === "anthropic" || provider === "openai" ? provider : undefined;
}

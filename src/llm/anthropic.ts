// Models of Anthropic, and of any server that speaks its Messages API, by the official SDK with its retries switched off.
import type { Anthropic } from "@anthropic-ai/sdk";
import { HostError } from "../errors.ts";
import { fromMessage, toMessageParams } from "./anthropic-wire.ts";
import type { ModelFacts } from "./catalog.ts";
import { modelFailure, malformed, type FailureContext } from "./failure.ts";
import type { Environment } from "./http.ts";
import type { JsonSchema, Model, ModelReply, ModelRequest, Price } from "./model.ts";
import { routeTo, type Route } from "./route.ts";

const BASE_VARIABLE = "ANTHROPIC_BASE_URL";
const DEFAULT_BASE_URL = "https://api.anthropic.com";
/** The scheduler owns every deadline; this is only the longest a timer can wait. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** Throws E_LLM_AUTH when the environment holds no key. */
export class AnthropicModel implements Model {
  readonly id: string;
  readonly name: string;
  readonly window: number | undefined;
  readonly price: Price | undefined;
  readonly endpoint: string;
  readonly identity: string;
  readonly #env: Environment;
  readonly #route: Route;
  readonly #failure: FailureContext;
  #client: Promise<Anthropic> | undefined;

  /** `localOnly`: who wants nothing to leave this machine. */
  constructor(name: string, facts: ModelFacts, env: Environment, localOnly?: string) {
    const { ANTHROPIC_API_KEY: key, ANTHROPIC_AUTH_TOKEN: token } = env;
    if (!key && !token)
      throw new HostError("E_LLM_AUTH", `no key for anthropic:${name}: set ANTHROPIC_API_KEY`, {
        data: { retryable: false, missing_key: true },
      });
    this.id = `anthropic:${name}`;
    this.name = name;
    this.window = facts.window;
    this.price = facts.price;
    this.#env = env;
    this.#route = routeTo(env[BASE_VARIABLE] || DEFAULT_BASE_URL, BASE_VARIABLE, env, localOnly);
    this.endpoint = this.#route.endpoint;
    this.identity = `${this.#route.baseUrl.origin}${this.#route.baseUrl.pathname}`;
    const secrets = [key, token, ...(this.#route.proxy?.secrets ?? [])].filter((secret) => secret !== undefined);
    const keyVariable = key ? "ANTHROPIC_API_KEY" : "ANTHROPIC_AUTH_TOKEN";
    this.#failure = {
      provider: "anthropic",
      keyVariable,
      model: name,
      endpoint: this.endpoint,
      secrets,
      baseVariable: BASE_VARIABLE,
      proxy: this.#route.proxy,
    };
  }

  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    signal.throwIfAborted();
    try {
      this.#client ??= connect(this.#env, this.#route);
      const client = await this.#client;
      const format = request.schema === undefined ? undefined : await structuredFormat(request.schema);
      const message: unknown = await client.messages.create(toMessageParams(request, this.name, format), {
        signal,
        timeout: NO_TIMEOUT_MS,
      });
      const reply = fromMessage(message);
      if (reply === undefined) throw malformed("it is not a message", this.#failure);
      return reply;
    } catch (error) {
      throw modelFailure(error, this.#failure, signal);
    }
  }
}

/** Everything the SDK would read from the process's own environment or print is given here. */
async function connect(env: Environment, route: Route): Promise<Anthropic> {
  const [{ Anthropic }, { createFetch }] = await Promise.all([import("@anthropic-ai/sdk"), import("./http.ts")]);
  const apiKey = env["ANTHROPIC_API_KEY"] || null;
  return new Anthropic({
    ...(apiKey === null ? { authToken: env["ANTHROPIC_AUTH_TOKEN"] ?? null } : { apiKey }),
    baseURL: route.baseUrl.href,
    fetch: createFetch(route),
    maxRetries: 0,
    logLevel: "off",
    openTelemetry: false,
  });
}

/** The schema in the provider's dialect; undefined for one it cannot express, which is then asked for in words. */
async function structuredFormat(schema: JsonSchema): Promise<JsonSchema | undefined> {
  const { transformJSONSchema } = await import("@anthropic-ai/sdk/lib/transform-json-schema");
  try {
    return transformJSONSchema({ ...schema });
  } catch {
    return undefined;
  }
}

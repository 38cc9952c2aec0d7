// Models of OpenAI, and of any server that speaks its chat completions API, by the official SDK with its retries switched off.
import type { OpenAI } from "openai";
import { HostError, messageOf } from "../errors.ts";
import type { ModelFacts } from "./catalog.ts";
import { modelFailure, malformed, type FailureContext } from "./failure.ts";
import type { Environment } from "./http.ts";
import type { Model, ModelReply, ModelRequest, Price } from "./model.ts";
import { firstDialect, learn, type Dialect } from "./openai-dialect.ts";
import { fromCompletion, toChatParams, usedOf } from "./openai-wire.ts";
import { routeTo, type Route } from "./route.ts";

const BASE_VARIABLE = "OPENAI_BASE_URL";
const DEFAULT_BASE_URL = "https://api.openai.com/v1";
const OPENAI_HOST = "api.openai.com";
/** What a server without keys is sent: the SDK insists on one. */
const NO_KEY = "none";
const NO_TIMEOUT_MS = 2 ** 31 - 1;
/** More than a server can teach; one that contradicts itself ends here. */
const MAX_REFUSALS = 5;

/** Throws E_LLM_AUTH when the environment holds neither a key nor the URL of a server that may need none. */
export class OpenAiModel implements Model {
  readonly id: string;
  readonly name: string;
  readonly window: number | undefined;
  readonly price: Price | undefined;
  readonly endpoint: string;
  readonly identity: string;
  readonly #env: Environment;
  readonly #route: Route;
  readonly #failure: FailureContext;
  #dialect: Dialect;
  #client: Promise<OpenAI> | undefined;

  /** `localOnly`: who wants nothing to leave this machine. */
  constructor(name: string, facts: ModelFacts, env: Environment, localOnly?: string) {
    const { OPENAI_API_KEY: key, OPENAI_BASE_URL: baseUrl } = env;
    if (!key && !baseUrl)
      throw new HostError("E_LLM_AUTH", `no key for openai:${name}: set OPENAI_API_KEY`, { data: { retryable: false, missing_key: true } });
    this.id = `openai:${name}`;
    this.name = name;
    this.window = facts.window;
    this.price = facts.price;
    this.#env = env;
    this.#route = routeTo(baseUrl || DEFAULT_BASE_URL, BASE_VARIABLE, env, localOnly);
    this.endpoint = this.#route.endpoint;
    this.identity = `${this.#route.baseUrl.origin}${this.#route.baseUrl.pathname}`;
    this.#dialect = firstDialect(this.endpoint === OPENAI_HOST);
    const secrets = [...(key ? [key] : []), ...(this.#route.proxy?.secrets ?? [])];
    this.#failure = {
      provider: "openai",
      keyVariable: "OPENAI_API_KEY",
      model: name,
      endpoint: this.endpoint,
      secrets,
      baseVariable: BASE_VARIABLE,
      proxy: this.#route.proxy,
    };
  }

  /** A request that is refused for a parameter this server does not take is sent again without it: nothing was paid for it. */
  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    signal.throwIfAborted();
    for (let refusals = 0; ; refusals++) {
      const dialect = this.#dialect;
      try {
        return await this.#attempt(request, dialect, signal);
      } catch (error) {
        const learned = statusOf(error) === 400 ? learn(dialect, usedOf(request, dialect), refusalText(error)) : undefined;
        if (learned === undefined || signal.aborted || refusals === MAX_REFUSALS) throw modelFailure(error, this.#failure, signal);
        this.#dialect = { ...this.#dialect, ...learned };
      }
    }
  }

  async #attempt(request: ModelRequest, dialect: Dialect, signal: AbortSignal): Promise<ModelReply> {
    this.#client ??= connect(this.#env, this.#route);
    const client = await this.#client;
    const completion: unknown = await client.chat.completions.create(toChatParams(request, this.name, dialect), {
      signal,
      timeout: NO_TIMEOUT_MS,
    });
    const reply = fromCompletion(completion);
    if (reply === undefined) throw malformed("it is not a completion", this.#failure);
    return reply;
  }
}

async function connect(env: Environment, route: Route): Promise<OpenAI> {
  const [{ OpenAI }, { createFetch }] = await Promise.all([import("openai"), import("./http.ts")]);
  return new OpenAI({
    apiKey: env["OPENAI_API_KEY"] || NO_KEY,
    organization: env["OPENAI_ORG_ID"] ?? null,
    project: env["OPENAI_PROJECT_ID"] ?? null,
    baseURL: route.baseUrl.href,
    fetch: createFetch(route),
    maxRetries: 0,
    logLevel: "off",
  });
}

function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
}

function refusalText(error: unknown): string {
  const param = typeof error === "object" && error !== null && "param" in error ? String(error.param) : "";
  return `${param} ${messageOf(error)}`;
}

// What a compatible server takes. Servers that speak the chat completions API differ in it, and say so with a 400 before doing any
// work: each such refusal teaches one thing about the server, and the request is sent once more without it.

export interface Dialect {
  /** OpenAI's own models of 5.4 and later refuse function tools here; many local servers have none. */
  readonly tools: boolean;
  /** Reasoning models refuse it. */
  readonly temperature: boolean;
  readonly schema: boolean;
  /** The older name is the one every compatible server knows. */
  readonly limit: "max_tokens" | "max_completion_tokens";
}

export function firstDialect(isOpenAi: boolean): Dialect {
  return { tools: true, temperature: true, schema: true, limit: isOpenAi ? "max_completion_tokens" : "max_tokens" };
}

/** What a request had in it that a server can refuse. */
export type Used = Readonly<Record<"tools" | "temperature" | "schema", boolean>>;

/** What a refusal (`said`: its message and parameter) teaches; undefined when nothing. */
export function learn(dialect: Dialect, used: Used, said: string): Partial<Dialect> | undefined {
  if (used.tools && /\btools?\b|\bfunctions?\b/i.test(said)) return { tools: false };
  if (used.temperature && /temperature/i.test(said)) return { temperature: false };
  if (used.schema && /response_format|json_schema|schema/i.test(said)) return { schema: false };
  if (dialect.limit === "max_tokens" && /max_completion_tokens/i.test(said)) return { limit: "max_completion_tokens" };
  if (
    dialect.limit === "max_completion_tokens" &&
    /max_completion_tokens/i.test(said) &&
    /unknown|unrecognized|unexpected|extra|not permitted|unsupported/i.test(said)
  ) {
    return { limit: "max_tokens" };
  }
  return undefined;
}

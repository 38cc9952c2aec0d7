// What a language model is to rlm-repl: one function from turns to a reply. Providers, the script player and the offline model
// implement it; the loop and the calls of cells use nothing else.

/** JSON Schema, as the provider and the guest's validator take it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A cell the model wrote through the provider's native tool call (tool `repl`, input `{code}`). */
export interface ReplCall {
  readonly id: string;
  readonly code: string;
  /** The whole reply in the provider's own form, JSON: it goes back as it came, thinking included. */
  readonly native?: unknown;
}

/** One turn of a conversation, oldest first; the first is a `user` turn. `output` is what a cell printed and returned. */
export type Turn =
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly call?: ReplCall }
  | { readonly role: "output"; readonly text: string; readonly callId?: string };

export interface ModelRequest {
  /** `root` drives the loop, `sub` answers `llm_query`. */
  readonly purpose: "root" | "sub";
  readonly system?: string;
  readonly turns: readonly Turn[];
  /** Upper bound on the reply, in tokens. Always set: it is what the budget reserves. */
  readonly maxTokens: number;
  readonly temperature?: number;
  /** Ask the provider for JSON of this schema, where it can. The reply's text is validated elsewhere. */
  readonly schema?: JsonSchema;
  /** Offer the `repl` tool. */
  readonly repl?: boolean;
}

/**
 * Tokens of one answered call. `inputTokens` counts all of the prompt, cached or not; `cachedInputTokens` is the part read from a
 * cache, `cacheWriteTokens` the part written to one (providers charge more for it).
 */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens?: number;
}

export interface ModelReply {
  readonly text: string;
  readonly call?: ReplCall;
  /** `length`: cut at `maxTokens`. `refusal`: the model declined. */
  readonly stop: "end" | "tool" | "length" | "refusal";
  readonly usage: TokenUsage;
}

/** USD per million tokens. What is not given costs as much as `input`. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number;
  readonly cacheWrite?: number;
}

/** `long`: the rates of the whole call when its prompt has more than `above` tokens. */
export interface Price extends Rates {
  readonly long?: Rates & { readonly above: number };
}

/**
 * One model of one provider. `complete` makes exactly one attempt: it never retries, never logs, and throws only a `HostError`
 * with an `E_LLM_*`, `E_OFFLINE_UNSUPPORTED`, `E_LOCAL_ONLY` or `E_NO_MODEL` code whose `data` has `retryable: true` where another attempt may
 * succeed, and `retry_after_ms` where the provider said when. No message or `cause` it throws holds a key.
 * `signal` closes the socket; the abort's reason is rethrown as it is.
 */
export interface Model {
  /** As the user writes it: `anthropic:claude-x`, `openai:org/model:free`, `script:FILE`, `offline`. */
  readonly id: string;
  /** Name at the provider. */
  readonly name: string;
  /**
   * What tells it apart from another one of the same id: the base URL of its API, the digest of its script. Undefined: nothing does, and
   * its replies are not kept beyond a session.
   */
  readonly identity?: string | undefined;
  /** Tokens of prompt and reply together; undefined when unknown. */
  readonly window: number | undefined;
  /** Undefined when unknown; all zero for models that cost nothing (`offline`, `script`). */
  readonly price: Price | undefined;
  /** Host and port requests go to; undefined when the model runs in this process. */
  readonly endpoint: string | undefined;
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply>;
}

// llm_query, rlm_query and their batches: arguments checked before anything is sent, replies validated here in the guest, so that no
// schema of a cell ever runs in the host.
import type { Bridge } from "../bridge.ts";
import type { Operation } from "../contract.ts";
import { badArgument, coded } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { kindOf, optionsOf, shown, type Options } from "../options.ts";
import { create, define, filter, isArray, isError, join, map, NativePromise, stringifyJson, sublist } from "../primordials.ts";
import type { Contexts } from "../corpus.ts";
import { correction, readReply, schemaError, type Schema } from "./schema.ts";

interface Slot {
  readonly text: string | null;
  /** A child's, where one ran: any JSON value. */
  readonly answer?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const SCHEMA_TRIES = 3;

const QUERY = ["model", "system", "temperature", "max_tokens", "schema", "fresh"];
const BATCH = ["on_error", "limit"];
const RLM = ["context", "budget", "max_iterations"];

/** The options of each function. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  llm_query: QUERY,
  llm_batch_query: [...QUERY, ...BATCH],
  rlm_query: [...QUERY, ...RLM],
  rlm_batch_query: [...QUERY, ...BATCH, ...RLM],
};

export class ModelCalls {
  readonly #bridge: Bridge;
  readonly #contexts: Pick<Contexts, "isCorpus" | "nameOf">;
  readonly #argument: number;
  /** Prompts whose replies did not fit: they are asked anew, the host would give the same replies again. */
  readonly #unfit: Record<string, true> = create(null) as Record<string, true>;

  constructor(bridge: Bridge, contexts: Pick<Contexts, "isCorpus" | "nameOf">, argumentLimit: number) {
    this.#bridge = bridge;
    this.#contexts = contexts;
    this.#argument = argumentLimit;
  }

  query(operation: "llm" | "rlm", prompt: unknown, given: unknown): Promise<unknown> {
    const name = operation === "llm" ? "llm_query" : "rlm_query";
    if (typeof prompt !== "string") throw badArgument(`${name} takes a prompt as a string, not ${kindOf(prompt)}`);
    const options = this.#options(name, given);
    const schema = schemaOf(name, options);
    if (schema !== undefined) return this.#typed(operation, name, prompt, options, schema);
    const reply = this.#send(operation, name, { ...options, prompt });
    return operation === "rlm" ? answered(reply) : reply;
  }

  batch(operation: "llm_batch" | "rlm_batch", prompts: unknown, given: unknown): Promise<unknown[]> {
    const name = operation === "llm_batch" ? "llm_batch_query" : "rlm_batch_query";
    if (!isArray(prompts)) {
      const single = operation === "llm_batch" ? "llm_query" : "rlm_query";
      throw badArgument(`${name} takes a list of prompts, not ${kindOf(prompts)}; for one prompt use ${single}`);
    }
    for (let i = 0; i < prompts.length; i++)
      if (typeof prompts[i] !== "string") throw badArgument(`${name}: prompts[${i}] is ${kindOf(prompts[i])}, not a string`);
    const options = this.#options(name, given);
    const schema = schemaOf(name, options);
    if (prompts.length === 0) return NativePromise.resolve([]);
    return this.#slots(operation, name, prompts as string[], options, schema);
  }

  #options(name: string, given: unknown): Options {
    const options = optionsOf(name, typeof given === "string" ? { model: given } : given, KNOWN[name] ?? []);
    const onError = options["on_error"] ?? "null";
    if (onError !== "null" && onError !== "throw") throw badArgument(`${name}: on_error is ${shown(onError)}, not "null" or "throw"`);
    return options;
  }

  #send(operation: Operation, name: string, call: Options): Promise<unknown> {
    return this.#bridge.call(operation, this.#json(name, call));
  }

  /** A text or Corpus of the session goes by its name; a value as it is, since cells may have changed it, unless it is too large for that. */
  #json(name: string, call: Options): string {
    const { context, ...rest } = call;
    const named = context === undefined || context === null ? undefined : this.#contexts.nameOf(context);
    const byName = named === undefined ? undefined : { ...rest, context_name: named };
    const json = (options: Options): string => argumentJson(`${name}: argument`, options, this.#argument);
    if (byName !== undefined && (typeof context === "string" || this.#contexts.isCorpus(context))) return json(byName);
    try {
      return json(call);
    } catch (error) {
      if (byName === undefined || !isError(error) || !("code" in error) || error.code !== "E_TOO_LARGE") throw error;
      return json(byName);
    }
  }

  /** `fresh_at`: the ones among them that are asked anew. */
  async #sendAll(operation: Operation, name: string, options: Options, prompts: readonly string[]): Promise<Slot[]> {
    const known = map(prompts, (prompt, i) => (this.#unfit[prompt] === true ? i : -1));
    const anew = filter(known, (i) => i !== -1);
    return (await this.#send(operation, name, { ...options, prompts, ...(anew.length === 0 ? {} : { fresh_at: anew }) })) as Slot[];
  }

  /** A first reply may still be mended by the one to its correction. */
  #noteUnfit(prompt: string, asked: string, attempt: number): void {
    if (attempt > 1) this.#unfit[asked] = true;
    if (attempt === SCHEMA_TRIES) this.#unfit[prompt] = true;
  }

  /** Parsed and validated; a reply that does not fit goes back once or twice with what is wrong. */
  async #typed(operation: "llm" | "rlm", name: string, prompt: string, options: Options, schema: Schema): Promise<unknown> {
    let asked = prompt;
    for (let attempt = 1; ; attempt++) {
      const reply = await this.#send(operation, name, {
        ...options,
        prompt: asked,
        ...(this.#unfit[asked] === true ? { fresh: true } : {}),
      });
      if (typeof reply !== "string") return fitting(name, (reply as { readonly answer: unknown }).answer, schema);
      const text = reply;
      const result = readReply(text, schema);
      if ("value" in result) return result.value;
      this.#noteUnfit(prompt, asked, attempt);
      if (attempt === SCHEMA_TRIES) throw coded("E_LLM_SCHEMA", `${name}: ${unfit(result.error)} (E_LLM_SCHEMA)`);
      asked = correction(prompt, text, result.error);
    }
  }

  /** A batch; with a schema, what does not fit goes back as a smaller batch, under the same limits. */
  async #slots(
    operation: "llm_batch" | "rlm_batch",
    name: string,
    prompts: readonly string[],
    options: Options,
    schema: Schema | undefined,
  ): Promise<unknown[]> {
    const slots = await this.#sendAll(operation, name, options, prompts);
    const results: unknown[] = map(slots, (slot) => ("answer" in slot ? slot.answer : slot.text));
    if (schema === undefined) return this.#report(name, slots, results, options);
    let open = map(slots, (_, i) => i);
    const last: string[] = map(prompts, (prompt) => prompt);
    for (let attempt = 1; ; attempt++) {
      const asked: string[] = map(open, () => "");
      open = filter(open, (i, at) => {
        const slot = slots[i];
        if (slot !== undefined && "answer" in slot) results[i] = this.#checked(slots, i, slot.answer, schema);
        if (slot === undefined || slot.text === null) return false;
        const result = readReply(slot.text, schema);
        results[i] = "value" in result ? result.value : null;
        if ("value" in result) return false;
        this.#noteUnfit(prompts[i] as string, last[i] as string, attempt);
        if (attempt === SCHEMA_TRIES) slots[i] = { text: null, error: { code: "E_LLM_SCHEMA", message: unfit(result.error) } };
        asked[at] = last[i] = correction(prompts[i] as string, slot.text, result.error);
        return attempt < SCHEMA_TRIES;
      });
      if (open.length === 0) return this.#report(name, slots, results, options);
      const again = filter(asked, (prompt) => prompt !== "");
      const replies = await this.#again(operation, name, options, again);
      for (let at = 0; at < open.length; at++) slots[open[at] as number] = replies[at] as Slot;
    }
  }

  /** A child was told the schema; an answer that does not fit all the same fails its slot. */
  #checked(slots: Slot[], i: number, answer: unknown, schema: Schema): unknown {
    const wrong = schemaError(answer, schema);
    if (wrong === undefined) return answer;
    slots[i] = { text: null, error: { code: "E_LLM_SCHEMA", message: `the child's answer does not fit the schema: ${wrong}` } };
    return null;
  }

  /** A refused retry fails its slots, not those that are answered. */
  async #again(operation: Operation, name: string, options: Options, prompts: readonly string[]): Promise<readonly Slot[]> {
    try {
      return await this.#sendAll(operation, name, options, prompts);
    } catch (error) {
      const code = isError(error) && "code" in error && typeof error.code === "string" ? error.code : "E_DEFECT";
      return map(prompts, () => ({ text: null, error: { code, message: isError(error) ? error.message : "failed" } }));
    }
  }

  /** A failed slot is null and a warning; or, where the cell asked for it, a BatchError with the results. */
  #report(name: string, slots: readonly Slot[], results: unknown[], options: Options): unknown[] {
    const failed = filter(
      map(slots, (slot, i) => ({ i, error: slot.error })),
      (slot) => slot.error !== undefined,
    );
    if (failed.length === 0) return results;
    const named = map(sublist(failed, 0, 5), ({ i, error }) => `[${i}] ${error?.code}: ${error?.message}`);
    const more = failed.length > 5 ? `; and ${failed.length - 5} more` : "";
    const message = `${name}: ${failed.length} of ${slots.length} slots failed and are null: ${join(named, "; ")}${more}`;
    if (options["on_error"] === "throw") {
      const error = coded("E_BATCH", message);
      define(error, "name", "BatchError");
      define(error, "results", results, { enumerable: true });
      throw error;
    }
    this.#bridge.note("warning", stringifyJson(message));
    return results;
  }
}

/** What a child answered, or a model at the depth limit said. */
async function answered(reply: Promise<unknown>): Promise<unknown> {
  const value = await reply;
  return typeof value === "string" ? value : (value as { readonly answer: unknown }).answer;
}

/** A child's answer. Throws E_LLM_SCHEMA. */
function fitting(name: string, answer: unknown, schema: Schema): unknown {
  const wrong = schemaError(answer, schema);
  if (wrong !== undefined) throw coded("E_LLM_SCHEMA", `${name}: the child's answer does not fit the schema: ${wrong} (E_LLM_SCHEMA)`);
  return answer;
}

function unfit(error: string): string {
  return `no reply of ${SCHEMA_TRIES} fits the schema: ${error}`;
}

function schemaOf(name: string, options: Options): Schema | undefined {
  const schema = options["schema"];
  if (schema === undefined || schema === null) return undefined;
  if (typeof schema !== "object" || isArray(schema))
    throw badArgument(`${name}: schema takes a JSON Schema as an object, not ${shown(schema)}`);
  return schema as Schema;
}

// llm_query, rlm_query and their batches: two call shapes each, numbers and null where the contract takes them, replies validated here
// in the guest, so that no schema of a cell ever runs in the host.
import type { Bridge } from "../bridge.ts";
import type { Operation } from "../contract.ts";
import { badArgument, coded } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { isArray, NativePromise, stringifyJson } from "../primordials.ts";
import { schemaError, type Schema } from "./schema.ts";

type Options = Record<string, unknown>;

interface Slot {
  readonly text: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

const SCHEMA_TRIES = 3;

export class ModelCalls {
  readonly #bridge: Bridge;
  readonly #isCorpus: (value: unknown) => boolean;
  readonly #argument: number;

  constructor(bridge: Bridge, isCorpus: (value: unknown) => boolean, argumentLimit: number) {
    this.#bridge = bridge;
    this.#isCorpus = isCorpus;
    this.#argument = argumentLimit;
  }

  query(operation: "llm" | "rlm", prompt: unknown, given: unknown): Promise<unknown> {
    const name = operation === "llm" ? "llm_query" : "rlm_query";
    if (typeof prompt !== "string") throw badArgument(`${name} takes a prompt as a string, not ${kindOf(prompt)}`);
    const options = this.#options(name, given);
    const schema = schemaOf(name, options);
    return schema === undefined
      ? this.#send(operation, name, { ...options, prompt })
      : this.#typed(operation, name, prompt, options, schema);
  }

  batch(operation: "llm_batch" | "rlm_batch", prompts: unknown, given: unknown): Promise<unknown[]> {
    const name = operation === "llm_batch" ? "llm_batch_query" : "rlm_batch_query";
    if (!isArray(prompts))
      throw badArgument(`${name} takes a list of prompts, not ${kindOf(prompts)}; for one prompt use ${name.replace("_batch", "")}`);
    prompts.forEach((prompt: unknown, i) => {
      if (typeof prompt !== "string") throw badArgument(`${name}: prompts[${i}] is ${kindOf(prompt)}, not a string`);
    });
    const options = this.#options(name, given);
    const schema = schemaOf(name, options);
    if (prompts.length === 0) return NativePromise.resolve([]);
    const sent = this.#send(operation, name, { ...options, prompts }) as Promise<Slot[]>;
    return this.#received(name, prompts as string[], sent, options, schema);
  }

  async #received(
    name: string,
    prompts: readonly string[],
    sent: Promise<Slot[]>,
    options: Options,
    schema: Schema | undefined,
  ): Promise<unknown[]> {
    const slots = await sent;
    const results: unknown[] =
      schema === undefined ? slots.map((slot) => slot.text) : await this.#typedSlots(name, prompts, slots, options, schema);
    return this.#report(name, slots, results, options);
  }

  #options(name: string, given: unknown): Options {
    const options = optionsOf(name, given);
    if (this.#isCorpus(options["context"])) {
      throw coded(
        "E_LLM_TOO_LARGE",
        `${name}: a Corpus does not fit a model's window; pass text: await context.read(path) (E_LLM_TOO_LARGE)`,
      );
    }
    return options;
  }

  #send(operation: Operation, name: string, call: Options): Promise<unknown> {
    return this.#bridge.call(operation, argumentJson(`${name}: argument`, call, this.#argument));
  }

  /** Parsed and validated; a reply that does not fit goes back once or twice with what is wrong. */
  async #typed(operation: "llm" | "rlm", name: string, prompt: string, options: Options, schema: Schema): Promise<unknown> {
    let asked = prompt;
    for (let attempt = 1; ; attempt++) {
      const text = await this.#send(operation, name, { ...options, prompt: asked });
      const result = parsed(text, schema);
      if ("value" in result) return result.value;
      if (attempt === SCHEMA_TRIES) {
        throw coded("E_LLM_SCHEMA", `${name}: no reply of ${SCHEMA_TRIES} fits the schema: ${result.error} (E_LLM_SCHEMA)`);
      }
      asked = corrected(prompt, text, result.error);
    }
  }

  async #typedSlots(name: string, prompts: readonly string[], slots: Slot[], options: Options, schema: Schema): Promise<unknown[]> {
    return Promise.all(
      slots.map(async (slot, i) => {
        if (slot.text === null) return null;
        const first = parsed(slot.text, schema);
        if ("value" in first) return first.value;
        const { on_error: _, limit: __, ...single } = options;
        try {
          return await this.#typed("llm", name, corrected(prompts[i] ?? "", slot.text, first.error), single, schema);
        } catch (error) {
          slots[i] = { text: null, error: { code: "E_LLM_SCHEMA", message: error instanceof Error ? error.message : "failed" } };
          return null;
        }
      }),
    );
  }

  /** A failed slot is null and a warning; or, where the cell asked for it, a BatchError with the results. */
  #report(name: string, slots: readonly Slot[], results: unknown[], options: Options): unknown[] {
    const failed = slots.map((slot, i) => ({ i, error: slot.error })).filter((slot) => slot.error !== undefined);
    if (failed.length === 0) return results;
    const named = failed.slice(0, 5).map(({ i, error }) => `[${i}] ${error?.code}: ${error?.message}`);
    const more = failed.length > 5 ? `; and ${failed.length - 5} more` : "";
    const message = `${name}: ${failed.length} of ${slots.length} slots failed and are null: ${named.join("; ")}${more}`;
    if (options["on_error"] === "throw") {
      const error = coded("E_BATCH", message);
      error.name = "BatchError";
      throw Object.assign(error, { results });
    }
    this.#bridge.post("warning", stringifyJson(message));
    return results;
  }
}

function parsed(text: unknown, schema: Schema): { value: unknown } | { error: string } {
  if (typeof text !== "string") return { error: "the reply is not text" };
  const body = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    return { error: `not JSON: ${error instanceof Error ? error.message : "unreadable"}` };
  }
  const wrong = schemaError(value, schema);
  return wrong === undefined ? { value } : { error: wrong };
}

function corrected(prompt: string, reply: unknown, error: string): string {
  return `${prompt}\n\nYour last reply was:\n${String(reply).slice(0, 4_000)}\n\nIt does not fit the schema: ${error}\nReply with the corrected JSON only.`;
}

function optionsOf(name: string, given: unknown): Options {
  if (given === undefined || given === null) return {};
  if (typeof given === "string") return { model: given };
  if (typeof given !== "object" || isArray(given))
    throw badArgument(`${name} takes its options as an object, e.g. {max_tokens: 500}, not ${kindOf(given)}`);
  return { ...given };
}

function schemaOf(name: string, options: Options): Schema | undefined {
  const schema = options["schema"];
  if (schema === undefined || schema === null) return undefined;
  if (typeof schema !== "object" || isArray(schema))
    throw badArgument(`${name}: schema takes a JSON Schema as an object, not ${kindOf(schema)}`);
  return schema as Schema;
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return isArray(value) ? "an array" : value === undefined ? "undefined" : `a ${typeof value}`;
}

// llm_query and llm_batch_query: one plain completion, or many in order, each with its own failure.
import pLimit from "p-limit";
import { HostError, messageOf } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { estimateTokens } from "../llm/tokens.ts";
import type { Budget } from "../pool/budget.ts";
import type { Schedule } from "../pool/scheduler.ts";
import { bad, fields, optionalNumber, optionalText, shown, text, type Fields } from "./arguments.ts";
import type { CallContext, Handler } from "./types.ts";

/** The models of a session; the first call of a cell is what chooses them, so it may be what fails. */
export interface Models {
  /** Rejects with E_NO_MODEL. */
  chosen(): Promise<{ readonly model: Model; readonly subModel: Model }>;
}

export interface LlmOptions {
  readonly models: Models;
  readonly schedule: Schedule;
  readonly budget: Budget;
  readonly deadlineMs: number;
}

interface Slot {
  readonly text: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a reply of a sub-model may be when the cell does not say; it is what the budget reserves. */
const DEFAULT_MAX_TOKENS = 4_096;
const MAX_PROMPTS = 100_000;

export function llm(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("llm_query", args);
    const model = await pick(options.models, given);
    return await ask(options, model, request("llm_query", model, text("llm_query: prompt", given["prompt"]), given), call);
  };
}

export function llmBatch(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("llm_batch_query", args);
    const prompts = promptsOf("llm_batch_query", given);
    const model = await pick(options.models, given);
    return await askAll(
      options,
      model,
      prompts.map((prompt) => request("llm_batch_query", model, prompt, given)),
      given,
      call,
    );
  };
}

export function promptsOf(name: string, given: Fields): readonly string[] {
  const { prompts } = given;
  if (!Array.isArray(prompts)) throw bad(`${name}: prompts is ${shown(prompts)}, not a list of strings`);
  if (prompts.length > MAX_PROMPTS) throw bad(`${name}: ${prompts.length} prompts are more than ${MAX_PROMPTS}: ask in fewer, larger ones`);
  return prompts.map((prompt, i) => text(`${name}: prompts[${i}]`, prompt));
}

/** The call's model: the session's sub-model, or another of its two. */
export async function pick(models: Models, given: Fields): Promise<Model> {
  const { model, subModel } = await models.chosen();
  const asked = optionalText("model", given["model"]);
  if (asked === undefined) return subModel;
  const found = [subModel, model].find(({ id, name }) => asked === id || asked === name);
  if (found !== undefined) return found;
  const allowed = [...new Set([subModel.id, model.id])].join(", ");
  throw new HostError(
    "E_MODEL_NOT_ALLOWED",
    `the model ${shown(asked)} is not on this session's list: ${allowed}; leave \`model\` out, or start with --sub-model`,
  );
}

/** Checked against the model's window before anything is sent. */
export function request(name: string, model: Model, prompt: string, given: Fields): ModelRequest {
  const system = optionalText(`${name}: system`, given["system"]);
  const temperature = optionalNumber(`${name}: temperature`, given["temperature"], { min: 0, max: 2 });
  const maxTokens =
    optionalNumber(`${name}: max_tokens`, given["max_tokens"], { min: 1, max: 1_000_000, whole: true }) ?? DEFAULT_MAX_TOKENS;
  const schema = given["schema"] === undefined || given["schema"] === null ? undefined : fields(`${name}: schema`, given["schema"]);
  const least = estimateTokens(prompt) + estimateTokens(system ?? "");
  if (model.window !== undefined && least > model.window) {
    throw new HostError(
      "E_LLM_TOO_LARGE",
      `this prompt is ${prompt.length} characters, about ${least} tokens; ${model.id} takes ${model.window}: ask over smaller pieces`,
    );
  }
  return {
    purpose: "sub",
    turns: [{ role: "user", text: prompt }],
    maxTokens,
    ...(system === undefined ? {} : { system }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(schema === undefined ? {} : { schema }),
  };
}

export async function ask(
  { schedule, budget, deadlineMs }: LlmOptions,
  model: Model,
  asked: ModelRequest,
  call: CallContext,
): Promise<string> {
  const started = performance.now();
  const told = (ok: boolean): void =>
    call.emit({ type: "model_call", model: model.id, purpose: "sub", ms: performance.now() - started, ok });
  let reply: ModelReply;
  try {
    reply = await schedule(model, asked, { signal: call.signal, deadlineMs, budget });
  } catch (error) {
    told(false);
    throw error;
  }
  told(true);
  if (reply.stop === "refusal") throw new HostError("E_LLM_REFUSED", `${model.id} declined to answer: ${reply.text.slice(0, 300)}`);
  if (reply.stop === "length") call.warn(`a reply of ${model.id} was cut at max_tokens = ${asked.maxTokens}`);
  return reply.text;
}

/** Slots in the order of the prompts; a failed one says why and fails alone. A batch out of the budget's reach is refused whole. */
export async function askAll(
  options: LlmOptions,
  model: Model,
  requests: readonly ModelRequest[],
  given: Fields,
  call: CallContext,
): Promise<Slot[]> {
  const limit = optionalNumber("limit", given["limit"], { min: 1, max: 10_000, whole: true });
  options.budget.checkBatch(model, requests);
  const own = limit === undefined ? undefined : pLimit(limit);
  let done = 0;
  call.emit({ type: "progress", label: "llm_batch_query", done, total: requests.length });
  const one = async (asked: ModelRequest, i: number): Promise<Slot> => {
    const slot = await slotOf(() => ask(options, model, asked, call));
    call.signal.throwIfAborted();
    call.slot(i, slot);
    call.emit({ type: "progress", label: "llm_batch_query", done: ++done, total: requests.length });
    return slot;
  };
  return await Promise.all(requests.map((asked, i) => (own === undefined ? one(asked, i) : own(() => one(asked, i)))));
}

async function slotOf(work: () => Promise<string>): Promise<Slot> {
  try {
    return { text: await work() };
  } catch (error) {
    const code = error instanceof HostError ? error.code : "E_DEFECT";
    return { text: null, error: { code, message: messageOf(error) } };
  }
}

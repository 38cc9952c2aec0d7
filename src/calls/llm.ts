// llm_query and llm_batch_query: one plain completion, or many in order, each with its own failure.
import pLimit from "p-limit";
import { HostError, messageOf } from "../errors.ts";
import type { Model, ModelRequest } from "../llm/model.ts";
import { tokensOf } from "../llm/tokens.ts";
import type { Budget } from "../pool/budget.ts";
import { costLikely, dollars } from "../pool/cost.ts";
import type { Answer, Memo } from "../pool/memo.ts";
import { bad, fields, optionalFlag, optionalNumber, optionalText, shown, text, type Fields } from "./arguments.ts";
import type { CallContext, Handler, Served } from "./types.ts";

/** The models of a session; the first call of a cell is what chooses them, so it may be what fails. */
export interface Models {
  /** Rejects with E_NO_MODEL. */
  chosen(): Promise<{ readonly model: Model; readonly subModel: Model }>;
}

export interface LlmOptions {
  readonly models: Models;
  readonly memo: Memo;
  readonly budget: Budget;
  readonly deadlineMs: number;
  /** Who is asked before a batch that is likely to cost more than so much. */
  readonly confirm?: Confirmation | undefined;
}

export interface Confirmation {
  /** USD. */
  readonly above: number;
  /** Undefined: nobody is there to be asked. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

export interface Slot {
  readonly text: string | null;
  /** Of a child, any JSON value. */
  readonly answer?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a reply of a sub-model may be when the cell does not say; it is what the budget reserves. */
const DEFAULT_MAX_TOKENS = 4_096;
const MAX_PROMPTS = 100_000;

export function llm(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("llm_query", args);
    const model = await pick(options.models, given);
    return await askOne(options, model, request("llm_query", model, text("llm_query: prompt", given["prompt"]), given), given, call);
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
  checkFits(model, prompt.length + (system ?? "").length);
  return {
    purpose: "sub",
    turns: [{ role: "user", text: prompt }],
    maxTokens,
    ...(system === undefined ? {} : { system }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(schema === undefined ? {} : { schema }),
  };
}

/** Throws E_LLM_TOO_LARGE for more characters than the model's window takes. */
export function checkFits(model: Model, characters: number): void {
  const least = tokensOf(characters);
  if (model.window === undefined || least <= model.window) return;
  throw new HostError(
    "E_LLM_TOO_LARGE",
    `this prompt is ${characters} characters, about ${least} tokens; ${model.id} takes ${model.window}: ask over smaller pieces`,
  );
}

export async function askOne(options: LlmOptions, model: Model, asked: ModelRequest, given: Fields, call: CallContext): Promise<string> {
  return await ask(options, model, asked, optionalFlag("fresh", given["fresh"]), call, call.served);
}

async function ask(
  { memo, budget, deadlineMs }: LlmOptions,
  model: Model,
  asked: ModelRequest,
  isFresh: boolean,
  call: CallContext,
  served: CallContext["served"],
): Promise<string> {
  const started = performance.now();
  const told = (ok: boolean): void =>
    call.emit({ type: "model_call", model: model.id, purpose: "sub", ms: performance.now() - started, ok });
  let answer: Answer;
  try {
    answer = await memo.ask(model, asked, { signal: call.signal, deadlineMs, budget, isFresh, onAgain: call.again?.onRequest });
  } catch (error) {
    told(false);
    throw error;
  }
  // What was not asked was no call.
  if (answer.paid !== undefined) told(true);
  served(servedBy(answer));
  const { stop, text: said } = answer.reply;
  if (stop === "refusal") throw new HostError("E_LLM_REFUSED", `${model.id} declined to answer: ${said.slice(0, 300)}`);
  if (stop === "length") call.warn(`a reply of ${model.id} was cut at max_tokens = ${asked.maxTokens}`);
  return said;
}

function servedBy({ key, paid }: Answer): Served {
  return { ...(key === undefined ? {} : { memo: key }), ...(paid === undefined ? {} : { paid }) };
}

/** Slots in the order of the prompts; a failed one says why and fails alone. A batch out of the budget's reach is refused whole. */
export async function askAll(
  options: LlmOptions,
  model: Model,
  requests: readonly ModelRequest[],
  given: Fields,
  call: CallContext,
): Promise<Slot[]> {
  const isFresh = freshness(given);
  const anew = requests.filter((_, i) => !hasArrived(call, i) && isFresh(i));
  const rest = requests.filter((_, i) => !hasArrived(call, i) && !isFresh(i));
  const unanswered = [...anew, ...(await options.memo.unanswered(model, rest))];
  options.budget.checkBatch(model, unanswered);
  await confirmed(options, model, unanswered, call);
  return await slotsOf("llm_batch_query", requests.length, given, call, async (i, served) => {
    const asked = requests[i];
    if (asked === undefined) throw new Error("a slot without a request");
    return { text: await ask(options, model, asked, isFresh(i), call, served) };
  });
}

/** Slots in order, each with its own failure; those that had arrived before are as they were. */
export async function slotsOf(
  label: string,
  total: number,
  given: Fields,
  call: CallContext,
  work: (i: number, served: (by: Served) => void) => Promise<Slot>,
): Promise<Slot[]> {
  const limit = optionalNumber("limit", given["limit"], { min: 1, max: 10_000, whole: true });
  const own = limit === undefined ? undefined : pLimit(limit);
  let done = 0;
  call.emit({ type: "progress", label, done, total });
  const one = async (i: number): Promise<Slot> => {
    const before = slotIn(call.again?.slots.get(i));
    if (before !== undefined) return before;
    let served: Served = {};
    const slot = await slotOf(() => work(i, (told) => (served = told)));
    call.signal.throwIfAborted();
    call.slot(i, slot, served);
    call.emit({ type: "progress", label, done: ++done, total });
    return slot;
  };
  return await Promise.all(Array.from({ length: total }, (_, i) => (own === undefined ? one(i) : own(() => one(i)))));
}

/** Throws E_DECLINED where a batch is dear and nobody agrees. */
async function confirmed({ confirm }: LlmOptions, model: Model, requests: readonly ModelRequest[], call: CallContext): Promise<void> {
  if (confirm === undefined) return;
  const usd = requests.reduce((sum, request) => sum + (costLikely(model, request) ?? 0), 0);
  if (usd <= confirm.above) return;
  const batch = `this batch of ${requests.length} calls to ${model.id} is likely to cost ${dollars(usd, "up")}`;
  const agreed = confirm.ask === undefined ? undefined : await confirm.ask(`${batch}. Go on?`);
  call.signal.throwIfAborted();
  if (agreed === true) return;
  const why = agreed === undefined ? "nobody is there to be asked; --yes agrees beforehand" : "it was declined";
  throw new HostError("E_DECLINED", `${batch}, over --confirm-cost ${confirm.above}: ${why}`);
}

/** Which prompts of a batch no earlier answer counts for: all by `fresh`, or those the guest lists, whose replies did not fit their schema. */
function freshness(given: Fields): (i: number) => boolean {
  const listed: unknown = given["fresh_at"];
  if (optionalFlag("fresh", given["fresh"])) return () => true;
  if (!Array.isArray(listed)) return () => false;
  const fresh = new Set<unknown>(listed);
  return (i) => fresh.has(i);
}

/** Whether a slot of a batch that is made again is there from before. */
export function hasArrived({ again }: CallContext, i: number): boolean {
  return slotIn(again?.slots.get(i)) !== undefined;
}

/** A slot as the journal tells of it; one that failed is asked for again. */
function slotIn(kept: unknown): Slot | undefined {
  if (typeof kept !== "object" || kept === null) return undefined;
  if ("answer" in kept) return { text: null, answer: kept.answer };
  return "text" in kept && typeof kept.text === "string" ? { text: kept.text } : undefined;
}

async function slotOf(work: () => Promise<Slot>): Promise<Slot> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof HostError ? error.code : "E_DEFECT";
    return { text: null, error: { code, message: messageOf(error) } };
  }
}

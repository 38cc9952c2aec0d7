// rlm_query and its batch: children with a loop of their own; at the depth limit an llm_query with the text of its context, said so.
import { HostError } from "../errors.ts";
import type { Model } from "../llm/model.ts";
import type { MemoryContext } from "../workspace/context-input.ts";
import type { ContextSource } from "../workspace/types.ts";
import { leavingWith } from "../pool/leaving.ts";
import { bad, fields, optionalFlag, optionalNumber, optionalText, text, type Fields } from "./arguments.ts";
import type { ChildAnswer, ChildContext, Children, ChildOrder } from "./children.ts";
import { askAll, askOne, checkFits, hasArrived, pick, promptsOf, request, slotsOf, type LlmOptions, type Slot } from "./llm.ts";
import type { CallContext, Handler } from "./types.ts";

export interface RlmOptions extends LlmOptions {
  readonly children: Children;
  /** Those the session has now. */
  readonly contexts: () => readonly ContextSource[];
}

const DEFAULT_PART = 0.5;

/** The two of a session, which know of each other's children. */
export function rlmHandlers(options: RlmOptions): { readonly rlm: Handler; readonly rlm_batch: Handler } {
  const nursery = new Nursery(options);
  return { rlm: rlm(options, nursery), rlm_batch: rlmBatch(options, nursery) };
}

function rlm(options: RlmOptions, nursery: Nursery): Handler {
  return async (args, call) => {
    const given = fields("rlm_query", args);
    checkShares("rlm_query", given);
    const prompt = text("rlm_query: prompt", given["prompt"]);
    const model = await pick(options.models, given);
    if (options.children.levels > 0) {
      const order = await orderOf(options, given, prompt, model, `${call.seq}`, partOf(given));
      const { answer } = await nursery.ask(order, given, call, call.served);
      return { answer };
    }
    say(call, "rlm_query");
    const whole = await withContext(options, prompt, model, given);
    return await askOne(options, model, request("rlm_query", model, whole, given), given, call);
  };
}

function rlmBatch(options: RlmOptions, nursery: Nursery): Handler {
  return async (args, call) => {
    const given = fields("rlm_batch_query", args);
    checkShares("rlm_batch_query", given);
    const prompts = promptsOf("rlm_batch_query", given);
    const model = await pick(options.models, given);
    if (options.children.levels > 0) return await childrenOf(options, nursery, prompts, model, given, call);
    say(call, "rlm_batch_query");
    const wholes: string[] = [];
    for (const prompt of prompts) wholes.push(await withContext(options, prompt, model, given));
    return await askAll(
      options,
      model,
      wholes.map((whole) => request("rlm_batch_query", model, whole, given)),
      given,
      call,
    );
  };
}

/** Each child gets an even part of what the batch may spend and has not: what one gives back is there for the next. */
async function childrenOf(
  options: RlmOptions,
  nursery: Nursery,
  prompts: readonly string[],
  model: Model,
  given: Fields,
  call: CallContext,
): Promise<Slot[]> {
  const { budget } = options;
  const unanswered = prompts.filter((_, i) => !hasArrived(call, i));
  budget.checkBatch(
    model,
    unanswered.map((prompt) => request("rlm_batch_query", model, prompt, { ...given, max_tokens: undefined })),
  );
  using pool = budget.part(partOf(given));
  let open = unanswered.length;
  return await slotsOf("rlm_batch_query", prompts.length, given, call, async (i, served) => {
    const order = await orderOf(options, given, prompts[i] ?? "", model, `${call.seq}.${i}`, 1);
    const { answer } = await nursery.ask({ ...order, budget: pool, part: () => 1 / open-- }, given, call, served);
    return { text: null, answer };
  });
}

/** The part is decided when the child begins. */
type Order = Omit<ChildOrder, "part"> & { readonly part: () => number };

/** Identical children of a session run once. */
class Nursery {
  readonly #options: RlmOptions;
  readonly #known = new Map<string, Promise<ChildAnswer>>();

  constructor(options: RlmOptions) {
    this.#options = options;
  }

  async ask(order: Order, given: Fields, call: CallContext, served: CallContext["served"]): Promise<ChildAnswer> {
    const key = this.#keyOf(order);
    const before = optionalFlag("fresh", given["fresh"]) ? undefined : this.#known.get(key);
    // One that fails for another call may do for this one.
    const known =
      before === undefined
        ? undefined
        : await leavingWith(
            call.signal,
            before.catch(() => undefined),
          );
    if (known !== undefined) {
      order.budget.ledger.addSaved(known.usage.usd);
      return known;
    }
    const running = this.#options.children.places(() => {
      call.signal.throwIfAborted();
      return this.#options.children.run({ ...order, part: order.part() }, call, served);
    });
    this.#known.set(key, running);
    try {
      const ended = await running;
      if (ended.note !== undefined) call.warn(ended.note);
      return ended;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  #keyOf({ prompt, context, model, system, temperature, maxTokens, schema, maxIterations }: Order): string {
    const seen = "inherited" in context ? named(this.#options.contexts(), context.inherited).identity : context;
    return JSON.stringify([prompt, seen, model.id, system, temperature, maxTokens, schema, maxIterations]);
  }
}

async function orderOf(
  { models, budget, contexts }: RlmOptions,
  given: Fields,
  prompt: string,
  model: Model,
  place: string,
  part: number,
): Promise<Order> {
  const { subModel } = await models.chosen();
  const asked = request("rlm_query", model, "", given);
  const maxIterations = optionalNumber("max_iterations", given["max_iterations"], { min: 1, max: 1_000, whole: true });
  return {
    place,
    prompt,
    context: contextOf(given, prompt, contexts()),
    model,
    subModel,
    ...(asked.system === undefined ? {} : { system: asked.system }),
    ...(asked.temperature === undefined ? {} : { temperature: asked.temperature }),
    ...(given["max_tokens"] === undefined || given["max_tokens"] === null ? {} : { maxTokens: asked.maxTokens }),
    ...(asked.schema === undefined ? {} : { schema: asked.schema }),
    ...(maxIterations === undefined ? {} : { maxIterations }),
    budget,
    part: () => part,
  };
}

/** The prompt itself, where the cell gives none. */
function contextOf(given: Fields, prompt: string, contexts: readonly ContextSource[]): ChildContext {
  const name = optionalText("context_name", given["context_name"]);
  if (name !== undefined) return { inherited: named(contexts, name).name };
  return memoryContext(given["context"]) ?? { name: "prompt", text: prompt };
}

function memoryContext(value: unknown): MemoryContext | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? { name: "context", text: value } : { name: "context", value };
}

function named(contexts: readonly ContextSource[], name: string): ContextSource {
  const found = contexts.find((context) => context.name === name);
  if (found === undefined) throw bad(`there is no context ${JSON.stringify(name)}`);
  return found;
}

function say(call: CallContext, name: string): void {
  call.warn(
    `${name} ran as ${name.replace("rlm", "llm")}: this session is at the depth limit (--max-depth), children have no sandbox of their own`,
  );
}

function partOf(given: Fields): number {
  return optionalNumber("budget", given["budget"], { min: 0, max: 1 }) ?? DEFAULT_PART;
}

/** Checked at the depth limit too: what is wrong there would be wrong with a child. */
function checkShares(name: string, given: Fields): void {
  optionalNumber(`${name}: budget`, given["budget"], { min: 0, max: 1 });
  optionalNumber(`${name}: max_iterations`, given["max_iterations"], { min: 1, max: 1_000, whole: true });
}

/** For a plain completion: the prompt, and the text of its context behind it. Throws E_LLM_TOO_LARGE. */
async function withContext({ contexts }: RlmOptions, prompt: string, model: Model, given: Fields): Promise<string> {
  const name = optionalText("context_name", given["context_name"]);
  if (name !== undefined) return `${prompt}\n\n${await textOf(named(contexts(), name), model)}`;
  const { context } = given;
  if (context === undefined || context === null) return prompt;
  return `${prompt}\n\n${typeof context === "string" ? context : JSON.stringify(context, null, 1)}`;
}

async function textOf(source: ContextSource, model: Model): Promise<string> {
  if (source.kind === "corpus")
    throw new HostError("E_LLM_TOO_LARGE", "a Corpus does not fit a model's window; pass text: await context.read(path)");
  checkFits(model, source.size);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

// A child of `rlm_query`: a session with a sandbox, a loop and a journal of its own, one level deeper, within its part of the budget.
import type { ChildAnswer, ChildContext } from "../calls/children.ts";
import { HostError } from "../errors.ts";
import type { ModelRequest } from "../llm/model.ts";
import { mostOf } from "../pool/amount.ts";
import type { ContextChoice } from "../session/data.ts";
import { openEverything, type Opened, type OpenOptions } from "../session/open.ts";
import { SessionData } from "../session/data.ts";
import { memorySource } from "../workspace/memory-source.ts";
import { askIn, type Asked } from "./ask.ts";

/** Of a child's first reply, in tokens. */
const LEAST_REPLY = 1_000;
/** Of the parent's context: a child that gets so much is told so. */
const NEARLY_ALL = 0.8;
const MANY_BYTES = 64 * 1024;

/** Rejects where the child ends without an answer: with E_BUDGET, E_NO_ANSWER, or what kept its model from answering. */
export const runChild: OpenOptions["runChild"] = async (parent, options, order, call, served) => {
  const id = `${parent.session.id}.${order.place}`;
  using budget = order.budget.part(order.part, id);
  // Also where it fails: what it paid by then is paid.
  using _ = { [Symbol.dispose]: () => served({ paid: budget.ledger.total }) };
  // Before a process is started for it.
  const least: ModelRequest = { purpose: "root", turns: [{ role: "user", text: order.prompt }], maxTokens: LEAST_REPLY };
  if (!budget.affords(order.model, least)) throw order.budget.refusal(1, mostOf(order.model, least));
  await using child = await openEverything({
    ...options,
    // What the parent was begun with, or goes on from, is its own.
    profile: undefined,
    resume: undefined,
    name: undefined,
    emit: (event) => parent.emit({ type: "child", session: id, depth: parent.depth + 1, event }),
    child: {
      id,
      place: order.place,
      parent,
      seq: call.seq,
      data: dataOf(parent, order.context),
      budget,
      model: order.model,
      subModel: order.subModel,
    },
  });
  const asked = await askIn(child, {
    question: order.prompt,
    maxIterations: order.maxIterations,
    defaultIterations: options.maxIterations,
    modelCallMs: options.limits.modelCallMs,
    bound: () => ({ [Symbol.dispose]: () => undefined }),
    signal: call.signal,
    note: noteOf(parent, child),
    answerSchema: order.schema,
    reply: { system: order.system, temperature: order.temperature, maxTokens: order.maxTokens },
  });
  call.signal.throwIfAborted();
  return answerOf(id, asked);
};

/** Of a context that is as large as the parent's: it is no easier for a child. */
function noteOf(parent: Opened, child: Opened): string | undefined {
  const sizeOf = ({ data }: Opened): number => data.contexts.reduce((sum, { size }) => sum + size, 0);
  const [all, own] = [sizeOf(parent), sizeOf(child)];
  if (all < MANY_BYTES || own < all * NEARLY_ALL) return undefined;
  return "This is nearly all of the context of the session that started you, which has the same cells as you: do not hand it on whole, work on it in code.";
}

/** Contexts and files are the parent's: nothing is opened again. */
function dataOf({ data }: Opened, context: ChildContext): SessionData {
  if (!("inherited" in context)) return SessionData.within(data, { inputs: [context] }, [memorySource(context)]);
  const at = data.contexts.findIndex(({ name }) => name === context.inherited);
  const source = data.contexts[at];
  const input = data.choice.inputs[at];
  const choice: ContextChoice = data.choice.combined === true || input === undefined ? data.choice : { inputs: [input] };
  return SessionData.within(data, choice, source === undefined ? [] : [source]);
}

function answerOf(id: string, { answer, stop_reason, error, iterations, nudges, usage }: Asked): ChildAnswer {
  if (stop_reason === "final") return { answer, usage };
  if (answer !== null) {
    const why = stop_reason === "budget" ? "its budget was used up" : `it had ${iterations} turns`;
    return { answer, usage, note: `the child ${id} had to answer before it was done, because ${why}: its answer is partial` };
  }
  if (error !== undefined) throw new HostError(error.code, `the child ${id} ended without an answer: ${error.message}`);
  if (nudges.unfit !== undefined) throw new HostError("E_LLM_SCHEMA", `no answer of the child ${id} fits the schema`);
  if (stop_reason === "budget") throw new HostError("E_BUDGET", `the budget of the child ${id} was used up before it had an answer`);
  throw new HostError("E_NO_ANSWER", `the child ${id} ended without an answer after ${iterations} turns`);
}

// A question asked in an open session: the contexts probed, the loop run, each turn recorded. One that was not answered goes on where it
// stood, with the requests it would have made.
import { HostError } from "../errors.ts";
import { markOf, treeOf, usageJson, usageOf, type Usage, type UsageTree } from "../pool/usage.ts";
import { lastAskIn, type KeptAsk } from "../session/asked.ts";
import type { Opened } from "../session/open.ts";
import { variablesOf } from "../session/variables.ts";
import { probeFacts } from "../workspace/facts.ts";
import { jsonSchemaOf, type ValueSchema } from "../llm/value-schema.ts";
import { checkOf } from "./answer-shape.ts";
import { wholeOf } from "./direct.ts";
import { countProblem, runLoop } from "./loop.ts";
import { parseReply, type Problem } from "./parse.ts";
import { writeProbe } from "./probe.ts";
import { firstTurn, systemPrompt } from "./prompt.ts";
import type { AskResult, LoopLimits, LoopSession, ReplyOptions, TurnNote } from "./types.ts";

export interface AskOptions {
  /** Undefined: the session's last one. */
  readonly question: string | undefined;
  /** Turns before the forced last one; undefined: those that were allowed at first, or `defaultIterations`. */
  readonly maxIterations: number | undefined;
  readonly defaultIterations: number;
  /** Deadline of one root call, in ms. */
  readonly modelCallMs: number;
  /** Bounds what is spent on the question, `spent` being what the session had spent before it; disposed with its end. */
  readonly bound: (spent: Usage) => Disposable;
  readonly signal: AbortSignal;
  readonly reply?: ReplyOptions;
  /** A context that is small enough is asked about at once. */
  readonly isDirect?: boolean;
  /** What the root model of a child has to know of its context. */
  readonly note?: string | undefined;
  /** What the answer must be. */
  readonly answerSchema?: ValueSchema | undefined;
}

export interface Asked extends AskResult {
  readonly model: { readonly root: string; readonly sub: string };
  readonly usage: Usage;
  /** By model, and by child. What an earlier process paid is in the sums alone. */
  readonly tree: UsageTree;
}

/**
 * Rejects when there is no model (E_NO_MODEL), no question to go on with (E_USAGE), or for a defect: what a run comes to is data. The
 * question that was not answered goes on when it is asked again.
 */
export async function askIn(opened: Opened, options: AskOptions): Promise<Asked> {
  const { question } = options;
  const last = lastAsk(opened);
  if (last !== undefined && (question === undefined || question === last.question) && !last.isStale) {
    if (last.answered === undefined) return await goOn(opened, last, options);
    if (question === undefined) return answered(last, last.answered);
  }
  if (question !== undefined) return await begin(opened, question, options);
  throw new HostError(
    "E_USAGE",
    last === undefined
      ? `no question was asked in ${opened.session.id}: write one`
      : `the contexts of ${opened.session.id} were replaced since it was asked: write the question again`,
  );
}

function lastAsk({ journal }: Opened): KeptAsk | undefined {
  return lastAskIn(journal.records() ?? [], journal);
}

function answered({ model, turns, isDirect }: KeptAsk, { answer, stopReason, iterations, usage }: NonNullable<KeptAsk["answered"]>): Asked {
  const tree = { total: usage, byModel: {}, children: [] };
  const compactions = turns.filter(({ compaction }) => compaction !== undefined).length;
  return {
    answer,
    stop_reason: stopReason,
    partial: stopReason !== "final",
    iterations,
    nudges: nudgesIn(turns, isDirect),
    compactions,
    model,
    usage,
    tree,
  };
}

function nudgesIn(turns: KeptAsk["turns"], isDirect: boolean): Asked["nudges"] {
  const counts: Partial<Record<Problem, number>> = {};
  for (const [i, { reply }] of turns.entries()) {
    const { problem } = parseReply(reply);
    // Words were the answer there.
    if (!(isDirect && i === 0 && problem === "no_code")) countProblem(counts, problem);
  }
  return counts;
}

async function begin(opened: Opened, question: string, options: AskOptions): Promise<Asked> {
  const { data, models, budget, journal } = opened;
  const { model, subModel } = await models.chosen();
  const probes = (await Promise.all(data.contexts.map((context) => probeFacts(context)))).map(writeProbe);
  const before = budget.ledger.total;
  using _ = options.bound(before);
  const limits = { maxIterations: options.maxIterations ?? options.defaultIterations, modelCallMs: options.modelCallMs };
  const append = [opened.systemAppend, options.reply?.system].filter((text) => text !== undefined);
  const system = systemPrompt({ levels: opened.levels, tools: opened.tools, append });
  const answerSchema = options.answerSchema === undefined ? undefined : jsonSchemaOf(options.answerSchema);
  const whole = options.isDirect === true ? await wholeOf(data.contexts) : undefined;
  const first = firstTurn({ question, probes, limits, money: budget.limits, answerSchema, whole, note: options.note });
  const names = { root: model.id, sub: subModel.id };
  journal.write({
    type: "turn",
    iteration: 0,
    question,
    system: journal.text(system),
    first: journal.text(first),
    model: names,
    max_iterations: limits.maxIterations,
    ...(answerSchema === undefined ? {} : { answer_schema: journal.value(JSON.stringify(answerSchema)) }),
    ...(whole === undefined ? {} : { direct: true }),
    usage: usageJson(before),
  });
  const asked: KeptAsk = {
    question,
    model: names,
    system,
    first,
    maxIterations: limits.maxIterations,
    isDirect: whole !== undefined,
    ...(answerSchema === undefined ? {} : { answerSchema }),
    before,
    turns: [],
    isWaiting: false,
    isStale: false,
  };
  return await run(opened, asked, opened.session, limits, options);
}

async function goOn(opened: Opened, asked: KeptAsk, options: AskOptions): Promise<Asked> {
  using _ = options.bound(asked.before);
  const limits = { maxIterations: options.maxIterations ?? asked.maxIterations, modelCallMs: options.modelCallMs };
  const after = asked.turns.length === 0 ? "from its beginning" : `after turn ${asked.turns.length}`;
  opened.emit({ type: "notice", text: `the question goes on ${after}: ${asked.question}` });
  if (asked.isWaiting) {
    opened.budget.ledger.addRepeated();
    opened.journal.write({ type: "again", seq: 0 });
  }
  return await run(opened, asked, goingOn(opened, asked), limits, options);
}

/** The last reply's cell goes on where it does so; where it had ended, and nobody was told of it, it is taken back and runs again. */
function goingOn({ session }: Opened, { turns }: KeptAsk): LoopSession {
  const cell = turns.at(-1)?.output === undefined ? turns.at(-1)?.cell : undefined;
  let isFirst = true;
  return {
    async run(code, { signal }) {
      const begun = isFirst ? cell : undefined;
      isFirst = false;
      if (begun === undefined) return await session.run(code, { signal });
      const { resumedCell } = session;
      if (resumedCell?.cell !== begun) {
        if (session.lastCell === begun) await session.undo();
        return await session.run(code, { signal });
      }
      const interrupt = (): void => session.interrupt();
      signal.addEventListener("abort", interrupt, { once: true });
      try {
        return await resumedCell.outcome;
      } finally {
        signal.removeEventListener("abort", interrupt);
      }
    },
  };
}

async function run(
  opened: Opened,
  asked: KeptAsk,
  session: LoopSession,
  limits: LoopLimits,
  { signal, reply, answerSchema = asked.answerSchema }: Pick<AskOptions, "signal" | "reply" | "answerSchema">,
): Promise<Asked> {
  const { models, budget, scheduler, journal, emit } = opened;
  const { model, subModel } = await models.chosen();
  const { system, first, turns, before } = asked;
  const mark = markOf(budget.ledger, before);
  const iterationsAfter = (iteration: number): void => void (opened.iterationsLeft = Math.max(0, limits.maxIterations - iteration));
  iterationsAfter(turns.length);
  const note = (turn: TurnNote): void => {
    const { iteration } = turn;
    if (turn.type === "nudge") return journal.write({ type: "turn", iteration, nudge: turn.text });
    if (turn.type === "output") return journal.write({ type: "turn", iteration, output: journal.text(turn.text) });
    if (turn.type === "compaction") return journal.write({ type: "turn", iteration, compaction: journal.text(turn.text) });
    const { text, call, stop, usage } = turn.reply;
    const native = call === undefined ? {} : { call: journal.value(JSON.stringify(call)) };
    journal.write({ type: "turn", iteration, reply: text, code: turn.code, ...native, stop, paid: usageJson(usageOf(model, usage)) });
    iterationsAfter(iteration);
  };
  const result = await runLoop({
    system,
    first,
    earlier: turns,
    session,
    model,
    schedule: scheduler.schedule,
    budget,
    depth: opened.levels,
    isDirect: asked.isDirect,
    variables: opened.compacts ? () => variablesOf(opened.session) : undefined,
    limits,
    signal,
    ...(reply === undefined ? {} : { reply }),
    ...(answerSchema === undefined ? {} : { check: checkOf(answerSchema, opened.session) }),
    onEvent: emit,
    onTurn: note,
  }).finally(() => (opened.iterationsLeft = null));
  const tree = treeOf(budget.ledger, mark);
  const usage = tree.total;
  const { answer, stop_reason, iterations } = result;
  if (stop_reason === "final" || stop_reason === "max_iterations" || (stop_reason === "budget" && answer !== null))
    journal.write({
      type: "turn",
      iteration: iterations,
      answer: journal.value(JSON.stringify(answer)),
      stop_reason,
      usage: usageJson(usage),
    });
  return { ...result, model: { root: model.id, sub: subModel.id }, usage, tree };
}

// A question asked in an open session: the contexts probed, the loop run, each turn recorded. One that was not answered goes on where it
// stood, with the requests it would have made.
import { readFileSync } from "node:fs";
import { HostError } from "../errors.ts";
import { markOf, treeOf, usageJson, usageOf, type Usage, type UsageTree } from "../pool/usage.ts";
import { lastAskIn, type KeptAsk } from "../session/asked.ts";
import type { Opened } from "../session/open.ts";
import { probeFacts } from "../workspace/facts.ts";
import { runLoop } from "./loop.ts";
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

function answered({ model, turns }: KeptAsk, { answer, stopReason, usage }: NonNullable<KeptAsk["answered"]>): Asked {
  const iterations = turns.length - (stopReason === "final" ? 0 : 1);
  const tree = { total: usage, byModel: {}, children: [] };
  return { answer, stop_reason: stopReason, partial: stopReason !== "final", iterations, model, usage, tree };
}

async function begin(opened: Opened, question: string, options: AskOptions): Promise<Asked> {
  const { data, models, budget, journal } = opened;
  const { model, subModel } = await models.chosen();
  const probes = (await Promise.all(data.contexts.map((context) => probeFacts(context)))).map(writeProbe);
  const before = budget.ledger.total;
  using _ = options.bound(before);
  const limits = { maxIterations: options.maxIterations ?? options.defaultIterations, modelCallMs: options.modelCallMs };
  const system = [systemPrompt(preludeTypes()), ...(options.reply?.system === undefined ? [] : [options.reply.system])].join("\n\n");
  const first = firstTurn(question, probes, limits, budget.limits);
  const names = { root: model.id, sub: subModel.id };
  journal.write({
    type: "turn",
    iteration: 0,
    question,
    system: journal.text(system),
    first: journal.text(first),
    model: names,
    max_iterations: limits.maxIterations,
    usage: usageJson(before),
  });
  const asked: KeptAsk = {
    question,
    model: names,
    system,
    first,
    maxIterations: limits.maxIterations,
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
  { signal, reply }: Pick<AskOptions, "signal" | "reply">,
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
    limits,
    signal,
    ...(reply === undefined ? {} : { reply }),
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

/** The contract of a cell, as the model reads it; it stands beside the built files as well as beside the sources. */
export function preludeTypes(): string {
  for (const place of ["../prelude/prelude.d.ts", "../../prelude/prelude.d.ts"]) {
    try {
      return readFileSync(new URL(place, import.meta.url), "utf8");
    } catch {
      // Sources stand one folder deeper than built files.
    }
  }
  throw new Error("prelude/prelude.d.ts is missing from the installation");
}

// A question asked in an open session: the contexts probed, the loop run, what it used told.
import { readFileSync } from "node:fs";
import { minus, type Usage } from "../pool/usage.ts";
import type { Opened } from "../session/open.ts";
import { probeFacts } from "../workspace/facts.ts";
import { runLoop } from "./loop.ts";
import { writeProbe } from "./probe.ts";
import type { AskResult, LoopLimits } from "./types.ts";

export interface AskOptions {
  readonly question: string;
  readonly limits: LoopLimits;
  readonly signal: AbortSignal;
}

export interface Asked extends AskResult {
  readonly model: { readonly root: string; readonly sub: string };
  readonly usage: Usage;
}

/** Rejects only when there is no model, or for a defect: what a run comes to is data. */
export async function askIn(opened: Opened, options: AskOptions): Promise<Asked> {
  const { session, data, models, budget, schedule, journal, emit } = opened;
  const { model, subModel } = await models.chosen();
  const probes = (await Promise.all(data.contexts.map((context) => probeFacts(context)))).map(writeProbe);
  const before = budget.ledger.total;
  const result = await runLoop({
    question: options.question,
    probes,
    preludeTypes: preludeTypes(),
    session,
    model,
    schedule,
    budget,
    limits: options.limits,
    signal: options.signal,
    onEvent: emit,
    onTurn: (turn) => {
      journal.write({ type: "turn", ...turn });
      opened.iterationsLeft = Math.max(0, options.limits.maxIterations - turn.iteration);
    },
  }).finally(() => (opened.iterationsLeft = null));
  return { ...result, model: { root: model.id, sub: subModel.id }, usage: minus(budget.ledger.total, before) };
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

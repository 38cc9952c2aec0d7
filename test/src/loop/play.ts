// A loop with a scripted model and a scripted session: what the root model read, and how the run ended.
import type { Outcome } from "../../../sandbox/outcome.ts";
import type { Model, ModelRequest } from "../../../src/llm/model.ts";
import { ScriptModel } from "../../../src/llm/script.ts";
import type { ScriptReply } from "../../../src/llm/script-format.ts";
import { runLoop } from "../../../src/loop/loop.ts";
import { firstTurn, systemPrompt } from "../../../src/loop/prompt.ts";
import type { AskResult, LoopOptions } from "../../../src/loop/types.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { Scheduler } from "../../../src/pool/scheduler.ts";

export function outcome(more: Partial<Outcome> = {}): Outcome {
  return { cell: 1, outcome: "ok", output: { text: "", length: 0 }, ms: 12, calls: 0, vars: [], warnings: [], ...more };
}

/** FINAL with a value. */
export function final(value: unknown): Outcome {
  return outcome({ outcome: "final", value: { preview: "", long: "", type: typeof value, json: JSON.stringify(value) } });
}

export interface Played {
  readonly result: AskResult;
  /** Every request the model got. */
  readonly requests: readonly ModelRequest[];
  /** Every cell the session ran. */
  readonly cells: readonly string[];
}

/** `run` plays the session: it gets the code and the number of the cell from 0. */
export async function play(
  replies: readonly ScriptReply[] | Model,
  run: (code: string, cell: number) => Outcome | Promise<Outcome>,
  { question = "How many?", ...more }: Partial<LoopOptions> & { readonly question?: string } = {},
): Promise<Played> {
  const inner: Model = "complete" in replies ? replies : new ScriptModel("script:test", "test", { root: replies });
  const requests: ModelRequest[] = [];
  const cells: string[] = [];
  const model: Model = {
    id: inner.id,
    name: inner.name,
    window: inner.window,
    price: inner.price,
    endpoint: inner.endpoint,
    complete(request, signal) {
      requests.push(request);
      return inner.complete(request, signal);
    },
  };
  const budget = new Budget({});
  const limits = { maxIterations: 20, modelCallMs: 60_000 };
  const probes = [{ name: "a.log", kind: "text", text: "one text, a string; 3 characters" }] as const;
  const result = await runLoop({
    system: systemPrompt({ levels: 1, append: [] }),
    first: firstTurn({ question, probes, limits: more.limits ?? limits, money: (more.budget ?? budget).limits }),
    earlier: [],
    session: {
      async run(code) {
        cells.push(code);
        return { ...(await run(code, cells.length - 1)), cell: cells.length };
      },
    },
    model,
    schedule: new Scheduler({ limit: 2, sleep: () => Promise.resolve() }).schedule,
    budget,
    depth: 0,
    limits,
    signal: new AbortController().signal,
    now: () => 0,
    ...more,
  });
  return { result, requests, cells };
}

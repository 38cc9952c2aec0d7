// `eval`: how well the loop answers tasks whose answers are known, beside one direct call; without a model by an oracle that needs no key.
import { evaluate } from "../eval/run.ts";
import { POLICIES } from "../eval/policies.ts";
import { HEAD, lineOf, summaryJson, summaryOf, type Summary } from "../eval/table.ts";
import { KINDS } from "../eval/task.ts";
import { HostError } from "../errors.ts";
import { oneOf } from "./choice.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";

/** As they were given, undefined where nobody said. */
export interface EvalRequest {
  readonly tasks: string | undefined;
  readonly sizes: string | undefined;
  readonly n: string | undefined;
  readonly seed: string | undefined;
  readonly policy: string | undefined;
  readonly accuracy: string | undefined;
  readonly latency: string | undefined;
  readonly faults: string | undefined;
}

export async function evalCommand(request: EvalRequest, { out, settings, process }: CommandContext): Promise<number> {
  const isJson = settings.json === true;
  const kinds = (request.tasks ?? KINDS.join(",")).split(",").map((kind) => oneOf("--tasks", kind, KINDS));
  const sizes = (request.sizes ?? "13,15").split(",").map((size) => number("--sizes", size, 10, 22));
  const n = number("--n", request.n ?? "5", 1, 10_000);
  const policy = oneOf("--policy", request.policy ?? "good", POLICIES);
  const seed = request.seed ?? "1";
  const oracle = {
    accuracy: number("--accuracy", request.accuracy ?? "0.97", 0, 1),
    latencyMs: number("--latency", request.latency ?? "0", 0, 600_000),
    faults: number("--faults", request.faults ?? "0", 0, 0.9),
  };
  const { model, subModel, keyFrom, prices, concurrency, callTimeout, maxCost, maxCalls, maxTokens, maxTime, maxIterations, maxDepth } =
    settings;
  const given = {
    model,
    subModel,
    keyFrom,
    prices,
    concurrency,
    callTimeout,
    maxCost,
    maxCalls,
    maxTokens,
    maxTime,
    maxIterations,
    maxDepth,
  };
  const session = {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    cwd: process.cwd,
    env: process.env,
  };
  const who =
    model ?? `oracle, policy ${policy}, labels right with ${oracle.accuracy}, latency ${oracle.latencyMs} ms, faults ${oracle.faults}`;
  if (!isJson) await out.raw(`${who}, seed ${seed}; means of a run\n\n${HEAD}\n`);
  const summaries: Summary[] = [];
  await evaluate({
    kinds,
    sizes,
    n,
    seed,
    policy,
    ...oracle,
    session,
    onRow: (row) => {
      const summary = summaryOf(row);
      summaries.push(summary);
      if (!isJson) void out.raw(`${lineOf(summary)}\n`);
    },
  });
  if (isJson)
    await out.raw(`${JSON.stringify({ model: model ?? "oracle", policy, seed, n, ...oracle, rows: summaries.map(summaryJson) })}\n`);
  return EXIT.ok;
}

function number(flag: string, value: string, least: number, most: number): number {
  const read = value.trim() === "" ? NaN : Number(value);
  if (!(read >= least && read <= most))
    throw new HostError("E_USAGE", `${flag} ${JSON.stringify(value)} is not a number from ${least} to ${most}`);
  return read;
}

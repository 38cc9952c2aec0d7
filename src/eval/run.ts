// Runs tasks by the loop and by one direct call, with any model, and scores what comes back.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Model } from "../llm/model.ts";
import { ask, type AskOptions } from "../library/ask.ts";
import { openSession } from "../library/open-session.ts";
import type { Usage } from "../pool/usage.ts";
import { code } from "./code.ts";
import { needle } from "./needle.ts";
import { oolong, oolongPairs } from "./oolong.ts";
import { Oracle } from "./oracle.ts";
import type { Policy } from "./policies.ts";
import { Random } from "./random.ts";
import type { Task, TaskKind } from "./task.ts";

export interface EvalOptions {
  readonly kinds: readonly TaskKind[];
  /** Tokens of a context are 2 to the power of these. */
  readonly sizes: readonly number[];
  /** Tasks of each kind and size. */
  readonly n: number;
  readonly seed: string;
  readonly policy: Policy;
  readonly accuracy: number;
  readonly latencyMs: number;
  readonly faults: number;
  /** Settings of the sessions; with a `model` the oracle is not asked. */
  readonly session: AskOptions;
  readonly onRow: (row: EvalRow) => void;
}

/** One kind, one size, one way to ask. */
export interface EvalRow {
  readonly kind: TaskKind;
  readonly tokens: number;
  readonly system: "rlm" | "direct";
  readonly runs: readonly EvalRun[];
}

export interface EvalRun {
  readonly score: number;
  readonly stopReason: string;
  readonly usage: Usage;
  readonly ms: number;
}

const MAKERS = { "s-niah": needle, oolong, "oolong-pairs": oolongPairs, codeqa: code } as const;
const CHARACTERS_PER_TOKEN = 4;

export async function evaluate(options: EvalOptions): Promise<void> {
  const { kinds, sizes, n, seed, onRow } = options;
  for (const kind of kinds) {
    for (const size of sizes) {
      const tokens = 2 ** size;
      const tasks = Array.from({ length: n }, (_, i) =>
        MAKERS[kind](new Random(`${seed} ${kind} ${size} ${i}`), tokens * CHARACTERS_PER_TOKEN),
      );
      for (const system of ["rlm", "direct"] as const) {
        const runs: EvalRun[] = [];
        for (const [i, task] of tasks.entries()) runs.push(await runOne(task, system, `${seed} ${i}`, options));
        onRow({ kind, tokens, system, runs });
      }
    }
  }
}

async function runOne(task: Task, system: EvalRow["system"], seed: string, options: EvalOptions): Promise<EvalRun> {
  const { policy, accuracy, latencyMs, faults, session } = options;
  const oracle: Model = new Oracle({ task, policy, seed, accuracy, latencyMs, faults });
  const models = session.model === undefined ? { model: oracle, subModel: oracle } : {};
  const started = performance.now();
  const { answer, stopReason, usage } = await (system === "rlm" ? byLoop : byCall)(task, { ...session, ...models });
  return { score: task.score(answer), stopReason, usage, ms: performance.now() - started };
}

interface Answered {
  readonly answer: unknown;
  readonly stopReason: string;
  readonly usage: Usage;
}

async function byLoop(task: Task, options: AskOptions): Promise<Answered> {
  using place = placeOf(task);
  return await ask(task.question, { ...options, ...place.context, noDirect: true, ephemeral: true });
}

/** Question and context in one prompt; what does not fit the window scores nothing. */
async function byCall({ question, context }: Task, options: AskOptions): Promise<Answered> {
  const text =
    typeof context === "string"
      ? context
      : Object.entries(context)
          .map(([path, file]) => `--- ${path}\n${file}`)
          .join("\n");
  await using session = await openSession({ ...options, ephemeral: true, context: { name: "text", text } });
  const { value, error } = await session.run(`await llm_query(context + "\\n\\n" + ${JSON.stringify(question)})`);
  const answer = typeof value === "string" ? parsed(value) : null;
  return { answer, stopReason: error?.code ?? "final", usage: session.usage };
}

function parsed(text: string): unknown {
  const trimmed = text.trim();
  if (!trimmed.startsWith("[")) return trimmed;
  try {
    return JSON.parse(trimmed) as unknown;
  } catch {
    return trimmed;
  }
}

/** A repository has to be on the disk. */
function placeOf({ context }: Task): { readonly context: AskOptions } & Disposable {
  if (typeof context === "string") return { context: { context: { name: "text", text: context } }, [Symbol.dispose]: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "rlm-eval-"));
  for (const [path, text] of Object.entries(context)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { context: { paths: [folder] }, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

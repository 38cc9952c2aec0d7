// Puts a session together: workspace, contexts, models, budget, pools, journal, kernel. What the command line, the loop and the library
// stand on.
import { createHash, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import { kernelFiles, warmUp } from "../../sandbox/index.ts";
import { MAX_FILE_CALLS, type Limits } from "../../sandbox/limits.ts";
import type { SessionState } from "../../sandbox/outcome.ts";
import { listFiles, readFile, readPiece } from "../calls/files.ts";
import { llm, llmBatch, type LlmOptions } from "../calls/llm.ts";
import { rlm, rlmBatch } from "../calls/rlm.ts";
import { ScanService } from "../calls/scan.ts";
import { rgCount, rgFiles, rgSearch } from "../calls/search.ts";
import { inTurn } from "../calls/turns.ts";
import type { Handlers } from "../calls/types.ts";
import type { EventSink } from "../events.ts";
import type { Environment } from "../llm/http.ts";
import { tellFirstRemote } from "../llm/remote-notice.ts";
import { Budget, type BudgetLimits } from "../pool/budget.ts";
import { usageJson } from "../pool/usage.ts";
import { Scheduler, type Schedule } from "../pool/scheduler.ts";
import type { ContextSource } from "../workspace/types.ts";
import { SessionData, type ContextChoice } from "./data.ts";
import { FileJournal, NO_JOURNAL, type Journal } from "./journal.ts";
import { SessionModels, type ModelOptions } from "./models.ts";
import { JOURNAL_VERSION } from "./records.ts";
import { Session } from "./session.ts";
import { newSessionId } from "./state-dir.ts";

export interface OpenOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly contexts: ContextChoice;
  readonly workspaceDirs: readonly string[];
  readonly noIgnore: boolean;
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly models: Omit<ModelOptions, "emit" | "env" | "maxCalls">;
  /** Of the whole session; an `ask` may have narrower ones. */
  readonly bounds: BudgetLimits;
  readonly limits: Limits;
  readonly workers: { readonly count: number; readonly fixed: boolean };
  readonly concurrency: number;
  readonly zone: string;
  readonly locale: string;
  /** V8 without machine code in the sandbox. */
  readonly jitless: boolean;
  /** Where sessions are kept; undefined keeps none. */
  readonly stateDir?: string | undefined;
  readonly emit: EventSink;
}

export interface Opened extends AsyncDisposable {
  readonly session: Session;
  readonly data: SessionData;
  readonly models: SessionModels;
  readonly budget: Budget;
  readonly schedule: Schedule;
  readonly journal: Journal;
  readonly emit: EventSink;
  /** Turns a running loop has left; null while none runs. */
  iterationsLeft: number | null;
}

/** Throws E_USAGE for a path that is not there. The caller owns what it returns; disposing it ends every process and file of it. */
export async function openEverything(options: OpenOptions): Promise<Opened> {
  const { cwd, env, emit, limits, bounds, workspaceDirs, noIgnore, stdin } = options;
  warmUp();
  const data = await SessionData.open({ cwd, workspaceDirs, noIgnore, stdin, emit }, options.contexts);

  const budget = new Budget(bounds);
  const models = new SessionModels({ ...options.models, env, emit, maxCalls: bounds.maxCalls });
  const scheduler = new Scheduler({
    limit: options.concurrency,
    onRequest: tellFirstRemote((endpoint) => emit({ type: "notice", text: `sending to ${endpoint}, which is not this machine` })),
  });
  const seed = randomInt(2 ** 32);
  const clock = Date.now;
  const id = newSessionId(clock(), Math.random);
  const journal = openJournal(options, id, { seed, now: clock() }, data.contexts);
  const session = new Session({
    id,
    limits,
    workers: { ...options.workers, parallelism: availableParallelism() },
    zone: options.zone,
    locale: options.locale,
    jitless: options.jitless,
    seed,
    clock,
    contexts: () => data.contexts,
    handlers: handlersOf(data, { models, schedule: scheduler.schedule, budget, deadlineMs: limits.modelCallMs }, options.workers.count),
    scans: new ScanService({
      workers: options.workers.count,
      timeoutMs: limits.sliceMs,
      memoryMb: limits.memoryMb,
      clock,
      seed,
      readFile: async (path, signal) => {
        const text = await readCorpusFile(data, path, signal);
        return { text, size: Buffer.byteLength(text) };
      },
    }),
    budget: () => budget.left({ depth: 0, iterations: opened.iterationsLeft }),
    usage: () => usageJson(budget.ledger.total),
    journal,
    emit,
  });
  const opened: Opened = {
    session,
    data,
    models,
    budget,
    schedule: scheduler.schedule,
    journal,
    emit,
    iterationsLeft: null,
    async [Symbol.asyncDispose]() {
      await session.close();
      await data[Symbol.asyncDispose]();
    },
  };
  return opened;
}

/** Other contexts in a session that lives; resolves to what that cost. When one cannot be opened, those there were stay. */
export async function replaceContexts({ data, session }: Opened, choice: ContextChoice): Promise<SessionState | undefined> {
  await data.replace(choice);
  return await session.loadContexts();
}

function handlersOf(data: SessionData, llmOptions: LlmOptions, maxWorkers: number): Handlers {
  const turns = pLimit(MAX_FILE_CALLS);
  const search = { data, maxWorkers, slots: pLimit(maxWorkers) };
  return {
    llm: llm(llmOptions),
    llm_batch: llmBatch(llmOptions),
    rlm: rlm(llmOptions),
    rlm_batch: rlmBatch(llmOptions),
    rg_search: inTurn(turns, rgSearch(search)),
    rg_files: inTurn(turns, rgFiles(search)),
    rg_count: inTurn(turns, rgCount(search)),
    read_file: inTurn(turns, readFile(data)),
    read_piece: inTurn(turns, readPiece(data)),
    list_files: inTurn(turns, listFiles(data)),
  };
}

async function readCorpusFile({ contexts, workspace }: SessionData, path: string, signal: AbortSignal): Promise<string> {
  for (const context of contexts.toReversed()) {
    if (context.kind === "corpus" && context.corpus.files.some((file) => file.path === path))
      return await context.corpus.read(path, null, signal);
  }
  return await workspace.read(path, null, signal);
}

function openJournal(
  options: OpenOptions,
  id: string,
  start: { readonly seed: number; readonly now: number },
  contexts: readonly ContextSource[],
): Journal {
  const { stateDir, zone, locale, workers, emit } = options;
  if (stateDir === undefined) return NO_JOURNAL;
  const journal = new FileJournal(join(stateDir, "sessions", id), (text) => emit({ type: "notice", text }));
  journal.write({
    type: "header",
    v: JOURNAL_VERSION,
    session: id,
    ...start,
    tz: zone,
    locale,
    workers: workers.count,
    node: process.version,
    v8: process.versions.v8,
    prelude: createHash("sha256").update(readFileSync(kernelFiles().prelude)).digest("hex"),
  });
  for (const { name, kind, identity } of contexts) journal.write({ type: "context", name, kind, identity });
  return journal;
}

// Puts a session together: workspace, contexts, models, budget, pools, journal, kernel. What the command line, the loop and the library
// stand on.
import { createHash, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import { kernelFiles, warmUp } from "../../sandbox/index.ts";
import { MAX_FILE_CALLS, type Limits } from "../../sandbox/limits.ts";
import { listFiles, readFile, readPiece } from "../calls/files.ts";
import { llm, llmBatch, type LlmOptions } from "../calls/llm.ts";
import { rlm, rlmBatch } from "../calls/rlm.ts";
import { ScanService } from "../calls/scan.ts";
import { rgCount, rgFiles, rgSearch } from "../calls/search.ts";
import { inTurn } from "../calls/turns.ts";
import type { Handlers } from "../calls/types.ts";
import type { EventSink } from "../events.ts";
import { tellFirstRemote } from "../llm/remote-notice.ts";
import { Budget } from "../pool/budget.ts";
import { usageJson } from "../pool/usage.ts";
import { Scheduler, type Schedule } from "../pool/scheduler.ts";
import { openCombinedContext, openContexts } from "../workspace/contexts.ts";
import { describeFiles } from "../workspace/describe.ts";
import type { ContextSource } from "../workspace/types.ts";
import { openWorkspace, type Workspace } from "../workspace/workspace.ts";
import { FileJournal, NO_JOURNAL, type Journal } from "./journal.ts";
import { SessionModels } from "./models.ts";
import { JOURNAL_VERSION } from "./records.ts";
import { Session } from "./session.ts";
import { newSessionId } from "./state-dir.ts";

export interface OpenOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly contextPaths: readonly string[];
  /** All context paths make one corpus. */
  readonly combined?: boolean;
  readonly workspaceDirs: readonly string[];
  readonly noIgnore: boolean;
  readonly stdin?: AsyncIterable<Uint8Array> | null;
  readonly model?: string | undefined;
  readonly subModel?: string | undefined;
  readonly pricesFile?: string | undefined;
  readonly maxCostGiven?: string | undefined;
  readonly maxUsd: number | null;
  readonly maxCalls: number | null;
  readonly maxIterations: number | null;
  readonly limits: Limits;
  readonly workers: { readonly count: number; readonly fixed: boolean };
  readonly concurrency: number;
  readonly zone: string;
  readonly locale: string;
  /** Where sessions are kept; undefined keeps none. */
  readonly stateDir?: string | undefined;
  readonly stderrIsTerminal: boolean;
  readonly emit: EventSink;
}

export interface Opened extends AsyncDisposable {
  readonly session: Session;
  readonly contexts: readonly ContextSource[];
  readonly workspace: Workspace;
  readonly models: SessionModels;
  readonly budget: Budget;
  readonly schedule: Schedule;
  readonly journal: Journal;
}

/** Throws E_USAGE for a path that is not there. The caller owns what it returns; disposing it ends every process and file of it. */
export async function openEverything(options: OpenOptions): Promise<Opened> {
  const { cwd, emit, limits, workspaceDirs, contextPaths, combined = false, noIgnore } = options;
  warmUp();
  const [workspace, contexts] = await Promise.all([
    openWorkspace({ cwd, workspaceDirs, contextPaths, combined, noIgnore }),
    combined && contextPaths.length > 0
      ? openCombinedContext(contextPaths, stdinOf(options)).then((one) => [one])
      : openContexts(contextPaths, stdinOf(options)),
  ]);
  tellContexts(contexts, emit);

  const budget = new Budget({ maxUsd: options.maxUsd, maxCalls: options.maxCalls });
  const models = new SessionModels(options);
  const scheduler = new Scheduler({
    limit: options.concurrency,
    onRequest: tellFirstRemote((endpoint) => emit({ type: "notice", text: `sending to ${endpoint}, which is not this machine` })),
  });
  const llmOptions: LlmOptions = { models, schedule: scheduler.schedule, budget, deadlineMs: limits.modelCallMs };
  const seed = randomInt(2 ** 32);
  const clock = Date.now;
  const id = newSessionId(clock(), Math.random);
  const journal = openJournal(options, id, { seed, now: clock() }, contexts);
  const turns = pLimit(MAX_FILE_CALLS);
  const files = { workspace, contexts };
  const search = { ...files, maxWorkers: options.workers.count, slots: pLimit(options.workers.count) };
  const handlers: Handlers = {
    llm: llm(llmOptions),
    llm_batch: llmBatch(llmOptions),
    rlm: rlm(llmOptions),
    rlm_batch: rlmBatch(llmOptions),
    rg_search: inTurn(turns, rgSearch(search)),
    rg_files: inTurn(turns, rgFiles(search)),
    rg_count: inTurn(turns, rgCount(search)),
    read_file: inTurn(turns, readFile(files)),
    read_piece: inTurn(turns, readPiece(files)),
    list_files: inTurn(turns, listFiles(files)),
  };
  const scans = new ScanService({
    workers: options.workers.count,
    timeoutMs: limits.sliceMs,
    memoryMb: limits.memoryMb,
    clock,
    seed,
    readFile: async (path, signal) => {
      const text = await readCorpusFile(files, path, signal);
      return { text, size: Buffer.byteLength(text) };
    },
  });
  const session = new Session({
    id,
    limits,
    workers: { ...options.workers, parallelism: availableParallelism() },
    zone: options.zone,
    locale: options.locale,
    seed,
    clock,
    contexts,
    handlers,
    scans,
    budget: () => budget.left({ depth: 0, iterations: options.maxIterations }),
    usage: () => usageJson(budget.ledger.total),
    journal,
    emit,
  });
  return {
    session,
    contexts,
    workspace,
    models,
    budget,
    schedule: scheduler.schedule,
    journal,
    async [Symbol.asyncDispose]() {
      await session.close();
      for (const context of contexts) await context.close?.();
    },
  };
}

async function readCorpusFile(
  { contexts, workspace }: { readonly contexts: readonly ContextSource[]; readonly workspace: Workspace },
  path: string,
  signal: AbortSignal,
): Promise<string> {
  for (const context of contexts.toReversed()) {
    if (context.kind === "corpus" && context.corpus.files.some((file) => file.path === path))
      return await context.corpus.read(path, null, signal);
  }
  return await workspace.read(path, null, signal);
}

function stdinOf({ cwd, stdin }: OpenOptions): { readonly cwd: string; readonly stdin: AsyncIterable<Uint8Array> | null } {
  return { cwd, stdin: stdin ?? null };
}

function tellContexts(contexts: readonly ContextSource[], emit: EventSink): void {
  for (const context of contexts) {
    for (const text of context.notices) emit({ type: "notice", text });
    if (context.kind === "corpus" && context.corpus.files.length > 0)
      emit({ type: "notice", text: `${context.name}: ${describeFiles(context.corpus)}` });
  }
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

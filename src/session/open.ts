// Puts a session together: workspace, contexts, models, budget, pools, journal, kernel. What the library stands on.
import { warmUp } from "../../sandbox/index.ts";
import type { Limits } from "../../sandbox/limits.ts";
import type { SessionState } from "../../sandbox/outcome.ts";
import { readText } from "../calls/files.ts";
import type { ChildAnswer, ChildOrder, Children } from "../calls/children.ts";
import type { Confirmation } from "../calls/llm.ts";
import { ScanService } from "../calls/scan.ts";
import { scannerEntries } from "../calls/scanners.ts";
import type { Tools } from "../calls/tool.ts";
import { toolEntries, type ToolEntry } from "../calls/tools.ts";
import type { CallContext } from "../calls/types.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { Environment } from "../llm/http.ts";
import type { Model } from "../llm/model.ts";
import { readPrices } from "../llm/prices.ts";
import { tellFirstRemote } from "../llm/remote-notice.ts";
import { Budget } from "../pool/budget.ts";
import { type BudgetLimits } from "../pool/caps.ts";
import { usageJson } from "../pool/usage.ts";
import { Memo } from "../pool/memo.ts";
import { Scheduler } from "../pool/scheduler.ts";
import { processSlots } from "../pool/slots.ts";
import { ScanPool } from "../scan/pool.ts";
import type { UserRules } from "../scan/rules.ts";
import { contextRecords } from "./context-records.ts";
import type { ContextChoice, SessionData } from "./data.ts";
import { forkSession } from "./fork.ts";
import { handlersOf, readCorpusFile } from "./handlers.ts";
import type { Journal } from "./journal.ts";
import type { EarlierCell } from "./earlier.ts";
import type { Kept } from "./kept.ts";
import { SessionModels, type ModelOptions } from "./models.ts";
import { SessionProfile } from "./profile.ts";
import { ReplyCache } from "./reply-cache.ts";
import { Session } from "./session.ts";
import { findSession } from "./store.ts";
import { Places } from "./places.ts";
import { startOf, type StartedChild, type StartOptions } from "./start.ts";

export interface OpenOptions extends Omit<StartOptions, "toolEntries"> {
  readonly env: Environment;
  readonly models: Omit<ModelOptions, "emit" | "env">;
  /** Of the whole session; an `ask` may have narrower ones. */
  readonly bounds: BudgetLimits;
  readonly limits: Limits;
  readonly concurrency: number;
  /** Folder of the replies that sessions share; undefined: they share none. */
  readonly cacheDir?: string | undefined;
  /** V8 without machine code in the sandbox. */
  readonly jitless: boolean;
  /** Jobs of a scan that go together, at most: the benchmark's, which shows what it is worth. */
  readonly maxGroup?: number | undefined;
  /** File of a CPU profile. */
  readonly profile?: string | undefined;
  /** Levels of children. */
  readonly maxDepth: number;
  /** Turns of a loop that nobody gave a number. */
  readonly maxIterations: number;
  readonly confirm?: Confirmation | undefined;
  readonly tools: Tools;
  /** Scanners of the user's own. */
  readonly rules?: UserRules | undefined;
  /** A person's word; undefined where nobody is there to be asked. */
  readonly agree?: ((question: string) => Promise<boolean>) | undefined;
  /** Behind the system prompt of every loop of the tree. */
  readonly systemAppend?: string | undefined;
  /** Conversations that grow too long give up their older turns. */
  readonly compacts: boolean;
  /** The loop's, which stands above: starts a child and asks it. */
  readonly runChild: (
    parent: Opened,
    options: OpenOptions,
    order: ChildOrder,
    call: CallContext,
    served: CallContext["served"],
  ) => Promise<ChildAnswer>;
  readonly child?: ChildOptions | undefined;
}

/** A session that another one started: what it has of its parent. */
export interface ChildOptions extends StartedChild {
  readonly parent: Opened;
  readonly budget: Budget;
  readonly model: Model;
  readonly subModel: Model;
}

export interface Opened extends AsyncDisposable {
  readonly session: Session;
  readonly data: SessionData;
  readonly models: SessionModels;
  readonly budget: Budget;
  /** One of a whole tree. */
  readonly scheduler: Scheduler;
  readonly memo: Memo;
  readonly journal: Journal;
  readonly emit: EventSink;
  /** 0 for a session that no other one started. */
  readonly depth: number;
  /** Levels of children below. */
  readonly levels: number;
  /** Where its journal is; undefined where nothing is kept. */
  readonly folder: string | undefined;
  readonly places: Places;
  /** One of a whole tree. */
  readonly scanPool: ScanPool;
  /** What its guest has of the user's own. */
  readonly tools: readonly ToolEntry[];
  readonly systemAppend: string | undefined;
  readonly compacts: boolean;
  /** The cells it had when it was opened. */
  readonly earlier: readonly EarlierCell[];
  /** Turns a running loop has left; null while none runs. */
  iterationsLeft: number | null;
  /** Copies it; resolves to the copy's id. Rejects with E_STATE where nothing is kept. */
  fork(cell?: number): Promise<string>;
}

/** Throws E_USAGE for a path that is not there. The caller owns what it returns; disposing it ends every process and file of it. */
export async function openEverything(options: OpenOptions): Promise<Opened> {
  const { env, emit, limits, bounds } = options;
  // A file that is wrong is told before anything runs.
  if (options.models.pricesFile !== undefined) await readPrices(options.models.pricesFile);
  const profile = options.profile === undefined ? undefined : await SessionProfile.at(options.profile);
  const { child } = options;
  const depth = child === undefined ? 0 : child.parent.depth + 1;
  const start = await startOf({ ...options, toolEntries: [...toolEntries(options.tools, depth), ...scannerEntries(options.rules)] });
  const { data, header, journal, kept } = start;

  const budget = child?.budget ?? new Budget(bounds, kept?.usage);
  const chosen = child === undefined ? undefined : { model: child.model, subModel: child.subModel, reason: "its parent's" };
  const models = new SessionModels({ ...options.models, ...modelsOf(options, kept), env, emit }, chosen);
  const scheduler = child?.parent.scheduler ?? schedulerOf(options);
  const memo = child?.parent.memo ?? new Memo(scheduler.schedule, replyCacheOf(options));
  for (const [key, reply] of kept?.replies ?? []) memo.keep(key, reply);
  const scanPool = child?.parent.scanPool ?? new ScanPool({ rules: options.rules?.rules, threads: header.workers });
  // A rule that is wrong is told before anything runs.
  if (child === undefined && options.rules !== undefined) await scanPool.ready();
  const levels = Math.max(0, options.maxDepth - depth);
  const places = child?.parent.places ?? new Places(options.concurrency);
  const children: Children = {
    levels,
    places: places.at(depth),
    run: (order, call, served) => options.runChild(opened, options, order, call, served),
  };
  const clock = Date.now;
  const { workers } = header;
  const session = new Session({
    id: header.session,
    limits,
    workers: { count: workers, fixed: header.workers_fixed, parallelism: header.parallelism },
    tools: header.tools ?? [],
    zone: header.tz,
    locale: header.locale,
    jitless: options.jitless,
    seed: header.seed,
    started: header.now,
    clock,
    contexts: (generation) => (generation === undefined ? data.contexts : data.contextsOf(generation)),
    contextRecords: () => contextRecords(journal, data.choice, data.contexts),
    ...(kept === undefined
      ? {}
      : {
          resumed: {
            cells: kept.cells,
            calls: kept.calls,
            generation: kept.generations.length - 1,
            standing: kept.standing,
            unfinished: kept.unfinished,
            isStrict: options.isFork !== true,
          },
        }),
    ...(child === undefined ? {} : { startTurns: places.starts }),
    handlers: handlersOf(
      data,
      { models, memo, budget, deadlineMs: limits.modelCallMs, confirm: options.confirm, children, contexts: () => data.contexts },
      { tools: options.tools, depth, budget, deadlineMs: limits.modelCallMs, agree: options.agree },
      { data, maxWorkers: workers, pool: scanPool, own: options.rules?.scanners ?? [] },
    ),
    scans: new ScanService({
      workers,
      timeoutMs: limits.sliceMs,
      memoryMb: limits.memoryMb,
      maxGroup: options.maxGroup,
      clock,
      seed: header.seed,
      readFile: async (path, signal) => {
        const text = await readCorpusFile(data, path, signal);
        return { text, size: Buffer.byteLength(text) };
      },
      read: (asked, signal) => readText(data, asked, signal),
    }),
    budget: () => budget.leftIn({ depth: levels, iterations: opened.iterationsLeft }),
    usage: () => usageJson(budget.ledger.total),
    journal,
    profile,
    emit,
  });
  // The kernel takes the longest to come up: it goes first.
  warmUp();
  const opened: Opened = {
    session,
    data,
    models,
    budget,
    scheduler,
    memo,
    journal,
    emit,
    depth,
    levels,
    folder: start.folder,
    places,
    scanPool,
    tools: header.tools ?? [],
    systemAppend: options.systemAppend,
    compacts: options.compacts,
    earlier: kept?.earlier ?? [],
    iterationsLeft: iterationsLeftIn(kept),
    async fork(cell) {
      const { stateDir } = options;
      if (stateDir === undefined || !journal.isKept)
        throw new HostError("E_STATE", "this session is not kept, so it cannot be copied: start without --ephemeral");
      return await session.between(() => forkSession(stateDir, findSession(stateDir, header.session), cell).id);
    },
    async [Symbol.asyncDispose]() {
      await session.close();
      if (child === undefined) scheduler[Symbol.dispose]();
      if (child === undefined) scanPool[Symbol.dispose]();
      await start[Symbol.asyncDispose]();
      // Last: a disk that is full keeps nothing else from being let go of.
      const profiled = await profile?.finish();
      if (profiled !== undefined) emit({ type: "notice", text: profiled });
    },
  };
  return opened;
}

/** Other contexts in a session that lives; resolves to what that cost. When one cannot be opened, those there were stay. */
export async function replaceContexts({ data, session }: Opened, choice: ContextChoice): Promise<SessionState | undefined> {
  await data.replace(choice);
  return await session.loadContexts();
}

/** Those of the question that a session goes on with, where nobody chose others: functions cannot be named. */
function modelsOf({ models }: OpenOptions, kept: Kept | undefined): Partial<ModelOptions> {
  const asked = kept?.asked?.model;
  if (asked === undefined || models.model !== undefined || asked.root.startsWith("function:")) return {};
  return { model: asked.root, modelSource: "the session's", ...(models.subModel === undefined ? { subModel: asked.sub } : {}) };
}

function replyCacheOf({ cacheDir, emit }: OpenOptions): ReplyCache | undefined {
  return cacheDir === undefined ? undefined : new ReplyCache(cacheDir, (text) => emit({ type: "notice", text }));
}

/** Of a run that goes on: its cell may ask before the loop does. */
function iterationsLeftIn(kept: Kept | undefined): number | null {
  const asked = kept?.asked;
  return asked === undefined || asked.answered !== undefined ? null : Math.max(0, asked.maxIterations - asked.turns.length);
}

function schedulerOf({ concurrency, emit }: OpenOptions): Scheduler {
  return new Scheduler({
    limit: concurrency,
    slots: processSlots,
    onLowered: ({ id }, limit) =>
      emit({ type: "notice", text: `${id} is asked too much: ${limit} ${limit === 1 ? "call" : "calls"} at a time until it takes more` }),
    onRequest: tellFirstRemote((endpoint) => emit({ type: "notice", text: `sending to ${endpoint}, which is not this machine` })),
  });
}

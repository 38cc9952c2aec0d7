// From settings to a session. The library's calls and the command line meet here, so that both mean the same by an option.
import { resolve } from "node:path";
import { bubblewrap } from "../../sandbox/index.ts";
import { DEFAULT_LIMITS, type Limits } from "../../sandbox/limits.ts";
import type { Resolved } from "../config/resolve.ts";
import type { Environment, SettingName } from "../config/settings.ts";
import { flagOf, TABLE } from "../config/table.ts";
import type { EventSink } from "../events.ts";
import { loadModule } from "../llm/script-file.ts";
import { readJsonObject, readUserText } from "../llm/json-file.ts";
import type { ModelChoice } from "../llm/function-model.ts";
import { automaticWorkers, MODEL_CALLS_AT_A_TIME, workersNotice } from "../pool/settings.ts";
import { HostError } from "../errors.ts";
import { forkSession } from "../session/fork.ts";
import { cacheFolder, findSession, listSessions, type KeptSession } from "../session/store.ts";
import type { ContextInput } from "../workspace/context-input.ts";
import { checkTools, type Tools } from "../calls/tool.ts";
import { runChild } from "../loop/child.ts";
import { NO_LIMITS, type BudgetLimits } from "../pool/caps.ts";
import { openEverything, type OpenOptions } from "../session/open.ts";
import { stateDir } from "../session/state-dir.ts";
import { EventStream, sessionEvent } from "./events.ts";
import { ReplSession, type SessionDefaults } from "./session.ts";

/** How sessions differ by what they are for. */
export interface Kind {
  /** Sessions that are kept have a journal. */
  readonly keep: boolean;
  /** The session is there for questions: its bounds are those of a question. */
  readonly isAsk: boolean;
  /** Seconds of a slice and of a cell's own time, where nobody said. */
  readonly cellTimeout?: number;
}

/** Cells nobody wants to keep: `-e`, `-`. */
export const ONE_CELL: Kind = { keep: false, isAsk: false };
export const CELLS: Kind = { keep: true, isAsk: false };
/** A person can interrupt, and does not want to be interrupted. */
export const PROMPT: Kind = { keep: true, isAsk: false, cellTimeout: 3_600 };
export const ASK: Kind = { keep: true, isAsk: true };

/** Bounds of a question, where nobody said. */
const ASK_BOUNDS = { maxCost: 1, maxCalls: 500, maxIterations: 20 };
/** USD of a batch that a person at the prompt is asked about. */
const CONFIRM_AT_PROMPT = 0.25;

/** What a session stands on beside its settings. */
export interface Host {
  readonly cwd: string;
  readonly env: Environment;
  /** What `-` reads; null where there is nothing to read. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** Without a model and a key, a person at a terminal gets `offline`; a program gets E_NO_MODEL. */
  readonly isTerminal: boolean;
  /** Asks a person; undefined where there is none. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
  readonly emit: EventSink;
}

/** What only a program can hand over: settings are text. */
export interface Handed {
  readonly contexts?: readonly ContextInput[];
  readonly combined?: boolean;
  readonly model?: ModelChoice;
  readonly subModel?: ModelChoice;
  readonly maxGroup?: number;
  readonly tools?: Tools;
}

/** The caller owns the session. Rejects with E_USAGE for what does not fit, E_KERNEL when the sandbox does not start. */
export async function openWith(resolved: Resolved, kind: Kind, host: Host, handed: Handed = {}): Promise<ReplSession> {
  const { values } = resolved;
  if (values.requireBwrap === true) mustHaveBubblewrap();
  const events = new EventStream();
  const emit: EventSink = (event) => {
    host.emit(event);
    if (events.isHeard) events.emit(sessionEvent(event));
  };
  const given: BudgetLimits = {
    maxUsd: values.maxCost ?? null,
    maxCalls: values.maxCalls ?? null,
    maxTokens: values.maxTokens ?? null,
    maxSeconds: values.maxTime ?? null,
  };
  const isBounded = !kind.isAsk && Object.values(given).some((limit) => limit !== null);
  const defaults: SessionDefaults = {
    bounds: isBounded
      ? NO_LIMITS
      : {
          ...(kind.isAsk ? given : NO_LIMITS),
          maxUsd: (kind.isAsk ? given.maxUsd : null) ?? ASK_BOUNDS.maxCost,
          maxCalls: (kind.isAsk ? given.maxCalls : null) ?? ASK_BOUNDS.maxCalls,
        },
    maxIterations: values.maxIterations ?? ASK_BOUNDS.maxIterations,
    givenIterations: values.maxIterations,
    isDirect: values.noDirect !== true,
    answerSchema:
      values.answerSchema === undefined
        ? undefined
        : await readJsonObject(resolve(host.cwd, values.answerSchema), "the answer schema", "a JSON Schema"),
    limits: limitsOf(resolved, kind),
  };
  const systemAppend =
    values.systemAppend === undefined
      ? undefined
      : await readUserText(resolve(host.cwd, values.systemAppend), "the text for the system prompt");
  const tools = handed.tools === undefined ? await readTools(values.tools, host.cwd) : checkTools(handed.tools, "tools");
  const rules = values.rules === undefined ? undefined : (await import("../scan/rules.ts")).readUserRules(values.rules, host.cwd);
  const notice = values.maxWorkers === undefined ? undefined : workersNotice(values.maxWorkers, resolved.sources.maxWorkers ?? "");
  if (notice !== undefined) emit({ type: "notice", text: notice });
  const options = openOptions(resolved, kind, { ...host, emit }, handed, defaults, kind.isAsk ? NO_LIMITS : given, {
    systemAppend,
    tools,
    rules,
  });
  const chosen = chosenSession(resolved, options);
  if (chosen.resume !== undefined && options.contexts.inputs.some((input) => input !== "-"))
    emit({ type: "notice", text: `${chosen.resume.id} goes on with the contexts it has: those named here are not opened` });
  const opened = await openEverything({ ...options, ...chosen });
  try {
    await opened.session.ready();
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
  return new ReplSession(opened, events, defaults);
}

/** Which session it is: a new one, or a kept one to go on with. Throws E_USAGE, E_NOT_FOUND. */
function chosenSession({ values }: Resolved, { stateDir: folder }: OpenOptions): Pick<OpenOptions, "resume" | "isFork" | "name"> {
  const { resume, continue: last, fork = false, session } = values;
  const asked = [resume, last === true ? true : undefined, session].filter((each) => each !== undefined);
  if (asked.length === 0 && !fork) return {};
  if (asked.length > 1) throw new HostError("E_USAGE", "--resume, --continue and --session each choose a session: give one of them");
  if (folder === undefined)
    throw new HostError("E_USAGE", "there is no kept session to go on with: nothing is kept here (--ephemeral, or no home folder)");
  const found =
    resume !== undefined ? findSession(folder, resume) : session !== undefined ? sessionNamed(folder, session) : lastSession(folder);
  if (found === undefined) return session === undefined ? {} : { name: session };
  return { resume: fork ? forkSession(folder, found) : found, isFork: fork };
}

function sessionNamed(folder: string, name: string): KeptSession | undefined {
  return listSessions(folder).find((session) => session.name === name);
}

function lastSession(folder: string): KeptSession {
  const last = listSessions(folder).find(({ state }) => state !== "unreadable");
  if (last === undefined) throw new HostError("E_NOT_FOUND", `there is no session in ${folder} to go on with`);
  return last;
}

function mustHaveBubblewrap(): void {
  const outer = bubblewrap();
  if (outer.state === "on") return;
  const reason = outer.state === "off" ? outer.reason : "it is Linux's alone";
  throw new HostError(
    "E_KERNEL",
    `bubblewrap is required and does not run here: ${reason}; without --require-bwrap the other layers hold, and rlm-repl doctor lists them`,
  );
}

function openOptions(
  resolved: Resolved,
  kind: Kind,
  host: Host,
  handed: Handed,
  defaults: SessionDefaults,
  bounds: BudgetLimits,
  read: Pick<OpenOptions, "systemAppend" | "tools" | "rules">,
): OpenOptions {
  const { values, sources } = resolved;
  const { cwd, env, stdin, emit } = host;
  const state = values.ephemeral === true ? undefined : stateDir(values.stateDir, env, process.platform);
  return {
    cwd,
    env,
    contexts: { inputs: handed.contexts ?? values.context ?? [], combined: handed.combined ?? false },
    workspaceDirs: values.workspace ?? [],
    noIgnore: values.noIgnore ?? false,
    stdin,
    models: {
      model: handed.model ?? values.model,
      modelSource: handed.model === undefined ? sources.model : "model",
      subModel: handed.subModel ?? values.subModel,
      subModelSource: handed.subModel === undefined ? sources.subModel : "subModel",
      keyFrom: values.keyFrom,
      localOnly: values.localOnly === true ? (sources.localOnly ?? "localOnly") : undefined,
      pricesFile: values.prices,
      maxCostGiven: values.maxCost === undefined ? undefined : said("maxCost", values.maxCost, sources.maxCost),
      maxCalls: kind.isAsk ? defaults.bounds.maxCalls : (values.maxCalls ?? null),
      stderrIsTerminal: host.isTerminal,
    },
    bounds,
    maxDepth: values.maxDepth ?? 1,
    maxIterations: defaults.maxIterations,
    runChild,
    ...read,
    agree: values.yes === true ? () => Promise.resolve(true) : host.confirm,
    compacts: values.noCompaction !== true,
    confirm: confirmationOf(resolved, kind, host),
    limits: defaults.limits,
    workers: { count: values.maxWorkers ?? automaticWorkers(), fixed: values.maxWorkers !== undefined },
    concurrency: values.concurrency ?? MODEL_CALLS_AT_A_TIME,
    zone: values.tz ?? "UTC",
    locale: values.locale ?? "en-US",
    jitless: values.paranoid ?? false,
    maxGroup: handed.maxGroup,
    profile: values.profile === undefined ? undefined : resolve(cwd, values.profile),
    stateDir: kind.keep || wantsKept(values) ? state : undefined,
    cacheDir: values.cache === true && state !== undefined ? cacheFolder(state) : undefined,
    emit,
  };
}

async function readTools(file: string | undefined, cwd: string): Promise<Tools> {
  return file === undefined ? {} : checkTools(await loadModule(resolve(cwd, file), "tools file"), `the tools file ${file}`);
}

/** Undefined: nobody is asked. */
function confirmationOf({ values }: Resolved, kind: Kind, { confirm }: Host): OpenOptions["confirm"] {
  const above = values.confirmCost ?? (kind === PROMPT ? CONFIRM_AT_PROMPT : undefined);
  return above === undefined || values.yes === true ? undefined : { above, ask: confirm };
}

/** `-e` keeps a session only where one is named. */
function wantsKept({ resume, continue: last, fork, session }: Resolved["values"]): boolean {
  return resume !== undefined || last === true || fork === true || session !== undefined;
}

function limitsOf({ values }: Resolved, kind: Kind): Limits {
  const cellSeconds = values.cellTimeout ?? kind.cellTimeout;
  return {
    sliceMs: cellSeconds === undefined ? DEFAULT_LIMITS.sliceMs : cellSeconds * 1000,
    cellMs: cellSeconds === undefined ? DEFAULT_LIMITS.cellMs : cellSeconds * 1000,
    memoryMb: values.memory ?? DEFAULT_LIMITS.memoryMb,
    modelCallMs: values.callTimeout === undefined ? DEFAULT_LIMITS.modelCallMs : values.callTimeout * 1000,
  };
}

/** A setting as its user gave it: `--max-cost 3`, `RLM_MAX_COST=3`. */
function said(name: SettingName, value: number, source: string | undefined): string {
  const row = TABLE.find((each) => each.name === name);
  if (source === undefined || row === undefined) return `${name} ${value}`;
  return source.startsWith("RLM_") ? `${source}=${value}` : source === flagOf(row) ? `${source} ${value}` : `${name} ${value}`;
}

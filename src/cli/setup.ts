// From what a command was told to a session: settings, environment and defaults put together.
import { DEFAULT_LIMITS, type Limits } from "../../sandbox/limits.ts";
import type { EventSink } from "../events.ts";
import { modelLimitSetting, workersSetting } from "../pool/settings.ts";
import type { OpenOptions } from "../session/open.ts";
import { stateDir } from "../session/state-dir.ts";
import type { Settings } from "./options.ts";

/** What a process gives a command: its streams, environment and folder. Tests give their own. */
export interface Host {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  /** A pipe or file is behind it. */
  readonly stdinCarriesText: boolean;
  readonly stderrIsTerminal: boolean;
}

/** How commands differ. */
export interface Kind {
  /** A session that is kept has a journal. */
  readonly keep: boolean;
  readonly maxUsd: number | null;
  readonly maxCalls: number | null;
  readonly maxIterations: number | null;
  readonly combined?: boolean;
}

export const DEFAULT_ITERATIONS = 20;
const ASK_USD = 1;
const ASK_CALLS = 500;

export const CELLS: Kind = { keep: false, maxUsd: null, maxCalls: null, maxIterations: null };
export const NOTEBOOK: Kind = { ...CELLS, keep: true };
export const ASK: Kind = { keep: true, maxUsd: ASK_USD, maxCalls: ASK_CALLS, maxIterations: DEFAULT_ITERATIONS, combined: true };

export function openOptions(settings: Settings, kind: Kind, host: Host, emit: EventSink): OpenOptions {
  const { env } = host;
  const workers = workersSetting(env);
  return {
    cwd: host.cwd,
    env,
    contextPaths: settings.context,
    combined: kind.combined ?? false,
    workspaceDirs: settings.workspace,
    noIgnore: !settings.ignore,
    stdin: host.stdin.isTTY === true ? null : host.stdin,
    model: settings.model,
    subModel: settings.subModel,
    pricesFile: settings.prices,
    maxCostGiven: settings.maxCost === undefined ? undefined : `--max-cost ${settings.maxCost}`,
    maxUsd: settings.maxCost ?? kind.maxUsd,
    maxCalls: settings.maxCalls ?? kind.maxCalls,
    maxIterations: kind.maxIterations === null ? null : (settings.maxIterations ?? kind.maxIterations),
    limits: limitsOf(settings),
    workers:
      settings.maxWorkers === undefined
        ? { count: workers.value, fixed: workers.source !== "automatic" }
        : { count: settings.maxWorkers, fixed: true },
    concurrency: settings.concurrency ?? modelLimitSetting(env).value,
    zone: settings.tz ?? "UTC",
    locale: settings.locale ?? "en-US",
    stateDir: kind.keep ? stateDir(settings.stateDir, env, process.platform) : undefined,
    stderrIsTerminal: host.stderrIsTerminal,
    emit,
  };
}

function limitsOf({ cellTimeout, callTimeout, memory }: Settings): Limits {
  return {
    sliceMs: cellTimeout === undefined ? DEFAULT_LIMITS.sliceMs : cellTimeout * 1000,
    cellMs: cellTimeout === undefined ? DEFAULT_LIMITS.cellMs : cellTimeout * 1000,
    memoryMb: memory ?? DEFAULT_LIMITS.memoryMb,
    modelCallMs: callTimeout === undefined ? DEFAULT_LIMITS.modelCallMs : callTimeout * 1000,
  };
}

// `openSession`: the library's way in.
import type { Tools } from "../calls/tool.ts";
import { resolveSettings } from "../config/resolve.ts";
import type { Environment, Settings } from "../config/settings.ts";
import type { ModelChoice } from "../llm/function-model.ts";
import type { ContextInput } from "../workspace/context-input.ts";
import { sessionEvent, type SessionEvent } from "./events.ts";
import { CELLS, openWith, type Handed, type Host, type Kind } from "./open.ts";
import type { ReplSession } from "./session.ts";

type Lists = "context" | "workspace" | "model" | "subModel" | "answerSchema" | "tools" | "json" | "quiet" | "verbose";

/**
 * What is not given is decided by `RLM_…` variables, then `rlm.config.json`, then the defaults of docs/configuration.md. Times are in
 * seconds, money in USD, memory in MiB.
 */
export interface SessionOptions extends Omit<Settings, Lists> {
  /** Paths, quoted globs, `-` for `stdin`, or what is in memory: `{text}` or `{value}`. Each is a context; the last one is `context`. */
  readonly context?: ContextInput | readonly ContextInput[];
  /** Folders whose files cells may read. */
  readonly workspace?: string | readonly string[];
  /** Root model: a name (`anthropic:…`), an object of the `Model` interface, or one function from prompt to reply. */
  readonly model?: ModelChoice;
  /** Model of `llm_query`. */
  readonly subModel?: ModelChoice;
  /** Functions of this program that cells may call, by their names. */
  readonly tools?: Tools;
  /** What relative paths are relative to. Default: the process's. */
  readonly cwd?: string;
  /** Variables to read instead of the process's. */
  readonly env?: Environment;
  /** What the context `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Called with every event, the first ones included, before anything else hears of it. */
  readonly onEvent?: (event: SessionEvent) => void;
  /** Asks a person, where `confirmCost` wants one asked; without it nobody is there. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Closes the session. */
  readonly signal?: AbortSignal;
}

/** A sandboxed session; the caller owns it: `await using session = await openSession({…})`. Rejects with a `HostError` (E_USAGE, E_KERNEL). */
export function openSession(options: SessionOptions = {}): Promise<ReplSession> {
  return openAs(options, CELLS);
}

export async function openAs(
  options: SessionOptions,
  kind: Kind,
  { combined = false, maxGroup }: Pick<Handed, "combined" | "maxGroup"> = {},
): Promise<ReplSession> {
  const {
    context,
    workspace,
    model,
    subModel,
    tools,
    cwd = process.cwd(),
    env = process.env,
    stdin = null,
    onEvent,
    confirm,
    signal,
    ...settings
  } = options;
  signal?.throwIfAborted();
  const given = { ...settings, ...(workspace === undefined ? {} : { workspace: typeof workspace === "string" ? [workspace] : workspace }) };
  const resolved = resolveSettings({ given, as: "argument", env, cwd });
  const host: Host = { cwd, env, stdin, isTerminal: false, confirm, emit: (event) => onEvent?.(sessionEvent(event)) };
  const handed: Handed = {
    combined,
    ...(maxGroup === undefined ? {} : { maxGroup }),
    ...(context === undefined ? {} : { contexts: isList(context) ? context : [context] }),
    ...(model === undefined ? {} : { model }),
    ...(subModel === undefined ? {} : { subModel }),
    ...(tools === undefined ? {} : { tools }),
  };
  const session = await openWith(resolved, kind, host, handed);
  signal?.addEventListener("abort", () => void session.close(), { once: true });
  if (signal?.aborted === true) await session.close();
  return session;
}

function isList(context: ContextInput | readonly ContextInput[]): context is readonly ContextInput[] {
  return Array.isArray(context);
}

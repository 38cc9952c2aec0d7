// Where a session begins: with a header of its own and the contexts it was given, or where a kept one stood.
import { createHash, randomInt } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ToolEntry } from "../calls/tools.ts";
import { kernelFiles } from "../../sandbox/index.ts";
import type { EventSink } from "../events.ts";
import { changed } from "../workspace/path-errors.ts";
import { contextRecords } from "./context-records.ts";
import { SessionData, type ContextChoice } from "./data.ts";
import { FileJournal, type Journal } from "./journal.ts";
import { openKept, type Header, type Kept } from "./kept.ts";
import { lockSession } from "./lock.ts";
import { JOURNAL_VERSION } from "./records.ts";
import { newSessionId } from "./state-dir.ts";
import { sessionsFolder, type KeptSession } from "./store.ts";

export interface StartOptions {
  readonly cwd: string;
  readonly contexts: ContextChoice;
  readonly workspaceDirs: readonly string[];
  readonly noIgnore: boolean;
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly workers: { readonly count: number; readonly fixed: boolean };
  readonly zone: string;
  readonly locale: string;
  /** Where sessions are kept; undefined keeps none. */
  readonly stateDir?: string | undefined;
  /** Of a new session. */
  readonly name?: string | undefined;
  /** Go on with this one: its contexts, seed, zone, locale and workers are those it has. */
  readonly resume?: KeptSession | undefined;
  /** Where its replay comes to something else it goes on from the last cell that agreed. */
  readonly isFork?: boolean | undefined;
  /** Functions of the user's own, for a new session. */
  readonly toolEntries: readonly ToolEntry[];
  readonly emit: EventSink;
  readonly child?: StartedChild | undefined;
}

/** A session that another one started by `rlm_query`, within its folder. */
export interface StartedChild {
  readonly id: string;
  /** Of its own among the children of its parent. */
  readonly place: string;
  readonly parent: { readonly session: { readonly id: string }; readonly folder: string | undefined };
  /** Number of the call that started it. */
  readonly seq: number;
  readonly data: SessionData;
}

/** Disposing closes the contexts and gives the folder up; the journal is the session's to close. */
export interface Start extends AsyncDisposable {
  readonly data: SessionData;
  readonly header: Header;
  readonly journal: Journal;
  readonly kept?: Kept;
  /** Where the journal is; undefined where nothing is kept. */
  readonly folder: string | undefined;
}

/** Throws E_USAGE for a path that is not there, E_CONTEXT_CHANGED for a context that is not what it was. */
export function startOf(options: StartOptions): Promise<Start> {
  return options.resume === undefined ? startNew(options) : startAgain(options, options.resume);
}

async function startNew(options: StartOptions): Promise<Start> {
  const { cwd, workspaceDirs, noIgnore, stdin, emit, stateDir, workers, zone, locale, name, child } = options;
  const data = child?.data ?? (await SessionData.open({ cwd, workspaceDirs, noIgnore, stdin, emit }, options.contexts));
  const now = Date.now();
  const session = child?.id ?? newSessionId(now, Math.random);
  const header: Header = {
    type: "header",
    v: JOURNAL_VERSION,
    session,
    ...(child === undefined ? {} : { parent: { session: child.parent.session.id, seq: child.seq } }),
    ...(name === undefined ? {} : { name }),
    seed: randomInt(2 ** 32),
    now,
    tz: zone,
    locale,
    workers: workers.count,
    workers_fixed: workers.fixed,
    parallelism: availableParallelism(),
    ...(options.toolEntries.length === 0 ? {} : { tools: options.toolEntries }),
    cwd,
    workspace: workspaceDirs,
    no_ignore: noIgnore,
    node: process.version,
    v8: process.versions.v8,
    prelude: preludeHash(),
  };
  const folder = child === undefined ? (stateDir === undefined ? undefined : join(sessionsFolder(stateDir), session)) : ownFolder(child);
  const journal = folder === undefined ? FileJournal.unnamed() : FileJournal.in(folder, (text) => emit({ type: "notice", text }));
  const lock = folder !== undefined && journal.isKept ? lockSession(folder) : undefined;
  journal.write(header);
  if (data.contexts.length > 0) for (const record of await contextRecords(journal, data.choice, data.contexts)) journal.write(record);
  return { data, header, journal, folder: journal.isKept ? folder : undefined, [Symbol.asyncDispose]: () => end(data, lock) };
}

/** What an earlier process left of a child that runs again does not count. */
function ownFolder({ parent, place }: StartedChild): string | undefined {
  if (parent.folder === undefined) return undefined;
  const folder = join(parent.folder, "children", place);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

async function startAgain({ stdin, emit }: StartOptions, session: KeptSession): Promise<Start> {
  const kept = openKept(session, (text) => emit({ type: "notice", text }));
  let data: SessionData | undefined;
  try {
    const { header, generations, journal } = kept;
    if (header.prelude !== preludeHash())
      emit({ type: "notice", text: `${session.id} was begun by another version of rlm-repl: what differs will be told` });
    for (const { choice, records } of generations) {
      const options = { cwd: header.cwd, workspaceDirs: header.workspace, noIgnore: header.no_ignore, stdin, emit };
      if (data === undefined) data = await SessionData.open(options, choice);
      else await data.replace(choice);
      for (const [i, { name, kind, identity }] of records.entries())
        if (kind !== "none" && data.contexts[i]?.identity !== identity) throw changed(name);
    }
    if (data === undefined) throw new Error("a session has a first generation of contexts");
    const opened = data;
    return { data, header, journal, kept, folder: session.folder, [Symbol.asyncDispose]: () => end(opened, kept) };
  } catch (error) {
    await data?.[Symbol.asyncDispose]();
    kept[Symbol.dispose]();
    throw error;
  }
}

async function end(data: SessionData, lock: Disposable | undefined): Promise<void> {
  await data[Symbol.asyncDispose]();
  lock?.[Symbol.dispose]();
}

function preludeHash(): string {
  return createHash("sha256").update(readFileSync(kernelFiles().prelude)).digest("hex");
}

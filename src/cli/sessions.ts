// `sessions`: what is kept, looked at, copied and thrown away.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import { forkSession } from "../session/fork.ts";
import { stateDir } from "../session/state-dir.ts";
import { repliesBefore } from "../session/reply-cache.ts";
import { cacheFolder, findSession, listSessions, MAX_AGE_MS, prunable, removeSession, type KeptSession } from "../session/store.ts";
import { bytesInWords } from "../workspace/describe.ts";
import type { CommandContext } from "./command.ts";
import { confirm } from "./dialog.ts";
import { EXIT } from "./exit.ts";
import { counted } from "./terminal.ts";

export interface SessionsRequest {
  readonly action: string;
  readonly args: readonly string[];
  /** Prune without asking. */
  readonly isAgreed: boolean;
}

export async function sessions({ action, args, isAgreed }: SessionsRequest, context: CommandContext): Promise<number> {
  const folder = stateDir(context.settings.stateDir, context.process.env, process.platform);
  if (folder === undefined) throw new HostError("E_USAGE", "there is no home folder, so no session is kept; --state-dir DIR names one");
  switch (action) {
    case "list":
      return await list(folder, context);
    case "show":
      return await show(findSession(folder, one(args, "show")), context);
    case "resume":
      throw new HostError("E_USAGE", "sessions resume needs the id of a session; rlm-repl sessions lists them");
    case "fork": {
      const [id = "", cell] = args;
      if (id === "" || (cell !== undefined && !/^\d+$/.test(cell)))
        throw new HostError("E_USAGE", "sessions fork ID [CELL]: a session, and the number of a cell");
      const fork = forkSession(folder, findSession(folder, id), cell === undefined ? undefined : Number(cell));
      await context.out.raw(`${fork.id}\n`);
      return EXIT.ok;
    }
    case "rm":
      for (const session of args.map((id) => findSession(folder, id))) removeSession(session);
      return EXIT.ok;
    case "prune":
      return await prune(folder, isAgreed, context);
    default:
      throw new HostError("E_USAGE", `there is no sessions ${action}; there are list, show ID, resume ID, fork ID [CELL], rm ID…, prune`);
  }
}

function one(args: readonly string[], action: string): string {
  const [id] = args;
  if (id === undefined) throw new HostError("E_USAGE", `sessions ${action} needs the id of a session; rlm-repl sessions lists them`);
  return id;
}

async function list(folder: string, { out, settings }: CommandContext): Promise<number> {
  const all = listSessions(folder);
  if (settings.json === true) await out.raw(all.map((session) => `${JSON.stringify(asJson(session))}\n`).join(""));
  else if (all.length === 0) await out.raw(`no sessions in ${folder}\n`);
  else await out.write(`${all.map(line).join("\n")}\n`);
  return EXIT.ok;
}

function line({ id, name, changed, bytes, cells, state }: KeptSession): string {
  const when = new Date(changed).toISOString().slice(0, 16).replace("T", " ");
  return `${id}  ${when}  ${age(Date.now() - changed).padStart(8)}  ${String(cells).padStart(5)} cells  ${bytesInWords(bytes).padStart(9)}  ${state}${name === undefined ? "" : `  ${name}`}`;
}

/** Since it was used last. */
function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / (24 * 60))} days`;
}

function asJson({ id, name, started, changed, bytes, cells, state }: KeptSession): object {
  return { id, ...(name === undefined ? {} : { name }), started, changed, bytes, cells, state };
}

/** The cells of a session and what became of them. */
async function show(session: KeptSession, { out, settings }: CommandContext): Promise<number> {
  const records = readFileSync(join(session.folder, "journal.jsonl"), "utf8")
    .split("\n")
    .filter((text) => text !== "");
  const cells = new Map<number, { readonly source: string; readonly outcome: string; readonly preview: string }>();
  for (const text of records) {
    const record: unknown = JSON.parse(text);
    const field = (key: string): unknown => (typeof record === "object" && record !== null ? Reflect.get(record, key) : undefined);
    if (field("type") === "cell") cells.set(Number(field("n")), { source: String(field("source")), outcome: "unfinished", preview: "" });
    const ended = cells.get(Number(field("cell")));
    if (field("type") === "end" && ended !== undefined)
      cells.set(Number(field("cell")), { ...ended, outcome: String(field("outcome")), preview: String(field("preview")) });
  }
  if (settings.json === true) {
    await out.raw(
      `${JSON.stringify({ ...asJson(session), folder: session.folder, history: [...cells].map(([cell, each]) => Object.assign({ cell }, each)) })}\n`,
    );
    return EXIT.ok;
  }
  await out.write(`${line(session)}\n${session.folder}\n`);
  for (const [n, { source, outcome, preview }] of cells)
    await out.write(`\n[${n}] ${source.trim()}\n  → ${outcome}${preview === "" ? "" : `: ${preview}`}\n`);
  return EXIT.ok;
}

async function prune(folder: string, isAgreed: boolean, { out, process: host }: CommandContext): Promise<number> {
  const old = prunable(listSessions(folder), Date.now());
  const replies = repliesBefore(cacheFolder(folder), Date.now() - MAX_AGE_MS);
  if (old.length + replies.length === 0) {
    await out.raw("nothing is older than 30 days, and all together are under 2 GiB\n");
    return EXIT.ok;
  }
  const bytes = bytesInWords(old.reduce((sum, session) => sum + session.bytes, 0));
  const terminal = { stdin: host.stdin, stdout: process.stdout, env: host.env };
  const what = `${counted(old.length, "session")}, ${bytes}${replies.length === 0 ? "" : `, and ${counted(replies.length, "cached answer")}`}`;
  const message = `Remove ${what}?`;
  if (!isAgreed && !(await confirm(terminal, { message, instead: "rlm-repl sessions prune --yes" }))) return EXIT.ok;
  for (const session of old) removeSession(session);
  for (const reply of replies) rmSync(reply, { force: true });
  await out.raw(`removed: ${what}\n`);
  return EXIT.ok;
}

// The sessions that are kept: found, listed and removed. A folder a session, named by its id.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import { isLocked } from "./lock.ts";

export interface KeptSession {
  readonly id: string;
  readonly folder: string;
  /** Given by `--session`. */
  readonly name?: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly changed: number;
  /** Of the journal and what stands beside it. */
  readonly bytes: number;
  readonly cells: number;
  /** `open`: a living process has it. `unfinished`: its last cell never ended. */
  readonly state: "open" | "unfinished" | "closed" | "unreadable";
}

export function cacheFolder(stateDir: string): string {
  return join(stateDir, "cache");
}

export function sessionsFolder(stateDir: string): string {
  return join(stateDir, "sessions");
}

/** Newest first. */
export function listSessions(stateDir: string): KeptSession[] {
  const folder = sessionsFolder(stateDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((id) => existsSync(join(folder, id, "journal.jsonl")))
    .map((id) => describe(id, join(folder, id)))
    .toSorted((a, b) => b.changed - a.changed);
}

/** By id, the beginning of one, or name. Throws E_NOT_FOUND, or E_USAGE when several fit. */
export function findSession(stateDir: string, wanted: string): KeptSession {
  const all = listSessions(stateDir);
  const exact = all.find(({ id, name }) => id === wanted || name === wanted);
  if (exact !== undefined) return exact;
  const fitting = all.filter(({ id }) => id.startsWith(wanted));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (fitting.length > 1)
    throw new HostError("E_USAGE", `${wanted} begins ${fitting.length} sessions: ${fitting.map(({ id }) => id).join(", ")}`);
  throw new HostError("E_NOT_FOUND", `there is no session ${wanted} in ${sessionsFolder(stateDir)}; rlm-repl sessions lists them`);
}

/** Throws E_JOURNAL_LOCKED for one that is open. */
export function removeSession({ id, folder, state }: KeptSession): void {
  if (state === "open") throw new HostError("E_JOURNAL_LOCKED", `the session ${id} is open: close it first`);
  rmSync(folder, { recursive: true, force: true });
}

const DAY_MS = 24 * 60 * 60 * 1000;
export const MAX_AGE_MS = 30 * DAY_MS;
const MAX_BYTES = 2 * 1024 ** 3;

/** What a prune would remove: closed ones older than 30 days, and the oldest past 2 GiB in all. */
export function prunable(sessions: readonly KeptSession[], now: number): KeptSession[] {
  let bytes = 0;
  return sessions
    .toSorted((a, b) => b.changed - a.changed)
    .filter((session) => {
      bytes += session.bytes;
      return session.state !== "open" && (now - session.changed > MAX_AGE_MS || bytes > MAX_BYTES);
    });
}

function describe(id: string, folder: string): KeptSession {
  const journal = join(folder, "journal.jsonl");
  const { mtimeMs } = statSync(journal);
  const common = { id, folder, changed: mtimeMs, bytes: bytesIn(folder) };
  try {
    const lines = readFileSync(journal, "utf8").split("\n");
    const header: unknown = JSON.parse(lines[0] ?? "");
    const cells = lines.filter((line) => line.startsWith('{"type":"cell"')).length;
    const ends = lines.filter((line) => line.startsWith('{"type":"end"')).length;
    const state = isLocked(folder) ? "open" : ends < cells ? "unfinished" : "closed";
    const name = textIn(header, "name");
    const started =
      typeof header === "object" && header !== null && "now" in header && typeof header.now === "number" ? header.now : mtimeMs;
    return { ...common, ...(name === undefined ? {} : { name }), started, cells, state };
  } catch {
    return { ...common, started: mtimeMs, cells: 0, state: "unreadable" };
  }
}

function textIn(value: unknown, key: string): string | undefined {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === "string" ? found : undefined;
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

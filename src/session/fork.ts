// A copy of a kept session under a new id: it goes on from where it stood, or from the end of one of its cells.
import { copyFileSync, existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import type { Header } from "./kept.ts";
import type { JournalRecord } from "./records.ts";
import { newSessionId, makeFolder } from "./state-dir.ts";
import { findSession, sessionsFolder, type KeptSession } from "./store.ts";
import { runningCell } from "./unfinished.ts";

/** `cell`: its state is that after this cell. Throws E_USAGE for a cell the session does not have. */
export function forkSession(stateDir: string, from: KeptSession, cell?: number): KeptSession {
  if (cell !== undefined && (cell < 0 || cell > from.cells))
    throw new HostError("E_USAGE", `${from.id} has ${from.cells} cells: it cannot be forked at cell ${cell}`);
  const id = newSessionId(Date.now(), Math.random);
  const folder = join(sessionsFolder(stateDir), id);
  makeFolder(join(folder, "blobs"));
  for (const blob of blobsIn(from.folder)) copy(join(from.folder, "blobs", blob), join(folder, "blobs", blob));
  const text = readFileSync(join(from.folder, "journal.jsonl"), "utf8");
  // The last line of a session that runs may not be whole.
  const lines = text.slice(0, text.lastIndexOf("\n")).split("\n");
  const [{ name: _, ...header }, ...rest]: [Header, ...JournalRecord[]] = JSON.parse(`[${lines.join(",")}]`);
  const own: Header = { ...header, session: id, parent: { session: from.id, seq: cell ?? from.cells } };
  const copied = [JSON.stringify(own), ...lines.slice(1), ...closing(rest, cell).map((record) => JSON.stringify(record))];
  writeFileSync(join(folder, "journal.jsonl"), `${copied.join("\n")}\n`, { mode: 0o600 });
  return findSession(stateDir, id);
}

/** What makes a copy end at a cell; one that runs in the original does not run in the copy. */
function closing(records: readonly JournalRecord[], cell: number | undefined): JournalRecord[] {
  const running = runningCell(records)?.n;
  const to = cell === undefined ? running : cell + 1;
  const reason = cell === undefined ? "it runs in the session that was copied" : `forked at cell ${cell}`;
  return [
    ...(to === undefined ? [] : [{ type: "rewound", to, reason } as const]),
    ...(running === undefined ? [] : [{ type: "end", cell: running, outcome: "killed", preview: "", usage: null, ms: 0 } as const]),
  ];
}

function blobsIn(folder: string): string[] {
  const blobs = join(folder, "blobs");
  return existsSync(blobs) ? readdirSync(blobs) : [];
}

/** Named by their content, blobs never change: one copy serves both, where the file system can. */
function copy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

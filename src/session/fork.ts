// A copy of a kept session under a new id: it goes on from where it stood, or from the end of one of its cells.
import { copyFileSync, existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import type { Header } from "./kept.ts";
import { newSessionId, makeFolder } from "./state-dir.ts";
import { findSession, sessionsFolder, type KeptSession } from "./store.ts";

/** `cell`: its state is that after this cell. Throws E_USAGE for a cell the session does not have. */
export function forkSession(stateDir: string, from: KeptSession, cell?: number): KeptSession {
  if (cell !== undefined && (cell < 0 || cell > from.cells))
    throw new HostError("E_USAGE", `${from.id} has ${from.cells} cells: it cannot be forked at cell ${cell}`);
  const id = newSessionId(Date.now(), Math.random);
  const folder = join(sessionsFolder(stateDir), id);
  makeFolder(join(folder, "blobs"));
  for (const blob of blobsIn(from.folder)) copy(join(from.folder, "blobs", blob), join(folder, "blobs", blob));
  const text = readFileSync(join(from.folder, "journal.jsonl"), "utf8");
  const end = text.indexOf("\n");
  const { name: _, ...header }: Header = JSON.parse(text.slice(0, end));
  const own: Header = { ...header, session: id, parent: { session: from.id, seq: cell ?? from.cells } };
  const rewound = cell === undefined ? "" : `${JSON.stringify({ type: "rewound", to: cell + 1, reason: `forked at cell ${cell}` })}\n`;
  writeFileSync(join(folder, "journal.jsonl"), `${JSON.stringify(own)}\n${text.slice(end + 1)}${rewound}`, { mode: 0o600 });
  return findSession(stateDir, id);
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

// A session that was kept, opened again: locked, read as far as it is whole, and what a new process needs to go on from it.
import { HostError } from "../errors.ts";
import { inputsOf, type ContextRecord } from "./context-records.ts";
import type { ContextChoice } from "./data.ts";
import { FileJournal } from "./journal.ts";
import { lockSession } from "./lock.ts";
import { JOURNAL_VERSION, type JournalRecord } from "./records.ts";
import type { KeptSession } from "./store.ts";

export type Header = JournalRecord & { readonly type: "header" };

/** Contexts that were loaded together. */
export interface ContextGeneration {
  readonly choice: ContextChoice;
  readonly records: readonly ContextRecord[];
}

/** Disposing gives the folder up; the journal is the session's to close. */
export interface Kept extends Disposable {
  readonly journal: FileJournal;
  readonly header: Header;
  /** Number of the last cell, and of the last call. */
  readonly cells: number;
  readonly calls: number;
  /** Cells whose effects are in its state. */
  readonly standing: readonly number[];
  readonly generations: readonly ContextGeneration[];
  /** At the end of the last cell that ended. */
  readonly usage: unknown;
  /** Sources of the cells that count, in order. */
  readonly sources: readonly string[];
}

/**
 * A cell that never ended does not count: the state is that before it. Throws E_JOURNAL_LOCKED, E_STATE for a journal of another version
 * or contexts that cannot be had again. `tell` hears what was not whole.
 */
export function openKept({ id, folder }: KeptSession, tell: (text: string) => void): Kept {
  const lock = lockSession(folder);
  try {
    const { journal, repaired } = FileJournal.again(folder, tell);
    if (repaired !== undefined) tell(`the journal of ${id} ${repaired}`);
    const records = journal.records() ?? [];
    const [header] = records;
    if (header?.type !== "header" || header.v !== JOURNAL_VERSION)
      throw new HostError("E_STATE", `the journal of ${id} does not begin as one of this version: ${folder}`);
    const cells = records.filter((record) => record.type === "cell");
    const ended = new Set(records.filter((record) => record.type === "end").map(({ cell }) => cell));
    const open = cells.find(({ n }) => !ended.has(n));
    if (open !== undefined) {
      journal.write({ type: "rewound", to: open.n, reason: "its process ended" });
      journal.write({ type: "end", cell: open.n, outcome: "killed", preview: "", usage: null, ms: 0 });
      tell(`cell ${open.n} was running when its process ended: it does not count, run it again`);
    }
    const ends = records.filter((record) => record.type === "end" && record.usage !== null);
    const last = ends.at(-1);
    return {
      journal,
      header,
      cells: cells.at(-1)?.n ?? 0,
      calls: records.findLast((record) => record.type === "call")?.seq ?? 0,
      standing: standingOf(records, open?.n),
      generations: generationsOf(id, records, journal),
      usage: last?.type === "end" ? last.usage : undefined,
      sources: cells.filter(({ n }) => ended.has(n)).map(({ source }) => source),
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function standingOf(records: readonly JournalRecord[], open: number | undefined): number[] {
  let standing: number[] = [];
  for (const record of records) {
    if (record.type === "cell" && record.n !== open) standing.push(record.n);
    if (record.type === "rewound") standing = standing.filter((n) => n < record.to);
  }
  return standing;
}

function generationsOf(id: string, records: readonly JournalRecord[], journal: FileJournal): ContextGeneration[] {
  const groups: ContextRecord[][] = [[]];
  for (const record of records) {
    if (record.type !== "context") continue;
    if (record.replaces === true) groups.push([]);
    groups.at(-1)?.push(record);
  }
  return groups.map((group) => {
    const [first] = group;
    const choice = first === undefined || first.kind === "none" ? { inputs: [] } : inputsOf(journal, first);
    if (choice === undefined)
      throw new HostError("E_STATE", `the contexts of ${id} came from standard input and were not kept: the session cannot go on`);
    return { choice, records: group };
  });
}

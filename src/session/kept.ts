// A session that was kept, opened again: locked, read as far as it is whole, and what a new process needs to go on from it.
import { HostError, messageOf } from "../errors.ts";
import type { ModelReply } from "../llm/model.ts";
import { NO_USAGE, ONE_REPEATED, plus, readUsage, type Usage } from "../pool/usage.ts";
import { lastAskIn, type KeptAsk } from "./asked.ts";
import { inputsOf, type ContextRecord } from "./context-records.ts";
import type { ContextChoice } from "./data.ts";
import type { EarlierCell } from "./earlier.ts";
import { FileJournal } from "./journal.ts";
import { lockSession } from "./lock.ts";
import { JOURNAL_VERSION, type JournalRecord } from "./records.ts";
import type { KeptSession } from "./store.ts";
import { unfinishedIn, type Unfinished } from "./unfinished.ts";

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
  readonly unfinished: Unfinished;
  /** The question that was asked last. */
  readonly asked: KeptAsk | undefined;
  readonly usage: Usage;
  /** What models answered, by what they were asked. */
  readonly replies: ReadonlyMap<string, ModelReply>;
  /** The cells that count and have ended, in order. */
  readonly earlier: readonly EarlierCell[];
}

/**
 * A cell that never ended goes on. Throws E_JOURNAL_LOCKED, E_STATE for a journal of another version
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
    const outcomes = new Map(records.filter((record) => record.type === "end").map(({ cell, outcome }) => [cell, outcome]));
    const standing = standingOf(records);
    const unfinished = unfinishedIn(records, journal);
    if (unfinished.cell !== undefined) tell(`cell ${unfinished.cell.n} was running when its process ended: it goes on`);
    return {
      journal,
      header,
      cells: cells.at(-1)?.n ?? 0,
      calls: records.findLast((record) => record.type === "call")?.seq ?? 0,
      standing,
      unfinished,
      asked: lastAskIn(records, journal),
      generations: generationsOf(id, records, journal),
      usage: usageIn(records),
      replies: repliesIn(records, journal),
      earlier: cells.flatMap(({ n, source }) => {
        const outcome = outcomes.get(n);
        return outcome === undefined || !standing.includes(n) ? [] : [{ source, outcome }];
      }),
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  } catch (error) {
    lock[Symbol.dispose]();
    if (error instanceof HostError) throw error;
    throw new HostError("E_STATE", `the session ${id} cannot go on, something of it is gone: ${messageOf(error)}`, { cause: error });
  }
}

/** At the end of the last cell that ended, and what was paid since. */
function usageIn(records: readonly JournalRecord[]): Usage {
  const at = records.findLastIndex((record) => record.type === "end" && record.usage !== null);
  const end = records[at];
  const before = end?.type === "end" ? readUsage(end.usage) : undefined;
  return records
    .slice(at + 1)
    .map((record) => (record.type === "again" ? ONE_REPEATED : "paid" in record ? readUsage(record.paid) : undefined))
    .reduce<Usage>((sum, paid) => (paid === undefined ? sum : plus(sum, paid)), before ?? NO_USAGE);
}

function repliesIn(records: readonly JournalRecord[], journal: FileJournal): Map<string, ModelReply> {
  const replies = new Map<string, ModelReply>();
  for (const record of records) {
    if ((record.type !== "answer" && record.type !== "slot") || record.memo === undefined) continue;
    const text = textKept(record.type === "answer" ? record.value : record.result, journal);
    const { inputTokens, outputTokens, cachedInputTokens } = readUsage(record.paid) ?? NO_USAGE;
    if (text !== undefined) replies.set(record.memo, { text, stop: "end", usage: { inputTokens, outputTokens, cachedInputTokens } });
  }
  return replies;
}

/** Undefined where it is gone: it is asked for again when it is needed. */
function textKept(kept: unknown, journal: FileJournal): string | undefined {
  try {
    return textIn(kept, journal);
  } catch {
    return undefined;
  }
}

/** Of an answer a text, of a slot its `text`. */
function textIn(kept: unknown, journal: FileJournal): string | undefined {
  const value: unknown = JSON.parse(journal.jsonOf(kept));
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null && "text" in value && typeof value.text === "string" ? value.text : undefined;
}

function standingOf(records: readonly JournalRecord[]): number[] {
  let standing: number[] = [];
  for (const record of records) {
    if (record.type === "cell") standing.push(record.n);
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

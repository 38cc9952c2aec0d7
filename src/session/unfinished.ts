// What a journal leaves open: where a session goes on whose process ended. The cell that ran, the entry that may not have ended, calls
// that had no answer yet, and answers that had not been delivered.
import type { Delivery } from "./host-calls.ts";
import type { Journal } from "./journal.ts";
import type { JournalRecord } from "./records.ts";
import { isKeptWhole, planOf, settlementOf, type EntryStep, type Plan, type RecordedCall } from "./steps.ts";

type CellRecord = JournalRecord & { readonly type: "cell" };

export interface OpenCall extends RecordedCall {
  readonly cell: number;
  readonly args: unknown;
  /** Its answer stands in the journal. */
  readonly isAnswered: boolean;
  /** Slots of a batch that had arrived. */
  readonly slots: ReadonlyMap<number, unknown>;
}

export interface Unfinished {
  /** It had begun and not ended. `isEntered`: some of it had run. */
  readonly cell?: { readonly n: number; readonly source: string; readonly script: string; readonly isEntered: boolean };
  /** Calls of the last entry, where nothing says that it has ended: it is entered again, and makes them again. */
  readonly entry?: readonly OpenCall[];
  /** Of the entries before it: calls without an answer, and timers that had not fired. */
  readonly calls: readonly OpenCall[];
  /** Answers that had arrived. */
  readonly deliveries: readonly Delivery[];
  /** Calls of cells that were cut: the guest forgets them. */
  readonly forgotten: readonly number[];
}

/** Throws where a value is gone that is needed. */
export function unfinishedIn(records: readonly JournalRecord[], journal: Journal): Unfinished {
  const plan = planOf(records);
  const entries = plan.steps.filter((step) => step.type === "entry");
  const outcomes = new Map(records.filter((record) => record.type === "end").map(({ cell, outcome }) => [cell, outcome]));
  const running = runningCell(records);
  /** After a cut, and after FINAL, nothing of a cell goes on. */
  const isOver = (n: number): boolean => n !== running?.n && outcomes.get(n) !== "ok" && outcomes.get(n) !== "threw";

  const last = lastOpen(entries, records);
  const delivered = new Set(entries.filter(({ kind }) => kind !== "run").map(({ id }) => id));
  const calls = openCalls(plan, entries, delivered, records, journal);
  const isEarlier = ({ seq }: OpenCall): boolean => last === undefined || seq <= last.sequence;
  const cleared = new Set(calls.filter(({ op }) => op === "clear_timer").map(({ args }) => args));
  const timers = calls.filter((call) => isEarlier(call) && call.op === "timer" && call.cell === running?.n && !cleared.has(call.seq));
  const waiting = calls.filter((call) => isEarlier(call) && !isTimer(call) && !call.isAnswered);
  const bySeq = new Map(calls.map((call) => [call.seq, call]));
  const told = records.flatMap((answer) => {
    const call = answer.type === "answer" ? bySeq.get(answer.seq) : undefined;
    return answer.type === "answer" && call?.isAnswered === true ? [{ call, answer }] : [];
  });
  return {
    ...(running === undefined
      ? {}
      : {
          cell: {
            n: running.n,
            source: running.source,
            script: journal.textOf(running.script),
            isEntered: entries.some(({ cell: n }) => n === running.n),
          },
        }),
    ...(last === undefined ? {} : { entry: calls.filter(({ seq }) => seq > last.sequence) }),
    calls: [...timers, ...waiting].filter(({ cell: n }) => !isOver(n)),
    deliveries: told
      .filter(({ call }) => !isOver(call.cell))
      .map(({ call, answer }) => ({ kind: "settle", id: call.seq, cell: call.cell, text: settlementOf(answer, journal) })),
    forgotten: [...waiting, ...told.map(({ call }) => call)].filter(({ cell: n }) => isOver(n)).map(({ seq }) => seq),
  };
}

/** The last cell, where it has not ended. */
export function runningCell(records: readonly JournalRecord[]): CellRecord | undefined {
  const at = records.findLastIndex((record) => record.type === "cell");
  const cell = records[at];
  if (cell?.type !== "cell") return undefined;
  const isOver = (record: JournalRecord): boolean =>
    (record.type === "end" && record.cell === cell.n) || (record.type === "rewound" && record.to <= cell.n);
  return records.slice(at).some(isOver) ? undefined : cell;
}

/** The entry that was written last, unless the end of its cell says that it has ended. */
function lastOpen(entries: readonly EntryStep[], records: readonly JournalRecord[]): EntryStep | undefined {
  const last = entries.at(-1);
  const at = records.findLastIndex((record) => record.type === "entry");
  const record = records[at];
  if (last === undefined || record?.type !== "entry" || record.seq !== last.id || record.kind !== last.kind) return undefined;
  return records.slice(at).some((later) => later.type === "end" && later.cell === last.cell) ? undefined : last;
}

/** Calls of entries that count which the guest has not been told of: neither their answers nor to forget them. */
function openCalls(
  plan: Plan,
  entries: readonly EntryStep[],
  delivered: ReadonlySet<number>,
  records: readonly JournalRecord[],
  journal: Journal,
): OpenCall[] {
  const slots = new Map<number, Map<number, unknown>>();
  for (const record of records)
    if (record.type === "slot" && !delivered.has(record.seq)) {
      const known = slots.get(record.seq) ?? new Map<number, unknown>();
      slots.set(record.seq, known.set(record.i, JSON.parse(journal.jsonOf(record.result))));
    }
  const cancelled = new Set(entries.flatMap((entry) => entry.cancelled));
  return entries
    .flatMap((entry) => entry.calls)
    .flatMap((call) => {
      const record = plan.calls.get(call.seq);
      if (record === undefined || delivered.has(call.seq) || cancelled.has(call.seq)) return [];
      const answer = plan.answers.get(call.seq);
      // One whose result was not kept, because it can be had again, is made again.
      const isAnswered = answer !== undefined && isKeptWhole(answer);
      return [{ ...call, cell: record.cell, args: record.args, isAnswered, slots: slots.get(call.seq) ?? new Map<number, unknown>() }];
    });
}

function isTimer({ op }: OpenCall): boolean {
  return op === "timer" || op === "clear_timer";
}

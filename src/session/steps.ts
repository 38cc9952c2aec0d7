// A journal read as what a fresh guest has to go through to come to the same state: the entries that count, in order, each with the calls
// it made. What was cut half-way, and what was taken back, does not count.
import type { Operation } from "../../prelude/contract.ts";
import type { Journal } from "./journal.ts";
import type { JournalRecord } from "./records.ts";

export interface RecordedCall {
  readonly seq: number;
  readonly op: Operation;
  readonly key: string;
}

export interface EntryStep {
  readonly type: "entry";
  readonly cell: number;
  readonly kind: "run" | "settle" | "timer";
  /** Of a `run` the cell, else the call it answers. */
  readonly id: number;
  readonly now: number;
  readonly budget: unknown;
  readonly cancelled: readonly number[];
  /** Number of the last call before it. */
  readonly sequence: number;
  readonly calls: readonly RecordedCall[];
}

/** The contexts were replaced: the `generation`th ones, from 1. */
export interface ContextStep {
  readonly type: "contexts";
  readonly generation: number;
  readonly now: number;
}

export type Step = EntryStep | ContextStep;

/** A journal's records by what replay looks up in them. */
export interface Plan {
  readonly steps: readonly Step[];
  /** The entry that was asked to be left out. */
  readonly last?: EntryStep;
  readonly scripts: ReadonlyMap<number, JournalRecord & { readonly type: "cell" }>;
  readonly answers: ReadonlyMap<number, AnswerRecord>;
  readonly calls: ReadonlyMap<number, JournalRecord & { readonly type: "call" }>;
  /** Wall time of each cell that ended, in ms. */
  readonly ms: ReadonlyMap<number, number>;
  /** Number of the last call of all. */
  readonly sequence: number;
}

interface OpenEntry extends Omit<EntryStep, "calls"> {
  readonly calls: RecordedCall[];
}

/** `withoutLast`: the last entry has not ended; whoever asks enters with it himself. */
export function planOf(records: Iterable<JournalRecord>, withoutLast = false): Plan {
  const steps: (OpenEntry | ContextStep)[] = [];
  const starts = new Map<number, number>();
  const scripts = new Map<number, JournalRecord & { type: "cell" }>();
  const answers = new Map<number, AnswerRecord>();
  const calls = new Map<number, JournalRecord & { type: "call" }>();
  const ms = new Map<number, number>();
  let sequence = 0;
  let generation = 0;
  for (const record of records) {
    switch (record.type) {
      case "cell":
        starts.set(record.n, steps.length);
        scripts.set(record.n, record);
        break;
      case "entry": {
        const { cell, kind, seq, now, budget, cancelled = [] } = record;
        steps.push({ type: "entry", cell, kind, id: seq, now, budget, cancelled, sequence, calls: [] });
        break;
      }
      case "call": {
        const { seq, op, key } = record;
        const entry = lastEntry(steps);
        if (entry !== undefined) entry.calls.push({ seq, op, key });
        calls.set(seq, record);
        sequence = seq;
        break;
      }
      case "answer":
        answers.set(record.seq, record);
        break;
      case "context":
        if (record.replaces === true) steps.push({ type: "contexts", generation: ++generation, now: record.now ?? 0 });
        break;
      case "terminated":
        if (record.slice === true) dropLastEntry(steps);
        break;
      case "rewound":
        steps.length = Math.min(steps.length, starts.get(record.to) ?? steps.length);
        break;
      case "end":
        ms.set(record.cell, record.ms);
        break;
      case "again":
      case "header":
      case "slot":
      case "turn":
        break;
    }
  }
  const last = withoutLast ? dropLastEntry(steps) : undefined;
  return { steps, ...(last === undefined ? {} : { last }), scripts, answers, calls, ms, sequence };
}

function lastEntry(steps: readonly (OpenEntry | ContextStep)[]): OpenEntry | undefined {
  return steps.findLast((step) => step.type === "entry");
}

function dropLastEntry(steps: (OpenEntry | ContextStep)[]): OpenEntry | undefined {
  const at = steps.findLastIndex((step) => step.type === "entry");
  const [dropped] = at === -1 ? [] : steps.splice(at, 1);
  return dropped?.type === "entry" ? dropped : undefined;
}

export type AnswerRecord = JournalRecord & { readonly type: "answer" };

/** Whether the journal has all of an answer, and not its hash alone. */
export function isKeptWhole(answer: AnswerRecord): boolean {
  return !answer.ok || "value" in answer;
}

/** What an answer that is kept whole brings to the guest. Throws when its value is gone. */
export function settlementOf(answer: AnswerRecord, journal: Pick<Journal, "jsonOf">): string {
  return answer.ok ? `{"ok":true,"value":${journal.jsonOf(answer.value)}}` : JSON.stringify({ ok: false, error: answer.value });
}

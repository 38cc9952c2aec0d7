// The last question of a session as its journal tells of it: what the root model was told and what it replied, so that a run goes on
// with the very same requests.
import { isRecord } from "../llm/json-guards.ts";
import type { JsonSchema, ModelReply, ReplCall } from "../llm/model.ts";
import { NO_USAGE, readUsage, type Usage } from "../pool/usage.ts";
import type { Journal } from "./journal.ts";
import type { AnsweredTurn, AskedTurn, JournalRecord, RepliedTurn } from "./records.ts";

export interface KeptTurn {
  readonly reply: ModelReply;
  /** What the root model was told of its cell; undefined where that had not come to an end. */
  readonly output?: string;
  /** What it was told of a reply without a cell. */
  readonly nudge?: string;
  /** Behind it older turns were given up for this. */
  readonly compaction?: string;
  /** Number of that cell, where it had begun. */
  readonly cell?: number;
}

export interface KeptAsk extends Pick<AskedTurn, "question" | "model"> {
  readonly system: string;
  readonly first: string;
  readonly maxIterations: number;
  readonly isDirect: boolean;
  readonly answerSchema?: JsonSchema;
  /** Of the session before it. */
  readonly before: Usage;
  readonly turns: readonly KeptTurn[];
  readonly answered?: {
    readonly answer: unknown;
    readonly stopReason: AnsweredTurn["stop_reason"];
    readonly iterations: number;
    readonly usage: Usage;
  };
  /** The root model was asked, or may have been, and has not replied. */
  readonly isWaiting: boolean;
  /** Its contexts are no longer those it was asked of. */
  readonly isStale: boolean;
}

/** Undefined where no question was asked. Throws where a value is gone. */
export function lastAskIn(records: readonly JournalRecord[], journal: Journal): KeptAsk | undefined {
  const at = records.findLastIndex((record) => record.type === "turn" && "question" in record);
  const asked = records[at];
  if (asked?.type !== "turn" || !("question" in asked)) return undefined;
  const turns: KeptTurn[] = [];
  let answered: KeptAsk["answered"];
  let isNudged = false;
  const addToLast = (more: Partial<KeptTurn>): void => {
    const last = turns.pop();
    if (last !== undefined) turns.push({ ...more, ...last, ...("output" in more ? more : {}) });
  };
  for (const record of records.slice(at + 1)) {
    // The first cell after a reply is its own.
    if (record.type === "cell") addToLast({ cell: record.n });
    if (record.type !== "turn") continue;
    if (!("compaction" in record)) isNudged = "nudge" in record;
    if ("reply" in record) turns.push({ reply: replyOf(record, journal) });
    else if ("nudge" in record) addToLast({ nudge: record.nudge });
    else if ("compaction" in record) addToLast({ compaction: journal.textOf(record.compaction) });
    else if ("output" in record) addToLast({ output: journal.textOf(record.output) });
    else if ("answer" in record) {
      const answer: unknown = JSON.parse(journal.jsonOf(record.answer));
      answered = { answer, stopReason: record.stop_reason, iterations: record.iteration, usage: readUsage(record.usage) ?? NO_USAGE };
    }
  }
  const last = turns.at(-1);
  return {
    question: asked.question,
    model: asked.model,
    system: journal.textOf(asked.system),
    first: journal.textOf(asked.first),
    maxIterations: asked.max_iterations,
    isDirect: asked.direct ?? false,
    ...(asked.answer_schema === undefined ? {} : schemaOf(asked.answer_schema, journal)),
    before: readUsage(asked.usage) ?? NO_USAGE,
    turns,
    ...(answered === undefined ? {} : { answered }),
    isWaiting: last === undefined || last.output !== undefined || isNudged,
    isStale: records.slice(at).some((record) => record.type === "context"),
  };
}

function schemaOf(kept: unknown, journal: Journal): Pick<KeptAsk, "answerSchema"> {
  const schema: unknown = JSON.parse(journal.jsonOf(kept));
  return isRecord(schema) ? { answerSchema: schema } : {};
}

function replyOf({ reply, call, stop }: RepliedTurn, journal: Journal): ModelReply {
  const native: unknown = call === undefined ? undefined : JSON.parse(journal.jsonOf(call));
  const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 };
  return { text: reply, ...(isCall(native) ? { call: native } : {}), stop, usage };
}

function isCall(value: unknown): value is ReplCall {
  return (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    typeof value.id === "string" &&
    "code" in value &&
    typeof value.code === "string"
  );
}

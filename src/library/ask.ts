// `ask`: one question, in a session of its own.
import type { ValueSchema } from "../llm/value-schema.ts";
import type { AskResult } from "./ask-result.ts";
import { openAs, type SessionOptions } from "./open-session.ts";
import { ASK } from "./open.ts";

export interface AskOptions extends SessionOptions {
  /** Files, folders and quoted globs that make one context together. Each `context` is one of its own. */
  readonly paths?: readonly string[];
  /** What the answer must be: a JSON Schema, or a schema of Zod 4.2 and the like. What does not fit goes back to the model. */
  readonly answerSchema?: ValueSchema;
}

/** Bounded by 1 USD and 500 model calls unless told otherwise. Rejects as `openSession` does, and with E_NO_MODEL. */
export async function ask(question: string, { paths = [], answerSchema, ...options }: AskOptions = {}): Promise<AskResult> {
  const { signal, context, ...rest } = options;
  const combined = context === undefined && paths.length > 0;
  const all = context === undefined ? paths : [...(Array.isArray(context) ? context : [context]), ...paths];
  await using session = await openAs({ ...rest, ...(all.length === 0 ? {} : { context: all }) }, ASK, { combined });
  return await session.ask(question, {
    ...(signal === undefined ? {} : { signal }),
    ...(answerSchema === undefined ? {} : { answerSchema }),
  });
}

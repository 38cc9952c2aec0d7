// Small requests for the tests of models.
import type { Model, ModelRequest } from "../../../src/llm/model.ts";
import { HostError } from "../../../src/errors.ts";

export const NEVER: AbortSignal = new AbortController().signal;

export function sub(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return { purpose: "sub", turns: [{ role: "user", text }], maxTokens: 100, ...more };
}

export function root(turns: ModelRequest["turns"], more: Partial<ModelRequest> = {}): ModelRequest {
  return { purpose: "root", system: "You write cells.", turns, maxTokens: 1000, repl: true, ...more };
}

/** The error a call ends with; a call that succeeds is a failure of the test. */
export async function failure(call: Promise<unknown>): Promise<HostError> {
  const error: unknown = await call.then(
    (value) => new Error(`succeeded with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof HostError) return error;
  throw error;
}

/** Everything an error can show. */
export function allText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack, JSON.stringify(error), error.cause === undefined ? "" : allText(error.cause)].join("\n");
}

/** A model whose replies a function gives; for tests of what is above models. */
export function modelOf(complete: Model["complete"], facts: Partial<Model> = {}): Model {
  return { id: "test:model", name: "model", window: undefined, price: { input: 1, output: 1 }, endpoint: undefined, complete, ...facts };
}

// A conversation that grows too long for its model gives up its older turns: what ran is kept as one line each, what it left as the
// variables there are. No model is asked for it, and the same turns come to the same text.
import type { Model, ModelRequest } from "../llm/model.ts";
import { estimateTokens, requestText } from "../llm/tokens.ts";
import type { Variable } from "../session/variable.ts";
import { cutLine } from "./cut.ts";

/** Of the model's window. */
const SHARE = 0.6;
/** Where nobody knows it, in tokens. */
const USUAL_WINDOW = 64_000;
/** Turns that stay as they are: a reply and its output each. */
export const KEPT_TURNS = 3;
const MAX_VARIABLES = 60;
const MAX_LINE = 120;

export function isTooLong(model: Model, request: ModelRequest): boolean {
  return tokensIn(request) > (model.window ?? USUAL_WINDOW) * SHARE;
}

export function tokensIn(request: ModelRequest): number {
  return requestText(request).reduce((sum, text) => sum + estimateTokens(text), 0);
}

/** What was done in the turns that are given up, and what there is of it now. */
export function digest(steps: readonly string[], variables: readonly Variable[]): string {
  const told = variables
    .slice(0, MAX_VARIABLES)
    .map(({ name, type, size, preview }) => cutLine(`${name}: ${type} (${size}) ${preview}`, MAX_LINE));
  const more = variables.length - told.length;
  return [
    "Earlier turns were left out to save room. What they ran, and how it ended:",
    ...steps,
    variables.length === 0 ? "There are no variables." : "The variables there are:",
    ...told,
    ...(more > 0 ? [`and ${more} more: SHOW_VARS()`] : []),
  ].join("\n");
}

/** A turn in one line. */
export function stepOf(code: string, output: string): string {
  const [first = ""] = code.trim().split("\n");
  const [head = ""] = output.split("\n");
  return cutLine(`- ${first} → ${head}`, 2 * MAX_LINE);
}

// The native tool a root model writes its cells with, and how a cell reads as fenced code where a provider has no tools.
import type { JsonSchema, ReplCall } from "./model.ts";

export const REPL_TOOL = "repl";
export const REPL_DESCRIPTION =
  "Run one TypeScript cell in the session. Returns what it printed, the value of its last statement, or its error.";
export const REPL_SCHEMA = {
  type: "object",
  properties: { code: { type: "string", description: "The cell: TypeScript, top-level await works, variables persist." } },
  required: ["code"],
  additionalProperties: false,
} as const satisfies JsonSchema;

/** The code of a call's input, whichever JSON value the provider sent. */
export function codeOf(input: unknown): string | undefined {
  return typeof input === "object" && input !== null && "code" in input && typeof input.code === "string" ? input.code : undefined;
}

/** A turn's text with its call as fenced code. */
export function asFence(text: string, call: ReplCall): string {
  return `${text}${text === "" ? "" : "\n"}\`\`\`ts\n${call.code}\n\`\`\``;
}

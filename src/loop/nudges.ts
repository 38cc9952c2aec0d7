// What the root model is told where its reply came to nothing, or to less than it wrote: what was wrong, and what to do. Short, because it
// stays in the conversation.
import type { Problem } from "./parse.ts";

const WRITE_ONE = "Write one, with the `repl` tool or as a ```ts block.";

/** The answer to a reply that had no cell to run. `maxTokens`: the bound of the reply. */
export function nudge(
  problem: Problem,
  { language = "", maxTokens }: { readonly language?: string | undefined; readonly maxTokens: number },
): string {
  switch (problem) {
    case "unfit":
      return "The answer does not fit its schema: mend it, and call FINAL again.";
    case "empty":
      return `Your last reply was empty, so nothing ran. ${WRITE_ONE}`;
    case "no_code":
      return `Your last reply had no cell, so nothing ran. ${WRITE_ONE} To answer, call FINAL(value) in it: prose is not read.`;
    case "final_in_prose":
      return "Your last reply names FINAL in its words, where it is not read. Put the call into a cell: with the `repl` tool, or as a ```ts block.";
    case "language":
      return `Your last reply has a block of ${language}, which does not run here: cells are TypeScript. Write it again as a \`\`\`ts block.`;
    case "cut":
      return `Your last reply was cut at ${maxTokens.toLocaleString("en-US")} tokens before its cell was whole, so nothing ran. Write a shorter one, and do the rest in the next.`;
    case "refused":
      return "You declined, so nothing ran. The question is about the user's own data, which only your cells read: write the next cell, or call FINAL with what can be said.";
  }
}

/** Behind the output of a cell whose reply went on with more code. */
export const ONLY_FIRST_RAN = "note: your reply had more than one block of code; only the first one ran, and the rest was dropped";

/** Behind the output of a cell that was whole in a reply that was not. */
export const REPLY_CUT = "note: your reply was cut because it was too long; write shorter cells";

/** Behind the output of a cell that did nothing but show its context. */
export const CONTEXT_SHOWN =
  "note: this cell only printed the context. You cannot read it this way, and pay for what you read again each turn: search it, count in it, slice it, or ask sub-models about pieces";

const SHOWS_CONTEXT =
  /^\s*(?:(?:print|console\.(?:log|info|dir))\s*\(\s*)?(?:await\s+)?contexts?(?:\b(?!\s*\.\s*length)[^;\n]*)?\)?\s*;?\s*$/;

/** Whether a cell is one statement that shows the context, or a part of it. */
export function showsContext(code: string): boolean {
  return SHOWS_CONTEXT.test(code.replaceAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ""));
}

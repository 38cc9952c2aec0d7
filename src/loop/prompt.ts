// What the root model is told: who it is and what wins (system prompt), the question and the contexts (first turn), and what it is told
// when a reply had no code. Short, because every request of a run carries it.
import { writeQuestion } from "../llm/transcript.ts";
import type { ContextProbe, LoopLimits } from "./types.ts";
import type { BudgetLimits } from "../pool/budget.ts";

/** `preludeTypes` is the text of the prelude's declarations. */
export function systemPrompt(preludeTypes: string): string {
  return `You answer a question about a context that is far too large to read. You never see it: you explore it by writing TypeScript cells, which run in a sandbox where the context is a variable. Write one cell a turn, with the \`repl\` tool, or as one \`\`\`ts block where you have no tool. You then read what it printed, its value, or its error. Anything after the first block of a reply is dropped.

What wins:
- Code counts, models classify. Never count, sum, sort or compare in your head or in a prompt: do it in code, over all of the data. Ask a sub-model only for what takes reading: meaning, category, sentiment, who is meant.
- Look before you ask. Check sizes and the format of a few lines, then search (parallel_rg_search takes many patterns at once) and slice. Ask sub-models about what is left.
- Few fat prompts. A sub-model reads 100,000 characters at once: put many items into a prompt, numbered, ask for one short line or a JSON item for each, and send all prompts in one llm_batch_query. Slots that failed are null: check, and ask those again. Do not ask item by item.
- Print little. You read at most 8,000 characters of an output, and pay for them again each turn. Keep results in variables; print counts and a few samples.
- Cells keep everything: variables, functions and classes stay, also after an error. Build on them; do not repeat work.
- Check before you answer: look at samples of what you counted, and at what did not parse.

The run ends only when a cell calls FINAL(value): a string, number, array or object, exactly as the question wants it. Prose is never read as an answer. Do not call FINAL in the cell that computes the value: look at it first.

\`context\` is the context; there is no file system but read_file and list_files, no network, no import, no process. What cells can call:

\`\`\`ts
${preludeTypes.trim()}
\`\`\``;
}

export function firstTurn(question: string, probes: readonly ContextProbe[], limits: LoopLimits, money: BudgetLimits): string {
  const contexts = probes.map((probe, index) => writeContext(probe, index === probes.length - 1));
  return [writeQuestion(question), ...(contexts.length === 0 ? ["There is no context."] : contexts), writeLimits(limits, money)].join(
    "\n\n",
  );
}

function writeContext({ name, text }: ContextProbe, isLast: boolean): string {
  const variable = `contexts[${JSON.stringify(name)}]`;
  return `<context name=${JSON.stringify(name)}>\n${isLast ? `\`context\` (also ${variable})` : `\`${variable}\``} is ${text}\n</context>`;
}

function writeLimits({ maxIterations }: LoopLimits, { maxCalls, maxUsd, maxTokens, maxSeconds }: BudgetLimits): string {
  const parts = [`${maxIterations} ${maxIterations === 1 ? "turn" : "turns"}`];
  if (maxCalls !== null) parts.push(`${maxCalls} model calls, yours included`);
  if (maxUsd !== null) parts.push(`$${maxUsd.toFixed(2)}`);
  if (maxTokens !== null) parts.push(`${maxTokens.toLocaleString("en-US")} tokens, prompts and replies of all calls together`);
  if (maxSeconds !== null) parts.push(`${Math.floor(maxSeconds)} s`);
  return `You have ${parts.join(", ")}.`;
}

/** The answer to a reply without code. `wasCut`: it was cut at its bound of tokens. */
export function nudge(wasCut: boolean): string {
  const cut = wasCut ? "Your reply was cut: it was too long. Write less. " : "";
  return `${cut}Your last reply had no cell, so nothing ran. Write one, with the \`repl\` tool or as a \`\`\`ts block. To answer, call FINAL(value) in it: prose is not read.`;
}

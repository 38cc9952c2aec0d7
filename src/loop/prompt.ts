// What the root model is told: who it is and what wins (system prompt), the question and the contexts (first turn). Short, because every
// request of a run carries it: signatures in full, and the rest of the contract, are a `help(name)` away.
import type { ToolEntry } from "../calls/tools.ts";
import type { JsonSchema } from "../llm/model.ts";
import { writeQuestion } from "../llm/transcript.ts";
import type { BudgetLimits } from "../pool/caps.ts";
import type { ContextProbe, LoopLimits } from "./types.ts";

export interface SystemOptions {
  /** Levels of children below: without any, rlm_query is no more than llm_query. */
  readonly levels: number;
  /** Functions of the user's own. */
  readonly tools?: readonly ToolEntry[];
  /** What the user and the cell that started a child add. */
  readonly append: readonly string[];
}

export function systemPrompt({ levels, tools = [], append }: SystemOptions): string {
  return [
    `You answer a question about a context that is far too large to read. You never see it: you explore it by writing TypeScript cells, which run in a sandbox where the context is the variable \`context\`. Write one cell a turn, with the \`repl\` tool, or as one \`\`\`ts block where you have no tool. You then read what it printed, its value, or its error. What you write after the first block is dropped.

What wins:
- Code counts, models classify. Never count, sum, sort or compare in your head or in a prompt: do it in code, over all of the data. Ask a sub-model only for what takes reading: meaning, category, sentiment, who is meant.
- Look before you ask. Check sizes and the format of a few lines, then search and slice. Ask sub-models about what is left.
- Few fat prompts. A sub-model reads 100,000 characters at once: put many numbered items into a prompt, ask for one short line or a JSON item for each, and send all prompts in one llm_batch_query, not item by item. Slots that failed are null: ask those again.
- Print little. You read at most 3,000 characters of an output, fewer when earlier ones were long, and pay for them again each turn. Keep results in variables; print counts and a few samples.
- Variables, functions and classes stay, also after an error: build on them.
- Check before you answer: look at samples of what you counted, and at what did not parse.

The run ends only when a cell calls FINAL(value): a string, number, array or object, exactly as the question wants it. Prose is never read as an answer. Do not call FINAL in the cell that computes the value: look at it first.`,
    `What cells can call (top-level await works; no network, imports or processes):\n${calls(levels, tools)}`,
    ...append,
  ].join("\n\n");
}

function calls(levels: number, tools: readonly ToolEntry[]): string {
  return [
    "- llm_query(prompt, {schema?, system?, model?, max_tokens?, fresh?}?): Promise<string>; with a JSON Schema as `schema` the parsed and checked value",
    "- llm_batch_query(prompts, {…the same, limit?, on_error?}?): Promise<(string | null)[]>, in the order of the prompts",
    ...(levels > 0
      ? [
          "- rlm_query(prompt, {context?, schema?, budget?, max_iterations?, …}?): Promise<any>, a child like you with cells over `context` of its own: for a part that itself takes code and many calls; rlm_batch_query(prompts, {…}?)",
        ]
      : []),
    "- parallel_scan(functions, {over?: items}?): Promise<{name, ok, value, error?}[]>, (context, item) => any on all cores; no model calls inside",
    "- parallel_rg_search(patterns, paths?, {glob?, ignore_case?, fixed_strings?, multiline?, context_lines?, max_matches?}?): Promise<{file, line, column, text, match, pattern}[]>, `pattern` an index, over the context by default; rg_search, rg_files and rg_count take one pattern",
    "- read_file(path, {start_line?, end_line?}?): Promise<string>; list_files(glob?): Promise<{path, size}[]>",
    "- a Corpus has files: {path, size}[], size, read(path, range?), and, for `for await`, chunks({max_chars?, files?}): {path, start_line, text}, lines({files?}): {path, line, text}",
    '- tools.run_security_scan({files?, min_confidence?}?), tools.run_quality_scan(…), tools.find_secrets, find_sql_injection, … (help("tools")): Promise<{rule, severity, confidence, file, line, code, message}[]>, scanners of source code; parallel_scan takes them too',
    "- parse_csv(text, {delimiter?, header?}?): Record<string, string>[]",
    "- print(…values), SHOW_VARS(), budget(), help(name) for a signature with an example",
    ...tools.map(({ signature, told }) => `- ${signature.replace(/^function |;$/g, "")}, ${told}`),
    "- FINAL(value), FINAL_VAR(name), or answer.content = value; answer.ready = true",
  ].join("\n");
}

export interface FirstTurn {
  readonly question: string;
  readonly probes: readonly ContextProbe[];
  readonly limits: LoopLimits;
  readonly money: BudgetLimits;
  readonly answerSchema?: JsonSchema | undefined;
  /** All of the context, where it is small enough to be read at once: words are an answer then. */
  readonly whole?: string | undefined;
  /** Of a child: what it has to know of its context. */
  readonly note?: string | undefined;
}

export function firstTurn({ question, probes, limits, money, answerSchema, whole, note }: FirstTurn): string {
  const contexts = probes.map((probe, index) => writeContext(probe, index === probes.length - 1));
  return [
    writeQuestion(question),
    ...(contexts.length === 0 ? ["There is no context."] : contexts),
    ...(note === undefined ? [] : [note]),
    ...(answerSchema === undefined ? [] : [`FINAL takes a value of this JSON Schema, and nothing else:\n${JSON.stringify(answerSchema)}`]),
    ...(whole === undefined ? [] : [writeWhole(whole, answerSchema !== undefined)]),
    writeLimits(limits, money),
  ].join("\n\n");
}

function writeWhole(whole: string, isJson: boolean): string {
  const answer = isJson ? "the JSON of the answer" : "the answer";
  return `${whole}\n\nThat is all of it. Where you can answer by reading, reply with ${answer} alone, without a cell: this once your words are the answer. Where it takes counting, computing or searching, write a cell.`;
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

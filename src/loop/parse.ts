// Finds the cell in a reply: the native call, the first fenced block of code, or code that is wrapped in JSON. What a model writes after
// it is an imagined output, and is dropped before it can read it again. Prose is never read for an answer.
import type { ModelReply, ReplCall } from "../llm/model.ts";
import { codeOf } from "../llm/repl-tool.ts";
import { withoutThinking } from "../llm/thinking.ts";

/** Why a reply has no cell to run. */
export type Problem =
  /** Its cell answered, and the answer does not fit its schema. */
  | "unfit"
  | "empty"
  /** Words alone. */
  | "no_code"
  /** Words that call FINAL: only a cell can. */
  | "final_in_prose"
  /** Its blocks are of another language, which is named. */
  | "language"
  /** It ended at its bound of tokens before its cell did. */
  | "cut"
  | "refused";

export interface ParsedReply {
  /** Null: the reply has none to run. */
  readonly code: string | null;
  /** What stays in the conversation. */
  readonly text: string;
  readonly call?: ReplCall;
  readonly problem?: Problem;
  /** Of its blocks, where none is of a language that runs. */
  readonly language?: string;
  /** More code came behind the first block: it was dropped. */
  readonly hasMore?: boolean;
}

const CODE = new Set(["", "ts", "typescript", "js", "javascript", "tsx", "jsx", "mts", "mjs", "repl"]);

export function parseReply({
  text: whole,
  call,
  stop,
}: Pick<ModelReply, "text" | "call"> & Partial<Pick<ModelReply, "stop">>): ParsedReply {
  const text = withoutThinking(whole);
  const { block, language } = firstBlock(text);
  const said = block === undefined ? text : text.slice(0, block.end);
  if (stop === "refusal") return { code: null, text: said, problem: "refused" };
  if (call !== undefined && call.code.trim() !== "") {
    const before = block === undefined ? text : text.slice(0, block.start).trimEnd();
    // The call itself has to be answered as it came: that it did not run is its output.
    return stop === "length" ? { code: null, text: before, call, problem: "cut" } : { code: call.code, text: before, call };
  }
  if (block !== undefined) {
    if (stop === "length" && !block.isClosed) return { code: null, text: said, problem: "cut" };
    const hasMore = firstBlock(text.slice(block.end)).block !== undefined;
    return { code: block.code, text: said, ...(hasMore ? { hasMore } : {}) };
  }
  const wrapped = wrappedCode(text);
  if (wrapped !== undefined) return { code: wrapped, text };
  if (text.trim() === "") return { code: null, text, problem: stop === "length" ? "cut" : "empty" };
  if (stop === "length") return { code: null, text, problem: "cut" };
  if (language !== undefined) return { code: null, text, problem: "language", language };
  return { code: null, text, problem: /\bFINAL(?:_VAR)?\s*\(/.test(text) ? "final_in_prose" : "no_code" };
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly code: string;
  readonly isClosed: boolean;
}

interface Found {
  readonly block?: Block;
  /** Of the first one of another language. */
  readonly language?: string;
}

/** A block that is not closed reaches to the end. Blocks of other languages are passed over. */
function firstBlock(text: string): Found {
  const fence = /^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n`]*(?:\n|$)/gm;
  let other: string | undefined;
  for (let open = fence.exec(text); open !== null; open = fence.exec(text)) {
    const [line, marks = "", language = ""] = open;
    const from = open.index + line.length;
    const close = new RegExp(`^[ \\t]{0,3}${marks[0]}{${marks.length},}[ \\t]*(?=\\r?$)`, "m").exec(text.slice(from));
    const to = close === null ? text.length : from + close.index;
    const end = close === null ? text.length : to + close[0].length;
    const code = text.slice(from, to);
    if (CODE.has(language.toLowerCase()) && code.trim() !== "")
      return { block: { start: open.index, end, code: code.replace(/\r?\n$/, ""), isClosed: close !== null } };
    if (!CODE.has(language.toLowerCase())) other ??= language;
    fence.lastIndex = Math.max(end, from);
    if (close === null) break;
  }
  return other === undefined ? {} : { language: other };
}

/** What models write that were taught other ways to call a tool: its JSON as text, in a block, or in a tag. */
function wrappedCode(text: string): string | undefined {
  const body = /^\s*(?:```(?:json)?\s*\n|<(tool_call|function_call)>)?\s*(\{[\s\S]*\})\s*(?:\n\s*```|<\/\1>)?\s*$/.exec(text)?.[2];
  if (body === undefined) return undefined;
  const value = parsed(body);
  const inner = ["arguments", "input", "parameters"].map((name) => member(value, name));
  const code = [value, ...inner, ...inner.map(parsed)].map(codeOf).find((found) => found !== undefined);
  return code === undefined || code.trim() === "" ? undefined : code;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function parsed(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

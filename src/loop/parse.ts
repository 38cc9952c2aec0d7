// Finds the cell in a reply: the native call, or else the first fenced block of code. What a model writes after it is an imagined
// output, and is dropped before it can read it again.
import type { ModelReply, ReplCall } from "../llm/model.ts";

export interface ParsedReply {
  /** Null: the reply has none. */
  readonly code: string | null;
  /** What stays in the conversation. */
  readonly text: string;
  readonly call?: ReplCall;
}

const CODE = new Set(["", "ts", "typescript", "js", "javascript", "tsx", "jsx", "mts", "mjs", "repl"]);

export function parseReply({ text, call }: Pick<ModelReply, "text" | "call">): ParsedReply {
  const block = firstBlock(text);
  if (call !== undefined && call.code.trim() !== "")
    return { code: call.code, text: block === undefined ? text : text.slice(0, block.start).trimEnd(), call };
  return block === undefined ? { code: null, text } : { code: block.code, text: text.slice(0, block.end) };
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly code: string;
}

/** A block that is not closed reaches to the end. Blocks of other languages are passed over. */
function firstBlock(text: string): Block | undefined {
  const fence = /^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n`]*(?:\n|$)/gm;
  for (let open = fence.exec(text); open !== null; open = fence.exec(text)) {
    const [line, marks = "", language = ""] = open;
    const from = open.index + line.length;
    const close = new RegExp(`^[ \\t]{0,3}${marks[0]}{${marks.length},}[ \\t]*(?=\\r?$)`, "m").exec(text.slice(from));
    const to = close === null ? text.length : from + close.index;
    const end = close === null ? text.length : to + close[0].length;
    const code = text.slice(from, to);
    if (CODE.has(language.toLowerCase()) && code.trim() !== "") return { start: open.index, end, code: code.replace(/\r?\n$/, "") };
    fence.lastIndex = Math.max(end, from);
    if (close === null) return undefined;
  }
  return undefined;
}

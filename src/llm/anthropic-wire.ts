// Between our turns and the Messages API: what is sent, and what is made of a message that came back.
import type {
  MessageCreateParamsNonStreaming,
  MessageParam,
  ContentBlockParam,
  TextBlockParam,
} from "@anthropic-ai/sdk/resources/messages";
import { isRecord, tokenCount } from "./json-guards.ts";
import type { JsonSchema, ModelReply, ModelRequest, ReplCall, TokenUsage, Turn } from "./model.ts";
import { REPL_DESCRIPTION, REPL_SCHEMA, REPL_TOOL, codeOf } from "./repl-tool.ts";
import { withSchemaInstruction } from "./schema-instruction.ts";

const API = "anthropic-messages";
const CACHED = { cache_control: { type: "ephemeral" } } as const;

/**
 * `format` is the schema in the dialect the provider takes, or undefined where it takes it only in words. There is no temperature:
 * API version 2026-10-21 refuses it for every model.
 */
export function toMessageParams(request: ModelRequest, model: string, format: JsonSchema | undefined): MessageCreateParamsNonStreaming {
  const inWords = request.schema !== undefined && format === undefined;
  const system = inWords ? withSchemaInstruction(request.system, request.schema) : request.system;
  const isRoot = request.purpose === "root";
  return {
    model,
    max_tokens: request.maxTokens,
    ...(system ? { system: [{ type: "text", text: system, ...(isRoot ? CACHED : {}) }] } : {}),
    ...(request.repl ? { tools: [TOOL], tool_choice: { type: "auto", disable_parallel_tool_use: true } } : {}),
    ...(format === undefined ? {} : { output_config: { format: { type: "json_schema", schema: { ...format } } } }),
    // Last, so that a request begins as the one before it did.
    messages: toMessages(request.turns, isRoot),
  };
}

const TOOL = {
  name: REPL_TOOL,
  description: REPL_DESCRIPTION,
  input_schema: { ...REPL_SCHEMA, required: [...REPL_SCHEMA.required] },
};

function toMessages(turns: readonly Turn[], cacheLast: boolean): MessageParam[] {
  return turns.map((turn, index) => {
    const isLast = index === turns.length - 1;
    return { role: turn.role === "assistant" ? "assistant" : "user", content: toBlocks(turn, cacheLast && isLast) };
  });
}

function toBlocks(turn: Turn, cache: boolean): ContentBlockParam[] {
  const mark = cache ? CACHED : {};
  if (turn.role === "output" && turn.callId !== undefined)
    return [{ type: "tool_result", tool_use_id: turn.callId, content: spoken(turn.text), ...mark }];
  if (turn.role !== "assistant" || turn.call === undefined) return [{ type: "text", text: spoken(turn.text), ...mark }];
  const own = ownBlocks(turn.call);
  if (own.length > 0) return own;
  const said: TextBlockParam[] = turn.text.trim() === "" ? [] : [{ type: "text", text: turn.text }];
  return [...said, { type: "tool_use", id: turn.call.id, name: REPL_TOOL, input: { code: turn.call.code } }];
}

/** Of a reply of this API: thinking has to be sent back unmodified, and in its place. */
function ownBlocks(call: ReplCall): ContentBlockParam[] {
  const { native } = call;
  const blocks: readonly unknown[] = isRecord(native) && native["api"] === API && Array.isArray(native["blocks"]) ? native["blocks"] : [];
  return blocks.filter((block) => isReturnable(block, call));
}

/** The API refuses blocks without text. */
function spoken(text: string): string {
  return text.trim() === "" ? "(nothing)" : text;
}

/** What a message says; undefined when it is no message. */
export function fromMessage(message: unknown): ModelReply | undefined {
  if (!isRecord(message) || !Array.isArray(message["content"])) return undefined;
  const usage = toUsage(message["usage"]);
  if (usage === undefined) return undefined;
  const blocks: readonly unknown[] = message["content"];
  const text = blocks.map(textOf).join("");
  const call = blocks.map(callOf).find((found) => found !== undefined);
  const native = { api: API, blocks: blocks.filter((block) => isReturnable(block, call)) };
  return { text, ...(call ? { call: { ...call, native } } : {}), stop: toStop(message["stop_reason"], call), usage };
}

function textOf(block: unknown): string {
  return isRecord(block) && block["type"] === "text" && typeof block["text"] === "string" ? block["text"] : "";
}

function callOf(block: unknown): ReplCall | undefined {
  if (!isRecord(block) || block["type"] !== "tool_use" || block["name"] !== REPL_TOOL || typeof block["id"] !== "string") return undefined;
  const code = codeOf(block["input"]);
  return code === undefined ? undefined : { id: block["id"], code };
}

/** Blocks the API takes back; a second call would need a result of its own. */
function isReturnable(block: unknown, call: ReplCall | undefined): block is ContentBlockParam {
  if (!isRecord(block)) return false;
  if (block["type"] === "text") return textOf(block).trim() !== "";
  return (
    block["type"] === "thinking" || block["type"] === "redacted_thinking" || (block["type"] === "tool_use" && block["id"] === call?.id)
  );
}

function toStop(reason: unknown, call: ReplCall | undefined): ModelReply["stop"] {
  if (reason === "refusal") return "refusal";
  if (reason === "max_tokens" || reason === "model_context_window_exceeded") return "length";
  return call === undefined ? "end" : "tool";
}

function toUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined;
  const read = tokenCount(usage["cache_read_input_tokens"]);
  const written = tokenCount(usage["cache_creation_input_tokens"]);
  return {
    inputTokens: tokenCount(usage["input_tokens"]) + read + written,
    outputTokens: tokenCount(usage["output_tokens"]),
    cachedInputTokens: read,
    ...(written > 0 ? { cacheWriteTokens: written } : {}),
  };
}

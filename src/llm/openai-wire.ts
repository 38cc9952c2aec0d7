// Between our turns and the chat completions API: what is sent, and what is made of a completion that came back.
import type { ChatCompletionCreateParamsNonStreaming, ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { isRecord, tokenCount } from "./json-guards.ts";
import type { ModelReply, ModelRequest, ReplCall, TokenUsage, Turn } from "./model.ts";
import type { Dialect, Used } from "./openai-dialect.ts";
import { REPL_DESCRIPTION, REPL_SCHEMA, REPL_TOOL, asFence, codeOf } from "./repl-tool.ts";
import { withoutThinking } from "./thinking.ts";
import { withSchemaInstruction } from "./schema-instruction.ts";

export function toChatParams(request: ModelRequest, model: string, dialect: Dialect): ChatCompletionCreateParamsNonStreaming {
  const used = usedOf(request, dialect);
  // Also where the schema is sent as one: servers that do not know `response_format` pass it over in silence.
  const system = request.schema === undefined ? request.system : withSchemaInstruction(request.system, request.schema);
  return {
    model,
    [dialect.limit]: request.maxTokens,
    ...(used.tools ? { tools: [TOOL] } : {}),
    ...(used.temperature ? { temperature: request.temperature } : {}),
    ...(used.schema ? { response_format: { type: "json_schema", json_schema: { name: "reply", schema: { ...request.schema } } } } : {}),
    // Last, so that a request begins as the one before it did.
    messages: [
      ...(system ? [{ role: "system" as const, content: system }] : []),
      ...request.turns.map((turn) => toMessage(turn, used.tools)),
    ],
  };
}

export function usedOf(request: ModelRequest, dialect: Dialect): Used {
  return {
    tools: request.repl === true && dialect.tools,
    temperature: request.temperature !== undefined && dialect.temperature,
    schema: request.schema !== undefined && dialect.schema,
  };
}

const TOOL = { type: "function" as const, function: { name: REPL_TOOL, description: REPL_DESCRIPTION, parameters: { ...REPL_SCHEMA } } };

function toMessage(turn: Turn, tools: boolean): ChatCompletionMessageParam {
  if (turn.role === "user") return { role: "user", content: turn.text };
  if (turn.role === "output") {
    return tools && turn.callId !== undefined
      ? { role: "tool", tool_call_id: turn.callId, content: turn.text }
      : { role: "user", content: turn.text };
  }
  const { text, call } = turn;
  if (call === undefined) return { role: "assistant", content: text };
  if (!tools) return { role: "assistant", content: asFence(text, call) };
  const asked = { id: call.id, type: "function" as const, function: { name: REPL_TOOL, arguments: JSON.stringify({ code: call.code }) } };
  return { role: "assistant", content: text === "" ? null : text, tool_calls: [asked] };
}

/** What a completion says; undefined when it is none. */
export function fromCompletion(completion: unknown): ModelReply | undefined {
  if (!isRecord(completion) || !Array.isArray(completion["choices"])) return undefined;
  const choice: unknown = completion["choices"][0];
  if (!isRecord(choice) || !isRecord(choice["message"])) return undefined;
  const { content, refusal, tool_calls: calls } = choice["message"];
  const call = Array.isArray(calls) ? calls.map(callOf).find((found) => found !== undefined) : undefined;
  const text = withoutThinking(textOf(content));
  const refused = typeof refusal === "string" && refusal !== "";
  const stop = toStop(choice["finish_reason"], call, refused);
  return { text: refused && text === "" ? refusal : text, ...(call ? { call } : {}), stop, usage: toUsage(completion["usage"]) };
}

/** Some servers send content as a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : "")).join("");
}

function callOf(call: unknown, index: number): ReplCall | undefined {
  if (!isRecord(call) || !isRecord(call["function"]) || call["function"]["name"] !== REPL_TOOL) return undefined;
  const code = codeOf(parseJson(call["function"]["arguments"]));
  if (code === undefined) return undefined;
  return { id: typeof call["id"] === "string" && call["id"] !== "" ? call["id"] : `call_${index}`, code };
}

function parseJson(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toStop(reason: unknown, call: ReplCall | undefined, refused: boolean): ModelReply["stop"] {
  if (refused || reason === "content_filter") return "refusal";
  if (reason === "length") return "length";
  return call === undefined ? "end" : "tool";
}

/** Local servers may send none: it counts as nothing used. */
function toUsage(usage: unknown): TokenUsage {
  if (!isRecord(usage)) return { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 };
  const details = isRecord(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : {};
  const written = tokenCount(details["cache_write_tokens"]);
  return {
    inputTokens: tokenCount(usage["prompt_tokens"]),
    outputTokens: tokenCount(usage["completion_tokens"]),
    cachedInputTokens: tokenCount(details["cached_tokens"]),
    ...(written > 0 ? { cacheWriteTokens: written } : {}),
  };
}

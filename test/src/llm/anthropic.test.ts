// The Anthropic provider, by the real SDK against a real server: shapes, usage, and every way a call can fail.
import { expect, test } from "vitest";
import { AnthropicModel } from "../../../src/llm/anthropic.ts";
import type { Turn } from "../../../src/llm/model.ts";
import { allText, failure, NEVER, root, sub } from "./requests.ts";
import { serveAnthropic, type ModelServer, type Policy, type Served } from "./servers.ts";

const KEY = "test-key-4f9a0c77d1";
const FACTS = { window: 200_000, price: { input: 1, output: 5 } };

function modelAt(server: ModelServer, env: Record<string, string> = { ANTHROPIC_API_KEY: KEY }): AnthropicModel {
  return new AnthropicModel("claude-x", FACTS, { ANTHROPIC_BASE_URL: server.url, ...env });
}

async function failing(served: Served) {
  await using server = await serveAnthropic(() => served);
  return await failure(modelAt(server).complete(sub("hello"), NEVER));
}

test("a sub request is a plain completion with its usage", async () => {
  await using server = await serveAnthropic(({ last }) => ({
    text: `you said ${last}`,
    usage: { input: 7, output: 3, cacheRead: 100, cacheWrite: 20 },
  }));
  const model = modelAt(server);
  const reply = await model.complete(sub("hi", { system: "Be brief.", temperature: 0.5 }), NEVER);
  expect(reply).toEqual({
    text: "you said hi",
    stop: "end",
    usage: { inputTokens: 127, outputTokens: 3, cachedInputTokens: 100, cacheWriteTokens: 20 },
  });
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(server.requests[0]?.body).toEqual({
    model: "claude-x",
    max_tokens: 100,
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    system: [{ type: "text", text: "Be brief." }],
  });
  expect(model).toMatchObject({ id: "anthropic:claude-x", name: "claude-x", window: 200_000, endpoint: new URL(server.url).host });
});

test("a root request offers the repl tool, marks what to cache, and reads the call", async () => {
  await using server = await serveAnthropic(() => ({ text: "Let me look.", code: "context.length" }));
  const reply = await modelAt(server).complete(root([{ role: "user", text: "How long?" }]), NEVER);
  expect(reply).toMatchObject({ text: "Let me look.", call: { id: "toolu_0", code: "context.length" }, stop: "tool" });
  const { body } = server.requests[0] ?? {};
  expect(body).toMatchObject({
    system: [{ type: "text", text: "You write cells.", cache_control: { type: "ephemeral" } }],
    messages: [{ role: "user", content: [{ type: "text", text: "How long?", cache_control: { type: "ephemeral" } }] }],
    tools: [{ name: "repl", input_schema: { type: "object", required: ["code"] } }],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  });
});

test("outputs of calls go back as tool results, thinking goes back unmodified and in its place", async () => {
  const thinking = { type: "thinking", thinking: "hm", signature: "c2ln" };
  await using server = await serveAnthropic(({ index }) => ({ text: "I look.", code: `cell(${index})`, blocks: [thinking] }));
  const model = modelAt(server);
  const first: Turn = { role: "user", text: "go" };
  const { text, call } = await model.complete(root([first]), NEVER);
  await model.complete(
    root([first, { role: "assistant", text, ...(call ? { call } : {}) }, { role: "output", text: "1", callId: "toolu_0" }]),
    NEVER,
  );
  expect(server.requests[1]?.body["messages"]).toEqual([
    { role: "user", content: [{ type: "text", text: "go" }] },
    {
      role: "assistant",
      content: [thinking, { type: "text", text: "I look." }, { type: "tool_use", id: "toolu_0", name: "repl", input: { code: "cell(0)" } }],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_0", content: "1", cache_control: { type: "ephemeral" } }] },
  ]);
});

test("calls of an earlier process and turns without text are sent as well as they can be", async () => {
  await using server = await serveAnthropic(() => "ok");
  const turns: Turn[] = [
    { role: "user", text: "go" },
    { role: "assistant", text: "", call: { id: "old", code: "1" } },
    { role: "output", text: "", callId: "old" },
    { role: "assistant", text: "```ts\n2\n```" },
    { role: "output", text: "2" },
  ];
  await modelAt(server).complete(root(turns), NEVER);
  expect(server.requests[0]?.body["messages"]).toMatchObject([
    { role: "user" },
    { role: "assistant", content: [{ type: "tool_use", id: "old", name: "repl", input: { code: "1" } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "old", content: "(nothing)" }] },
    { role: "assistant", content: [{ type: "text", text: "```ts\n2\n```" }] },
    { role: "user", content: [{ type: "text", text: "2" }] },
  ]);
});

test("a schema is sent in the provider's own dialect, or in words where it has none for it", async () => {
  await using server = await serveAnthropic(() => '{"n":1}');
  const model = modelAt(server);
  await model.complete(
    sub("count", { schema: { type: "object", properties: { n: { type: "integer", minimum: 0 } }, required: ["n"] } }),
    NEVER,
  );
  await model.complete(sub("count", { schema: { minimum: 3 } }), NEVER);
  expect(server.requests[0]?.body["output_config"]).toMatchObject({
    format: { type: "json_schema", schema: { type: "object", required: ["n"], additionalProperties: false } },
  });
  expect(server.requests[1]?.body["output_config"]).toBeUndefined();
  expect(server.requests[1]?.system).toContain('{"minimum":3}');
});

test.each([
  ["max_tokens", "length"],
  ["refusal", "refusal"],
  ["end_turn", "end"],
] as const)("stop reason %s is %s", async (stop, expected) => {
  await using server = await serveAnthropic(() => ({ text: "x", stop }));
  expect((await modelAt(server).complete(sub("hi"), NEVER)).stop).toBe(expected);
});

const error = (status: number, message: string, headers: Record<string, string> = {}): Served => ({
  status,
  headers,
  body: { type: "error", error: { type: "some_error", message } },
});

test.each<[string, Served, string, Record<string, unknown>]>([
  ["401", error(401, "invalid x-api-key"), "E_LLM_AUTH", { retryable: false, status: 401 }],
  ["403", error(403, "not allowed"), "E_LLM_AUTH", { retryable: false }],
  ["429", error(429, "slow down"), "E_LLM_RATE", { retryable: true }],
  ["429 with retry-after", error(429, "slow down", { "retry-after": "3" }), "E_LLM_RATE", { retryable: true, retry_after_ms: 3000 }],
  ["429 with retry-after-ms", error(429, "slow down", { "retry-after-ms": "40" }), "E_LLM_RATE", { retry_after_ms: 40 }],
  ["500", error(500, "boom"), "E_LLM_SERVER", { retryable: true }],
  ["529", error(529, "overloaded"), "E_LLM_SERVER", { retryable: true, status: 529 }],
  ["400", error(400, "max_tokens: too many"), "E_LLM_BAD_REQUEST", { retryable: false }],
  ["404", error(404, "model: claude-x"), "E_LLM_BAD_REQUEST", { retryable: false }],
  ["too long", error(400, "prompt is too long: 300000 tokens > 200000 maximum"), "E_LLM_TOO_LARGE", { retryable: false }],
  ["413", error(413, "request too large"), "E_LLM_TOO_LARGE", { retryable: false }],
  ["reset", { fault: "reset" }, "E_LLM_NETWORK", { retryable: true }],
  ["half a body", { fault: "half" }, "E_LLM_NETWORK", { retryable: true }],
  ["broken JSON", { raw: '{"type":"mess' }, "E_LLM_SERVER", { retryable: true }],
  ["HTML", { raw: "<html>gateway</html>", type: "text/html" }, "E_LLM_SERVER", { retryable: true }],
  ["another shape", { raw: '{"choices":[]}' }, "E_LLM_SERVER", { retryable: true }],
  ["10 MB of nothing", { raw: new Uint8Array(10_000_000) }, "E_LLM_SERVER", { retryable: true }],
  ["34 MB", { raw: new Uint8Array(34 * 1024 * 1024) }, "E_LLM_SERVER", { retryable: true }],
  ["a redirect", { status: 307, headers: { location: "http://127.0.0.1:9/" } }, "E_LLM_BAD_REQUEST", { retryable: false }],
])("%s", async (_, served, code, data) => {
  const failed = await failing(served);
  expect(failed.code).toBe(code);
  expect(failed.data).toMatchObject(data);
  expect(failed.message).toContain(`(${code})`);
});

test("invalid UTF-8 in a reply is read as U+FFFD", async () => {
  const text = JSON.stringify({
    type: "message",
    content: [{ type: "text", text: "a?b" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 1, output_tokens: 1 },
  });
  const raw = Uint8Array.from(Buffer.from(text).map((byte) => (byte === 0x3f ? 0xff : byte)));
  await using server = await serveAnthropic(() => ({ raw }));
  expect((await modelAt(server).complete(sub("hi"), NEVER)).text).toBe("a\uFFFDb");
});

test("a key that a body repeats, whole or in a URL, is in no message, stack or cause", async () => {
  const url = `https://gateway/?key=${encodeURIComponent(KEY)}`;
  const echo: Policy = ({ headers }) =>
    error(401, `the key ${String(headers.authorization)} is wrong, ${KEY}, ${url}, sk-ant-other-12345678`);
  await using server = await serveAnthropic(echo);
  const failed = await failure(modelAt(server).complete(sub("hi"), NEVER));
  expect(allText(failed)).not.toContain(KEY);
  expect(allText(failed)).not.toContain("sk-ant-other");
  expect(failed.message.replace(new URL(server.url).host, "HOST")).toMatchInlineSnapshot(
    `"anthropic answered 401: the key Bearer [key] is wrong, [key], https://gateway/?key=[key], [key]; is ANTHROPIC_API_KEY right for HOST? (E_LLM_AUTH)"`,
  );
});

test("an auth token is enough, and without either the missing variable is named", async () => {
  await using server = await serveAnthropic(() => "ok");
  await modelAt(server, { ANTHROPIC_AUTH_TOKEN: "token-123456" }).complete(sub("hi"), NEVER);
  expect(server.requests[0]?.headers.authorization).toBe("Bearer token-123456");
  expect(() => new AnthropicModel("claude-x", FACTS, {})).toThrowErrorMatchingInlineSnapshot(
    `[HostError: no key for anthropic:claude-x: set ANTHROPIC_API_KEY (E_LLM_AUTH)]`,
  );
});

test("a server that is not there", async () => {
  const model = new AnthropicModel("claude-x", FACTS, { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: "http://127.0.0.1:1" });
  const failed = await failure(model.complete(sub("hi"), NEVER));
  expect(failed.message).toMatchInlineSnapshot(
    `"anthropic at 127.0.0.1:1 could not be reached: it refuses connections (nothing listens there); is the server started, and ANTHROPIC_BASE_URL right? (E_LLM_NETWORK)"`,
  );
});

test("cancelling closes the socket and rethrows the reason", async () => {
  await using server = await serveAnthropic(() => ({ fault: "hang" }));
  const cancel = new AbortController();
  const reason = new Error("the cell ended");
  const call = modelAt(server).complete(sub("hi"), cancel.signal);
  await server.whenAsked(1);
  cancel.abort(reason);
  await expect(call).rejects.toBe(reason);
  await server.whenClosed(1);
  await expect(modelAt(server).complete(sub("hi"), cancel.signal)).rejects.toBe(reason);
  expect(server.requests).toHaveLength(1);
});

test("a reply may be asked for with more tokens than the SDK lets through without streaming", async () => {
  await using server = await serveAnthropic(() => "long");
  expect((await modelAt(server).complete(sub("hi", { maxTokens: 64_000 }), NEVER)).text).toBe("long");
});

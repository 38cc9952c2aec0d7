// The OpenAI provider, by the real SDK against a real server, and what it learns of servers that take less than OpenAI's.
import { expect, test } from "vitest";
import type { Turn } from "../../../src/llm/model.ts";
import { OpenAiModel } from "../../../src/llm/openai.ts";
import { allText, failure, NEVER, root, sub } from "./requests.ts";
import { serveOpenAi, type ModelServer, type Served } from "./servers.ts";

const KEY = "test-key-4f9a0c77d1";
const UNKNOWN = { window: undefined, price: undefined };

function modelAt(server: ModelServer, env: Record<string, string> = { OPENAI_API_KEY: KEY }, name = "org/model:free"): OpenAiModel {
  return new OpenAiModel(name, UNKNOWN, { OPENAI_BASE_URL: server.url, ...env });
}

test("a sub request is a plain completion; the name is taken whole", async () => {
  await using server = await serveOpenAi(({ last }) => ({ text: `you said ${last}`, usage: { input: 127, output: 3, cacheRead: 100 } }));
  const model = modelAt(server);
  const reply = await model.complete(sub("hi", { system: "Be brief.", temperature: 0 }), NEVER);
  expect(reply).toEqual({ text: "you said hi", stop: "end", usage: { inputTokens: 127, outputTokens: 3, cachedInputTokens: 100 } });
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(server.requests[0]?.body).toEqual({
    model: "org/model:free",
    max_tokens: 100,
    temperature: 0,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hi" },
    ],
  });
  expect(model.id).toBe("openai:org/model:free");
});

test("thinking that a server leaves in a reply is no part of it", async () => {
  await using server = await serveOpenAi(() => '<think>\nIs it {"n": 1}?\n</think>\n\n{"n": 2}');
  expect((await modelAt(server).complete(sub("hi"), NEVER)).text).toBe('{"n": 2}');
});

test("calls of the repl tool go both ways", async () => {
  await using server = await serveOpenAi(({ index }) => ({ code: `cell(${index})` }));
  const model = modelAt(server);
  const first: Turn = { role: "user", text: "go" };
  const { text, call, stop } = await model.complete(root([first]), NEVER);
  expect({ text, call, stop }).toEqual({ text: "", call: { id: "call_0", code: "cell(0)" }, stop: "tool" });
  await model.complete(
    root([first, { role: "assistant", text, ...(call ? { call } : {}) }, { role: "output", text: "1", callId: "call_0" }]),
    NEVER,
  );
  expect(server.requests[1]?.body["messages"]).toMatchObject([
    { role: "system" },
    { role: "user", content: "go" },
    { role: "assistant", content: null, tool_calls: [{ id: "call_0", function: { name: "repl", arguments: '{"code":"cell(0)"}' } }] },
    { role: "tool", tool_call_id: "call_0", content: "1" },
  ]);
});

test("fenced code comes back as text, a call with broken arguments as no call", async () => {
  await using server = await serveOpenAi(({ index }) =>
    index === 0
      ? "```ts\n1\n```"
      : {
          raw: '{"choices":[{"message":{"content":"x","tool_calls":[{"id":"a","function":{"name":"repl","arguments":"{broken"}}]},"finish_reason":"tool_calls"}]}',
        },
  );
  const model = modelAt(server);
  expect(await model.complete(root([{ role: "user", text: "go" }]), NEVER)).toMatchObject({ text: "```ts\n1\n```", stop: "end" });
  const broken = await model.complete(root([{ role: "user", text: "go" }]), NEVER);
  expect(broken).toEqual({ text: "x", stop: "end", usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 } });
});

test("a server without keys needs none; without a server the missing variable is named", async () => {
  await using server = await serveOpenAi(() => "ok");
  expect((await modelAt(server, {}).complete(sub("hi"), NEVER)).text).toBe("ok");
  expect(() => new OpenAiModel("gpt-x", UNKNOWN, {})).toThrowErrorMatchingInlineSnapshot(
    `[HostError: no key for openai:gpt-x: set OPENAI_API_KEY (E_LLM_AUTH)]`,
  );
});

const refuse = (message: string, param: string | null = null): Served => ({
  status: 400,
  body: { error: { message, type: "invalid_request_error", param, code: null } },
});

test("a server that refuses function tools gets fenced code, from then on at once", async () => {
  await using server = await serveOpenAi(({ root: offered }) =>
    offered
      ? refuse("Function tools with reasoning_effort are not supported for gpt-x in /v1/chat/completions.", "reasoning_effort")
      : "```ts\n1\n```",
  );
  const model = modelAt(server);
  const turns: Turn[] = [
    { role: "user", text: "go" },
    { role: "assistant", text: "I look.", call: { id: "c", code: "1" } },
    { role: "output", text: "1", callId: "c" },
  ];
  expect((await model.complete(root(turns), NEVER)).text).toBe("```ts\n1\n```");
  await model.complete(root(turns), NEVER);
  expect(server.requests.map((request) => request.root)).toEqual([true, false, false]);
  expect(server.requests[2]?.body["messages"]).toEqual([
    { role: "system", content: "You write cells." },
    { role: "user", content: "go" },
    { role: "assistant", content: "I look.\n```ts\n1\n```" },
    { role: "user", content: "1" },
  ]);
});

test("what else a server refuses is left out, one thing after the other", async () => {
  await using server = await serveOpenAi(({ body }) => {
    if ("temperature" in body) return refuse("Unsupported value: 'temperature' does not support 0 with this model.", "temperature");
    if ("response_format" in body) return refuse("unknown field response_format");
    if ("max_tokens" in body) return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens");
    return "{}";
  });
  const reply = await modelAt(server).complete(sub("hi", { temperature: 0, schema: { type: "object" } }), NEVER);
  expect(reply.text).toBe("{}");
  expect(server.requests).toHaveLength(4);
  expect(server.requests[3]?.body).toMatchObject({ max_completion_tokens: 100 });
  expect(server.requests[3]?.system).toContain('{"type":"object"}');
});

test("a refusal that teaches nothing, or never ends, is an error", async () => {
  await using server = await serveOpenAi(({ body }) =>
    refuse("max_tokens" in body ? "use max_completion_tokens" : "unknown parameter max_completion_tokens"),
  );
  const failed = await failure(modelAt(server).complete(sub("hi"), NEVER));
  expect(failed.code).toBe("E_LLM_BAD_REQUEST");
  expect(server.requests.length).toBeLessThan(8);
});

test.each<[string, Served, string, Record<string, unknown>]>([
  ["401", { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}` } } }, "E_LLM_AUTH", { retryable: false }],
  [
    "429",
    { status: 429, headers: { "retry-after": "2" }, body: { error: { message: "slow down" } } },
    "E_LLM_RATE",
    { retryable: true, retry_after_ms: 2000 },
  ],
  [
    "no money",
    { status: 429, body: { error: { message: "You exceeded your current quota", code: "insufficient_quota" } } },
    "E_LLM_RATE",
    { retryable: false },
  ],
  ["503", { status: 503 }, "E_LLM_SERVER", { retryable: true }],
  ["too long", refuse("This model's maximum context length is 8192 tokens."), "E_LLM_TOO_LARGE", { retryable: false }],
  ["reset", { fault: "reset" }, "E_LLM_NETWORK", { retryable: true }],
  ["half a body", { fault: "half" }, "E_LLM_NETWORK", { retryable: true }],
  ["broken JSON", { raw: '{"choices":' }, "E_LLM_SERVER", { retryable: true }],
  ["no choices", { raw: '{"choices":[]}' }, "E_LLM_SERVER", { retryable: true }],
])("%s", async (_, served, code, data) => {
  await using server = await serveOpenAi(() => served);
  const failed = await failure(modelAt(server).complete(sub("hello"), NEVER));
  expect(failed.code).toBe(code);
  expect(failed.data).toMatchObject(data);
  expect(allText(failed)).not.toContain(KEY);
});

test("cancelling closes the socket", async () => {
  await using server = await serveOpenAi(() => ({ fault: "hang" }));
  const cancel = new AbortController();
  const call = modelAt(server).complete(sub("hi"), cancel.signal);
  await server.whenAsked(1);
  cancel.abort(new Error("stop"));
  await expect(call).rejects.toThrow("stop");
  await server.whenClosed(1);
});

test.each([
  ["length", "length"],
  ["content_filter", "refusal"],
  ["stop", "end"],
] as const)("finish reason %s is %s", async (stop, expected) => {
  await using server = await serveOpenAi(() => ({ text: "x", stop }));
  expect((await modelAt(server).complete(sub("hi"), NEVER)).stop).toBe(expected);
});

// The scheduler over real sockets: ten at a time, retries, deadlines, cancelling, and the budget before anything is sent.
import { expect, test } from "vitest";
import { HostError } from "../../../src/errors.ts";
import { AnthropicModel } from "../../../src/llm/anthropic.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { retryDelay } from "../../../src/pool/retry.ts";
import { Scheduler, type SchedulerOptions } from "../../../src/pool/scheduler.ts";
import { failure, modelOf, NEVER, sub } from "../llm/requests.ts";
import { serveAnthropic, type ModelServer } from "../llm/servers.ts";

const FREE = { maxUsd: null, maxCalls: null };

function modelAt(server: ModelServer): AnthropicModel {
  return new AnthropicModel(
    "claude-x",
    { window: undefined, price: { input: 1, output: 1 } },
    { ANTHROPIC_API_KEY: "test-key-1", ANTHROPIC_BASE_URL: server.url },
  );
}

/** A scheduler that notes its waits and does not wait. */
function quick(options: Partial<SchedulerOptions> = {}) {
  const waits: number[] = [];
  const scheduler = new Scheduler({
    limit: 10,
    random: () => 0.5,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    ...options,
  });
  return { scheduler, waits };
}

const options = (budget = new Budget(FREE), signal = NEVER, deadlineMs = 60_000) => ({ budget, signal, deadlineMs });

test("ten at a time, all answered, all counted", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await serveAnthropic(async ({ last }) => {
    await gate.promise;
    return last;
  });
  const { scheduler } = quick();
  const budget = new Budget(FREE);
  const model = modelAt(server);
  const calls = Array.from({ length: 35 }, (_, n) => scheduler.schedule(model, sub(`p${n}`), options(budget)));
  await server.whenAsked(10);
  expect(scheduler.load).toEqual({ active: 10, queued: 25 });
  gate.resolve();
  expect((await Promise.all(calls)).map((reply) => reply.text)).toEqual(Array.from({ length: 35 }, (_, n) => `p${n}`));
  expect(server.peak).toBe(10);
  expect(budget.ledger.total).toMatchObject({ calls: 35, inputTokens: 350, outputTokens: 175 });
});

test("429 with retry-after, then success: one answered call", async () => {
  await using server = await serveAnthropic(({ index }) => (index === 0 ? { status: 429, headers: { "retry-after-ms": "40" } } : "fine"));
  const { scheduler, waits } = quick();
  const budget = new Budget(FREE);
  expect((await scheduler.schedule(modelAt(server), sub("x"), options(budget))).text).toBe("fine");
  expect(waits).toEqual([45]);
  expect(budget.ledger.total.calls).toBe(1);
});

test.each([{ fault: "reset" }, { fault: "half" }, { status: 500 }, { raw: "{" }] as const)(
  "%j is tried three times, then is the call's error",
  async (served) => {
    await using server = await serveAnthropic(() => served);
    const { scheduler, waits } = quick();
    const budget = new Budget({ maxUsd: 1, maxCalls: 5 });
    expect((await failure(scheduler.schedule(modelAt(server), sub("x"), options(budget)))).code).toMatch(/^E_LLM_(SERVER|NETWORK)$/);
    expect(server.requests).toHaveLength(3);
    expect(waits).toEqual([500, 1000]);
    expect([budget.left.usd, budget.left.calls]).toEqual([1, 5]);
  },
);

test.each([429, 529])("%i is tried five times, then is the call's error", async (status) => {
  await using server = await serveAnthropic(() => ({ status }));
  const { scheduler, waits } = quick();
  expect((await failure(scheduler.schedule(modelAt(server), sub("x"), options()))).code).toMatch(/^E_LLM_(RATE|SERVER)$/);
  expect(server.requests).toHaveLength(5);
  expect(waits).toEqual([500, 1000, 2000, 4000]);
});

test.each([400, 401, 403, 404, 413])("%i is not tried again", async (status) => {
  await using server = await serveAnthropic(() => ({ status }));
  const { scheduler } = quick();
  await failure(scheduler.schedule(modelAt(server), sub("x"), options()));
  expect(server.requests).toHaveLength(1);
});

test("nothing is sent that the budget does not cover", async () => {
  await using server = await serveAnthropic(() => "x");
  const { scheduler } = quick();
  const failed = await failure(
    scheduler.schedule(modelAt(server), sub("x", { maxTokens: 10_000_000 }), options(new Budget({ maxUsd: 1, maxCalls: null }))),
  );
  expect(failed.code).toBe("E_BUDGET");
  expect(server.requests).toHaveLength(0);
});

test("a call that is not answered in time ends, and its socket closes", async () => {
  await using server = await serveAnthropic(() => ({ fault: "hang" }));
  const { scheduler } = quick();
  const failed = await failure(scheduler.schedule(modelAt(server), sub("x"), options(undefined, NEVER, 50)));
  expect(failed.message).toBe(
    "anthropic:claude-x did not answer within 0.05 s; raise --call-timeout S or ask with less text (E_LLM_TIMEOUT)",
  );
  await server.whenClosed(1);
});

test("cancelling 50 calls closes every socket and empties the queue", async () => {
  await using server = await serveAnthropic(() => ({ fault: "hang" }));
  const { scheduler } = quick();
  const budget = new Budget({ maxUsd: 1, maxCalls: 100 });
  const cancel = new AbortController();
  const model = modelAt(server);
  const calls = Array.from({ length: 50 }, () => scheduler.schedule(model, sub("x"), options(budget, cancel.signal)));
  const ended = Promise.allSettled(calls);
  await server.whenAsked(10);
  const reason = new HostError("E_CANCELLED", "the cell ended");
  cancel.abort(reason);
  expect((await ended).every((result) => result.status === "rejected" && result.reason === reason)).toBe(true);
  await server.whenClosed(10);
  expect(server.requests).toHaveLength(10);
  expect(scheduler.load).toEqual({ active: 0, queued: 0 });
  expect([budget.left.usd, budget.left.calls]).toEqual([1, 100]);
});

test("cancelling ends a wait between attempts", async () => {
  await using server = await serveAnthropic(() => ({ status: 429, headers: { "retry-after": "20" } }));
  const cancel = new AbortController();
  const scheduler = new Scheduler({ limit: 1 });
  const call = scheduler.schedule(modelAt(server), sub("x"), options(undefined, cancel.signal));
  await server.whenAsked(1);
  const reason = new Error("stop");
  cancel.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test("each attempt is told of beforehand", async () => {
  const asked: string[] = [];
  let attempts = 0;
  const model = modelOf(() => {
    attempts++;
    if (attempts === 1) throw new HostError("E_LLM_SERVER", "boom", { data: { retryable: true } });
    return Promise.resolve({ text: "ok", stop: "end", usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } });
  });
  const { scheduler } = quick({ onRequest: ({ id }) => asked.push(id) });
  expect((await scheduler.schedule(model, sub("x"), options())).text).toBe("ok");
  expect(asked).toEqual(["test:model", "test:model"]);
});

test.each([
  [{ retryable: false }, 0, undefined],
  [{ retryable: true }, 0, 250],
  [{ retryable: true }, 1, 500],
  [{ retryable: true }, 3, 2_000],
  [{ retryable: true }, 4, undefined],
  [{ retryable: true, retry_after_ms: 30_000 }, 0, 30_000],
  [{ retryable: true, retry_after_ms: 30_001 }, 0, undefined],
  [{ retryable: true, retry_after_ms: 0 }, 0, 0],
])("after %j and %i retries the wait is %s ms without jitter", (data, retries, expected) => {
  expect(retryDelay(new HostError("E_LLM_RATE", "x", { data }), retries, () => 0)).toBe(expected);
});

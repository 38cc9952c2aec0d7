// Slots over real sockets: shared by sessions, fairly, and fewer where a server says that it is asked too much.
import { expect, test } from "vitest";
import { openSession } from "../../../src/index.ts";
import { AnthropicModel } from "../../../src/llm/anthropic.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { Scheduler, type SchedulerOptions } from "../../../src/pool/scheduler.ts";
import { Slots } from "../../../src/pool/slots.ts";
import { failure, NEVER, sub } from "../llm/requests.ts";
import { serveAnthropic, type ModelServer } from "../llm/servers.ts";

function modelAt(server: ModelServer): AnthropicModel {
  return new AnthropicModel(
    "claude-x",
    { window: undefined, price: { input: 1, output: 1 } },
    { ANTHROPIC_API_KEY: "test-key-1", ANTHROPIC_BASE_URL: server.url },
  );
}

const options = (signal = NEVER) => ({ budget: new Budget({ maxUsd: null, maxCalls: null }), signal, deadlineMs: 60_000 });

function quick(more: Partial<SchedulerOptions> = {}): Scheduler {
  return new Scheduler({ limit: 10, random: () => 0, sleep: () => Promise.resolve(), ...more });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("sessions share the slots of the process, each its own limit at most, and who holds the fewest is next", async () => {
  const order: string[] = [];
  await using server = await serveAnthropic(async ({ last }) => {
    order.push(last[0] ?? "");
    await pause(10);
    return last;
  });
  const slots = new Slots();
  const [many, few] = [quick({ slots, limit: 6 }), quick({ slots, limit: 2 })];
  const model = modelAt(server);
  const calls = [
    ...Array.from({ length: 40 }, (_, i) => many.schedule(model, sub(`m${i}`), options())),
    ...Array.from({ length: 6 }, (_, i) => few.schedule(model, sub(`f${i}`), options())),
  ];
  await Promise.all(calls);
  expect(server.peak).toBe(6);
  // The six of the smaller session did not wait for the forty that were there before them.
  expect(order.lastIndexOf("f")).toBeLessThan(30);
  expect(order).toHaveLength(46);
});

test("whoever left does not count any more", async () => {
  await using server = await serveAnthropic(() => pause(5).then(() => "x"));
  const slots = new Slots();
  quick({ slots, limit: 50 })[Symbol.dispose]();
  const scheduler = quick({ slots, limit: 3 });
  await Promise.all(Array.from({ length: 20 }, (_, i) => scheduler.schedule(modelAt(server), sub(`p${i}`), options())));
  expect(server.peak).toBe(3);
});

test.each([429, 529])("a server that says %i gets half as many calls at a time, and more again when it answers", async (status) => {
  const told: number[] = [];
  let open = 0;
  let refused = 0;
  const peaks: number[] = [];
  await using server = await serveAnthropic(async ({ last }) => {
    if (open >= 4 && refused < 40) {
      refused++;
      return { status };
    }
    open++;
    peaks.push(open);
    await pause(5);
    open--;
    return last;
  });
  const scheduler = quick({ onLowered: (_, limit) => told.push(limit), sleep: () => pause(5) });
  const model = modelAt(server);
  const replies = await Promise.all(Array.from({ length: 60 }, (_, i) => scheduler.schedule(model, sub(`p${i}`), options())));
  expect(replies.map(({ text }) => text)).toEqual(Array.from({ length: 60 }, (_, i) => `p${i}`));
  // Ten were on the way: all of them together halve the limit once.
  expect(told[0]).toBe(5);
  expect(told.slice(1).every((limit) => limit <= 3)).toBe(true);
  expect(Math.max(...peaks)).toBe(4);
});

test("retry-after holds up every call to that server, and none to another", async () => {
  const arrived: number[] = [];
  await using limited = await serveAnthropic(({ index }) => {
    arrived.push(performance.now());
    return index === 0 ? { status: 429, headers: { "retry-after-ms": "300" } } : "late";
  });
  await using other = await serveAnthropic(() => "soon");
  const scheduler = quick();
  const first = scheduler.schedule(modelAt(limited), sub("a"), options());
  await limited.whenAsked(1);
  await pause(20);
  const [second, beside] = [
    scheduler.schedule(modelAt(limited), sub("b"), options()),
    scheduler.schedule(modelAt(other), sub("c"), options()),
  ];
  expect((await beside).text).toBe("soon");
  expect(limited.requests).toHaveLength(1);
  expect((await Promise.all([first, second])).map(({ text }) => text)).toEqual(["late", "late"]);
  expect((arrived[1] ?? 0) - (arrived[0] ?? 0)).toBeGreaterThanOrEqual(295);
});

test("who is cancelled while a server is paused leaves at once, and gives nothing away", async () => {
  await using server = await serveAnthropic(({ index }) => (index === 0 ? { status: 429, headers: { "retry-after": "20" } } : "x"));
  const scheduler = quick();
  const cancel = new AbortController();
  const first = scheduler.schedule(modelAt(server), sub("a"), options(cancel.signal));
  await server.whenAsked(1);
  await pause(20);
  const second = scheduler.schedule(modelAt(server), sub("b"), options(cancel.signal));
  cancel.abort(new Error("stop"));
  await expect(first).rejects.toThrow("stop");
  await expect(second).rejects.toThrow("stop");
  expect(scheduler.load).toEqual({ active: 0, queued: 0 });
});

test("a longer retry-after than is worth waiting for is the call's error", async () => {
  await using server = await serveAnthropic(() => ({ status: 429, headers: { "retry-after": "3600" } }));
  expect((await failure(quick().schedule(modelAt(server), sub("x"), options()))).code).toBe("E_LLM_RATE");
  expect(server.requests).toHaveLength(1);
});

test("ten sessions of ten calls each have ten at a time between them", async () => {
  await using server = await serveAnthropic(async ({ last }) => pause(30).then(() => `re ${last}`));
  const env = { ANTHROPIC_API_KEY: "test-key-1", ANTHROPIC_BASE_URL: server.url };
  const sessions = await Promise.all(
    Array.from({ length: 10 }, () => openSession({ ephemeral: true, model: "anthropic", env, concurrency: 10 })),
  );
  const results = await Promise.all(
    sessions.map((session, s) => session.run(`(await llm_batch_query(Array.from({ length: 10 }, (_, i) => "${s}." + i))).length`)),
  );
  expect(results.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, () => 10));
  expect(server.peak).toBe(10);
  await Promise.all(sessions.map((session) => session.close()));
});

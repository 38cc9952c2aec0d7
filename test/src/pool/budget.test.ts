// The budget's arithmetic: it never lets what is spent and what is in flight pass a limit, and says what is missing.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HostError } from "../../../src/errors.ts";
import type { ModelReply } from "../../../src/llm/model.ts";
import { Budget, type Reservation } from "../../../src/pool/budget.ts";
import { requirePrices } from "../../../src/pool/cost.ts";
import { costAtMost, costOf, dollars } from "../../../src/pool/cost.ts";
import { NO_USAGE } from "../../../src/pool/usage.ts";
import { failure, modelOf, NEVER, sub } from "../llm/requests.ts";

const unused = () => Promise.reject(new Error("unused"));
const priced = modelOf(unused, { price: { input: 1, output: 10 } });
const unpriced = modelOf(unused, { id: "openai:llama3", name: "llama3", price: undefined });
const reply = (inputTokens: number, outputTokens: number): ModelReply => ({
  text: "",
  stop: "end",
  usage: { inputTokens, outputTokens, cachedInputTokens: 0 },
});

/** The refusal of a synchronous call. */
function refusal(run: () => void): HostError {
  try {
    run();
  } catch (error) {
    if (error instanceof HostError) return error;
  }
  throw new Error("not refused");
}

test("a call is reserved at the most it may cost, settled at what it did cost, released when it failed", async () => {
  const budget = new Budget({ maxUsd: 1, maxCalls: 3 });
  const most = costAtMost(priced, sub("hello")) ?? 0;
  const first = await budget.reserve(priced, sub("hello"), NEVER);
  expect(budget.left.usd).toBeCloseTo(1 - most, 10);
  expect(budget.left.calls).toBe(2);
  first.settle(reply(10, 5));
  first.release();
  first.settle(reply(10, 5));
  expect(budget.left.usd).toBeCloseTo(1 - 60e-6, 10);
  const second = await budget.reserve(priced, sub("hello"), NEVER);
  second.release();
  expect(budget.ledger.total).toEqual({ ...NO_USAGE, calls: 1, inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, usd: 60e-6 });
  expect(budget.leftIn({ depth: 0, iterations: 19 })).toEqual({
    usd: budget.left.usd,
    tokens: null,
    calls: 2,
    seconds: null,
    depth: 0,
    iterations: 19,
  });
});

test("refusals say what is needed and what is left", async () => {
  const poor = new Budget({ maxUsd: 0.0001, maxCalls: null });
  const single = await failure(poor.reserve(priced, sub("hello"), NEVER));
  expect(single.code).toBe("E_BUDGET");
  expect(single.message).toMatchInlineSnapshot(
    `"this call needs about $0.0016, $0.00010 are left: ask with less text or raise --max-cost (E_BUDGET)"`,
  );
  const batch = new Budget({ maxUsd: 1.2, maxCalls: null });
  const dear = modelOf(unused, { price: { input: 10, output: 10 } });
  expect(
    refusal(() =>
      batch.checkBatch(
        dear,
        Array.from({ length: 812 }, () => sub("x".repeat(1600))),
      ),
    ).message,
  ).toMatchInlineSnapshot(
    `"this batch of 812 calls needs about $4.06, $1.20 are left: ask in fewer prompts or raise --max-cost (E_BUDGET)"`,
  );
  const few = new Budget({ maxUsd: null, maxCalls: 3 });
  expect(refusal(() => few.checkBatch(priced, [sub("a"), sub("b"), sub("c"), sub("d")])).message).toMatchInlineSnapshot(
    `"this batch of 4 calls is over the 3 that are left of 3: ask in fewer prompts or raise --max-calls (E_BUDGET)"`,
  );
  for (let n = 0; n < 3; n++) (await few.reserve(priced, sub("a"), NEVER)).settle(reply(1, 1));
  expect((await failure(few.reserve(priced, sub("a"), NEVER))).message).toMatchInlineSnapshot(
    `"no model call is left of 3: raise --max-calls (E_BUDGET)"`,
  );
});

test("a call waits for those in flight where they may cost less than they could, and is refused once they did not", async () => {
  const most = costAtMost(priced, sub("hello")) ?? 0;
  const budget = new Budget({ maxUsd: most * 1.5, maxCalls: null });
  const first = await budget.reserve(priced, sub("hello"), NEVER);
  const second = budget.reserve(priced, sub("hello"), NEVER);
  first.settle(reply(1, 1));
  const held = await second;
  const third = budget.reserve(priced, sub("hello"), NEVER);
  held.settle(reply(10, 100));
  expect((await failure(third)).code).toBe("E_BUDGET");
});

test("a call that waits can be cancelled", async () => {
  const budget = new Budget({ maxUsd: null, maxCalls: 1 });
  const held = await budget.reserve(priced, sub("a"), NEVER);
  const cancel = new AbortController();
  const waiting = budget.reserve(priced, sub("a"), cancel.signal);
  const reason = new Error("stop");
  cancel.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  held.release();
  expect(budget.left.calls).toBe(1);
});

test("a model of unknown price runs under the number of calls alone, and makes the sum unknown; priced ones stay bound", async () => {
  const budget = new Budget({ maxUsd: 0.01, maxCalls: 2 });
  (await budget.reserve(unpriced, sub("a"), NEVER)).settle(reply(1_000_000, 1));
  expect(budget.ledger.total.usd).toBeNull();
  expect(budget.left.usd).toBe(0.01);
  expect((await failure(budget.reserve(priced, sub("a", { maxTokens: 100_000 }), NEVER))).code).toBe("E_BUDGET");
  expect(refusal(() => requirePrices([priced, unpriced], "--max-cost=1")).message).toMatchInlineSnapshot(
    `"--max-cost=1 cannot be kept: the price of openai:llama3 is unknown; give it by --prices FILE ({"llama3": {"input": USD, "output": USD}} per million tokens), or use --max-calls"`,
  );
  requirePrices([priced], "--max-cost=1");
});

test("cached tokens, written ones and long prompts have their own rates", () => {
  const price = { input: 2, output: 10, cachedInput: 0.5, cacheWrite: 4, long: { above: 1000, input: 20, output: 100 } };
  expect(costOf(price, { inputTokens: 100, outputTokens: 10, cachedInputTokens: 50, cacheWriteTokens: 20 })).toBeCloseTo(
    (30 * 2 + 50 * 0.5 + 20 * 4 + 100) / 1e6,
    12,
  );
  expect(costOf(price, { inputTokens: 1001, outputTokens: 1, cachedInputTokens: 1 })).toBeCloseTo((1001 * 20 + 100) / 1e6, 12);
});

test("a ledger by model", async () => {
  const budget = new Budget({ maxUsd: null, maxCalls: null });
  for (const model of [priced, unpriced, priced]) (await budget.reserve(model, sub("a"), NEVER)).settle(reply(2, 1));
  expect(budget.ledger.byModel.get("test:model")).toMatchObject({ calls: 2, inputTokens: 4 });
  expect(budget.ledger.byModel.get("openai:llama3")).toMatchObject({ calls: 1, usd: null });
});

test.each([
  [4.1, "$4.10", "$4.10"],
  [1.204, "$1.21", "$1.20"],
  [0.05, "$0.05", "$0.05"],
  [0.00412, "$0.0042", "$0.0041"],
  [0.000_000_4, "$0.00000040", "$0.00000040"],
  [0, "$0.00", "$0.00"],
])("%d dollars are %s at most, %s at least", (usd, up, down) => {
  expect([dollars(usd, "up"), dollars(usd, "down")]).toEqual([up, down]);
});

test("whatever is reserved, settled and released, in whatever order, the limits hold", async () => {
  const step = fc.record({
    what: fc.constantFrom("reserve", "settle", "release"),
    text: fc.nat(400),
    maxTokens: fc.integer({ min: 1, max: 2000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    pick: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 0.1, noNaN: true }),
      fc.nat(20),
      async (steps, maxUsd, maxCalls) => {
        const budget = new Budget({ maxUsd, maxCalls });
        const held: { reservation: Reservation; input: number; maxTokens: number; usd: number }[] = [];
        for (const { what, text, maxTokens, share, pick } of steps) {
          if (what === "reserve") {
            const request = sub("x".repeat(text), { maxTokens });
            const usd = costAtMost(priced, request) ?? 0;
            // Would wait: only what fits now is of interest here.
            if (usd > (budget.left.usd ?? 0) || budget.left.calls === 0) continue;
            held.push({ reservation: await budget.reserve(priced, request, NEVER), input: text, maxTokens, usd });
          } else {
            const [taken] = held.splice(pick % Math.max(1, held.length), 1);
            if (taken === undefined) continue;
            if (what === "release") taken.reservation.release();
            else taken.reservation.settle(reply(Math.floor(taken.input * share), Math.floor(taken.maxTokens * share)));
          }
          const inFlight = held.reduce((sum, { usd }) => sum + usd, 0);
          expect((budget.ledger.total.usd ?? 0) + inFlight).toBeLessThanOrEqual(maxUsd + 1e-9);
          expect(budget.ledger.total.calls + held.length).toBeLessThanOrEqual(maxCalls);
          expect(budget.left.usd).toBeCloseTo(maxUsd - (budget.ledger.total.usd ?? 0) - inFlight, 9);
        }
      },
    ),
    { numRuns: 200 },
  );
});

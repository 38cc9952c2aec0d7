// The memo: what was asked is not asked again, whoever asks; what was no answer is.
import { expect, test } from "vitest";
import { HostError } from "../../../src/errors.ts";
import type { ModelReply, ModelRequest } from "../../../src/llm/model.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { Memo, type MemoOptions } from "../../../src/pool/memo.ts";
import { Scheduler } from "../../../src/pool/scheduler.ts";
import { modelOf, sub } from "../llm/requests.ts";

const PRICE = { input: 1, output: 10 };

function reply(text: string, stop: ModelReply["stop"] = "end"): ModelReply {
  return { text, stop, usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0 } };
}

function setUp(
  answer: (request: ModelRequest, signal: AbortSignal) => Promise<ModelReply> | ModelReply = ({ turns }) => reply(turns[0]?.text ?? ""),
) {
  const asked: string[] = [];
  const model = modelOf(
    async (request, signal) => {
      asked.push(request.turns[0]?.text ?? "");
      return await answer(request, signal);
    },
    { price: PRICE },
  );
  const budget = new Budget({ maxUsd: null, maxCalls: null });
  const memo = new Memo(new Scheduler({ limit: 10, sleep: () => Promise.resolve() }).schedule);
  const ask = (request: ModelRequest, options: Partial<MemoOptions> = {}) =>
    memo.ask(model, request, { signal: new AbortController().signal, deadlineMs: 1_000, budget, ...options });
  return { asked, model, budget, memo, ask };
}

test("an identical call is answered by the first one, also while that is on its way; the ledger says what that saved", async () => {
  const { asked, ask, budget, memo, model } = setUp();
  const answers = await Promise.all([ask(sub("a")), ask(sub("a")), ask(sub("b"))]);
  answers.push(await ask(sub("a")));
  expect(asked).toEqual(["a", "b"]);
  expect(answers.map(({ reply: { text } }) => text)).toEqual(["a", "a", "b", "a"]);
  expect(answers.map(({ paid }) => paid?.calls)).toEqual([1, undefined, 1, undefined]);
  expect(budget.ledger.total).toMatchObject({ calls: 2, inputTokens: 20, memo: 2 });
  expect(budget.ledger.total.savedUsd).toBeCloseTo(120e-6, 12);
  expect(await memo.unanswered(model, [sub("a"), sub("c")])).toEqual([sub("c")]);
});

test.each<[string, Partial<ModelRequest>]>([
  ["system", { system: "be short" }],
  ["temperature", { temperature: 0 }],
  ["bound of the reply", { maxTokens: 7 }],
  ["schema", { schema: { type: "object" } }],
])("another %s is another call", async (_, other) => {
  const { asked, ask } = setUp();
  await ask(sub("a"));
  await ask({ ...sub("a"), ...other });
  expect(asked).toHaveLength(2);
});

test("another address of the same model is another model", async () => {
  const { asked, memo, budget, model } = setUp();
  const options = { signal: new AbortController().signal, deadlineMs: 1_000, budget };
  await memo.ask({ ...model, identity: "https://one/v1" }, sub("a"), options);
  await memo.ask({ ...model, identity: "https://one/v2" }, sub("a"), options);
  expect(asked).toHaveLength(2);
});

test("fresh neither uses an answer nor leaves one", async () => {
  const { asked, ask } = setUp();
  await ask(sub("a"), { isFresh: true });
  await Promise.all([ask(sub("a")), ask(sub("a"), { isFresh: true })]);
  await ask(sub("a"));
  expect(asked).toHaveLength(3);
});

test.each<[string, () => ModelReply]>([
  ["refused", () => reply("no", "refusal")],
  ["cut", () => reply("so lo", "length")],
  ["empty", () => reply(" ")],
  [
    "failed",
    () => {
      throw new HostError("E_LLM_BAD_REQUEST", "no");
    },
  ],
])("what was %s is asked again", async (_, answer) => {
  const { asked, ask } = setUp(answer);
  await Promise.allSettled([ask(sub("a")), ask(sub("a"))]);
  expect(asked).toHaveLength(1);
  await Promise.allSettled([ask(sub("a"))]);
  expect(asked).toHaveLength(2);
});

test("a call goes on as long as one waits for it, and is cancelled with the last one", async () => {
  const signals: AbortSignal[] = [];
  const { asked, ask } = setUp(
    (_, signal) =>
      new Promise((resolve, reject) => {
        signals.push(signal);
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        if (asked.length > 1) setTimeout(() => resolve(reply("late")), 20);
      }),
  );
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [ask(sub("a"), { signal: first.signal }), ask(sub("a"), { signal: second.signal })];
  await new Promise((resolve) => setTimeout(resolve, 5));
  first.abort(new HostError("E_CANCELLED", "first"));
  await expect(waiting[0]).rejects.toThrow("first");
  expect(signals[0]?.aborted).toBe(false);
  second.abort(new HostError("E_CANCELLED", "second"));
  await expect(waiting[1]).rejects.toThrow("second");
  expect(signals[0]?.aborted).toBe(true);
  expect((await ask(sub("a"))).reply.text).toBe("late");
});

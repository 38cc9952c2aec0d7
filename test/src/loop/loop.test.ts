// How a run goes and how it ends.
import { expect, test } from "vitest";
import type { Outcome } from "../../../sandbox/outcome.ts";
import type { RunEvent } from "../../../src/events.ts";
import { HostError } from "../../../src/errors.ts";
import { LAST_TURN } from "../../../src/llm/transcript.ts";
import { OfflineModel } from "../../../src/llm/offline.ts";
import type { TurnNote } from "../../../src/loop/types.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { modelOf } from "../llm/requests.ts";
import { final, outcome, play } from "./play.ts";

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 };
const fence = (code: string) => `\`\`\`ts\n${code}\n\`\`\``;

test("cells run in order until FINAL, whose value is the answer as it is", async () => {
  const replies = [{ text: "I look.", code: "context.length" }, fence("FINAL({ n: [1, null, 'x'] })")];
  const { result, requests, cells } = await play(replies, (_, cell) =>
    cell === 0 ? outcome({ output: { text: "3\n", length: 2 }, vars: ["n"] }) : final({ n: [1, null, "x"] }),
  );
  expect(result).toMatchObject({ answer: { n: [1, null, "x"] }, stop_reason: "final", partial: false, iterations: 2 });
  expect(cells).toEqual(["context.length", "FINAL({ n: [1, null, 'x'] })"]);
  expect(requests[1]?.turns.slice(1)).toMatchInlineSnapshot(`
    [
      {
        "call": {
          "code": "context.length",
          "id": "script_1",
        },
        "role": "assistant",
        "text": "I look.",
      },
      {
        "callId": "script_1",
        "role": "output",
        "text": "cell 1: ok (12 ms)
    printed:
    3
    defined: n
    left: 19 turns",
      },
    ]
  `);
});

test("requests only ever grow at the end", async () => {
  const { requests } = await play([fence("1"), "no code", fence("2"), fence("FINAL(1)")], (code) =>
    code.startsWith("FINAL") ? final(1) : outcome(),
  );
  for (const [index, request] of requests.entries()) {
    const before = requests[index - 1];
    if (before !== undefined) expect(request.turns.slice(0, before.turns.length)).toEqual(before.turns);
    expect(request.system).toBe(requests[0]?.system);
  }
});

test("what a model writes after its first block is neither run nor read again", async () => {
  const imagined = `I count.\n${fence("count()")}\nThe output is 42.\n${fence("FINAL(42)")}`;
  const { requests, cells } = await play([imagined, fence("FINAL(7)")], (code) => (code.startsWith("FINAL") ? final(7) : outcome()));
  expect(cells).toEqual(["count()", "FINAL(7)"]);
  expect(requests[1]?.turns[1]).toEqual({ role: "assistant", text: `I count.\n${fence("count()")}` });
});

test.each([false, 0, "", null, [], "FINAL(1)"])("FINAL(%j) keeps its type", async (value) => {
  expect((await play([fence("FINAL(x)")], () => final(value))).result.answer).toEqual(value);
});

test("at the limit one more turn asks for the answer: partial", async () => {
  const { result, requests } = await play(
    [fence("1"), fence("2"), fence("FINAL(3)")],
    (code) => (code.startsWith("FINAL") ? final(3) : outcome()),
    { limits: { maxIterations: 2, modelCallMs: 1000 } },
  );
  expect(result).toMatchObject({ answer: 3, stop_reason: "max_iterations", partial: true, iterations: 2 });
  expect(requests).toHaveLength(3);
  expect(requests[2]?.turns.at(-1)?.text).toContain("This is the last turn: call FINAL now");
  expect(requests[1]?.turns.at(-1)?.text).not.toContain("This is the last turn");
});

test.each(["Seven, I think.", "FINAL(7)", "", fence("7")])("a last turn without FINAL has no answer: %j", async (words) => {
  const { result } = await play([fence("1"), words], () => outcome(), { limits: { maxIterations: 1, modelCallMs: 1000 } });
  expect(result).toMatchObject({ answer: null, stop_reason: "max_iterations", partial: true, iterations: 1 });
});

test("a reply without code is nudged; one that insists is asked for its answer", async () => {
  const { result, requests, cells } = await play(["a", "b", fence("1"), "c", "d", "e", "f", fence("FINAL('x')")], (code) =>
    code.startsWith("FINAL") ? final("x") : outcome(),
  );
  expect(result).toMatchObject({ answer: "x", stop_reason: "max_iterations", partial: true, iterations: 7 });
  expect(cells).toEqual(["1", "FINAL('x')"]);
  expect(requests[1]?.turns.at(-1)).toMatchInlineSnapshot(`
    {
      "role": "user",
      "text": "Your last reply had no cell, so nothing ran. Write one, with the \`repl\` tool or as a \`\`\`ts block. To answer, call FINAL(value) in it: prose is not read.",
    }
  `);
});

const answering = (code: string): Outcome => (code.startsWith("FINAL") ? final("x") : outcome());

test("a budget that is used up ends the run with a last turn, which was kept for it", async () => {
  const { result, requests } = await play([fence("1"), fence("2"), fence("FINAL('x')")], answering, {
    budget: new Budget({ maxCalls: 3 }),
  });
  expect(result).toMatchObject({ answer: "x", stop_reason: "budget", partial: true, iterations: 2 });
  expect(requests).toHaveLength(3);
  expect(requests.map(({ turns }) => turns.at(-1)?.text.includes(LAST_TURN))).toEqual([false, false, true]);
  expect((await play([fence("FINAL('x')")], answering, { budget: new Budget({ maxCalls: 1 }) })).result).toMatchObject({
    answer: "x",
    stop_reason: "budget",
    partial: true,
    iterations: 0,
  });
});

test("two turns in a row whose calls were refused end the run; one between them goes on", async () => {
  const budget = new Budget({ maxCalls: 100 });
  const refuse = (): Outcome => {
    budget.refusal(1000, { usd: 0, tokens: 0, calls: 1000 });
    return outcome();
  };
  const turns = (...codes: string[]): string[] => codes.map(fence);
  const run = (code: string): Outcome => (code === "refused" ? refuse() : answering(code));
  const { result } = await play(turns("refused", "1", "refused", "refused", "FINAL('x')"), run, { budget });
  expect(result).toMatchObject({ answer: "x", stop_reason: "budget", partial: true, iterations: 4 });
});

test("tokens and money bind the loop with its last turn, and shorten replies on the way", async () => {
  const model = modelOf(({ maxTokens }) => Promise.resolve({ text: fence(`${maxTokens}`), stop: "end", usage }), {
    price: { input: 1, output: 10 },
    window: 200_000,
  });
  for (const limits of [{ maxTokens: 18_000 }, { maxUsd: 0.045 }]) {
    const budget = new Budget(limits);
    const { result, cells } = await play(model, () => outcome({ output: { text: "y".repeat(8_000), length: 8_000 } }), { budget });
    expect(result).toMatchObject({ answer: null, stop_reason: "budget", partial: true });
    expect(result.error).toBeUndefined();
    expect(cells.length).toBeGreaterThan(1);
    const bounds = cells.slice(0, result.iterations).map(Number);
    expect(bounds).toEqual(bounds.toSorted((a, b) => b - a));
    const { inputTokens, outputTokens, usd } = budget.ledger.total;
    expect(inputTokens + outputTokens).toBeLessThanOrEqual(limits.maxTokens ?? Infinity);
    expect(usd).toBeLessThanOrEqual(limits.maxUsd ?? Infinity);
  }
});

test("time that is over interrupts the cell, and leaves a last turn", async () => {
  const budget = new Budget({ maxSeconds: 0.5 });
  const { result } = await play(
    [fence("slow"), fence("FINAL('x')")],
    async (code) => {
      if (code === "slow") await new Promise((resolve) => setTimeout(resolve, 480));
      return answering(code);
    },
    { budget },
  );
  expect(result).toMatchObject({ answer: "x", stop_reason: "budget", partial: true, iterations: 1 });
});

test("a provider that fails, and a model that declines, end the run with the error", async () => {
  const failing = modelOf(() => Promise.reject(new HostError("E_LLM_AUTH", "the key is wrong", { data: { retryable: false } })));
  expect((await play(failing, () => outcome())).result).toMatchObject({
    answer: null,
    stop_reason: "error",
    partial: true,
    iterations: 0,
    error: { code: "E_LLM_AUTH", message: "the key is wrong (E_LLM_AUTH)" },
  });
  const declining = modelOf(() => Promise.resolve({ text: "I will not.", stop: "refusal", usage }));
  const declined = await play(declining, () => outcome());
  expect(declined.result.error).toEqual({
    code: "E_LLM_REFUSED",
    message: "test:model declined to answer 2 times in a row (E_LLM_REFUSED)",
  });
  expect(declined.requests).toHaveLength(2);
});

test("a session that is gone ends the run; a defect is thrown", async () => {
  const gone = await play([fence("1")], () => Promise.reject(new HostError("E_RESTART_LIMIT", "died too often")));
  expect(gone.result).toMatchObject({ stop_reason: "error", error: { code: "E_RESTART_LIMIT" } });
  await expect(play([fence("1")], () => Promise.reject(new TypeError("defect")))).rejects.toThrow("defect");
});

test("interrupted in a cell, and while the model thinks", async () => {
  const inCell = new AbortController();
  const cell = await play([fence("1")], () => (inCell.abort(new Error("^C")), outcome({ outcome: "interrupted" })), {
    signal: inCell.signal,
  });
  expect(cell.result).toMatchObject({ answer: null, stop_reason: "interrupted", partial: true, iterations: 0 });
  const thinking = new AbortController();
  const model = modelOf(
    (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"))),
      ),
  );
  const run = play(model, () => outcome(), { signal: thinking.signal });
  setImmediate(() => thinking.abort(new Error("^C")));
  expect((await run).result.stop_reason).toBe("interrupted");
});

test("a reply that was cut is told so", async () => {
  let calls = 0;
  const model = modelOf(() => {
    calls++;
    if (calls === 1) return Promise.resolve({ text: "Let me think at length", stop: "length", usage });
    if (calls === 2) return Promise.resolve({ text: "```ts\nconst x = [", stop: "length", usage });
    return Promise.resolve({ text: fence("FINAL(1)"), stop: "end", usage });
  });
  const { requests } = await play(model, (code) =>
    code.startsWith("FINAL")
      ? final(1)
      : outcome({ outcome: "rejected", error: { name: "SyntaxError", message: "the cell ends in the middle" } }),
  );
  expect(requests[1]?.turns.at(-1)?.text).toContain("Your last reply was cut");
  expect(requests[2]?.turns.at(-1)?.text).toContain("Your last reply was cut");
});

test("events and notes of a run", async () => {
  const events: RunEvent[] = [];
  const notes: TurnNote[] = [];
  await play(["words", { code: "FINAL(1)" }], () => final(1), {
    onEvent: (event) => events.push(event),
    onTurn: (note) => notes.push(note),
  });
  expect(events.map(({ type }) => type)).toEqual(["turn_start", "model_call", "turn_reply", "turn_start", "model_call", "turn_reply"]);
  expect(events[1]).toEqual({ type: "model_call", model: "script:test", purpose: "root", ms: 0, ok: true });
  expect(notes).toMatchObject([
    { type: "reply", iteration: 1, reply: { text: "words" }, code: null },
    { type: "nudge", iteration: 1, text: expect.stringContaining("FINAL") as string },
    { type: "reply", iteration: 2, reply: { text: "" }, code: "FINAL(1)" },
  ]);
});

test("the offline model plays the loop: its plan ends by FINAL, also when cells fail", async () => {
  const isFinal = (code: string) => code.includes("FINAL([") || code.startsWith("FINAL(");
  const good = await play(new OfflineModel(), (code) => (isFinal(code) ? final("quotes") : outcome()), {
    question: "Who is Alice's brother?",
  });
  expect(good.result).toMatchObject({ answer: "quotes", stop_reason: "final", partial: false, iterations: 4 });
  const bad = await play(
    new OfflineModel(),
    (code) => (code.startsWith("FINAL(") ? final("nothing") : outcome({ outcome: "threw", error: { name: "Error", message: "x" } })),
    { question: "Who is Alice's brother?" },
  );
  expect(bad.result).toMatchObject({ answer: "nothing", stop_reason: "final", partial: false, iterations: 3 });
});

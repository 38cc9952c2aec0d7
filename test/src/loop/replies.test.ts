// Replies as they come, in the shapes that models were seen to write them: what runs, what the model is told of the rest, and what it costs.
import { describe, expect, it, test } from "vitest";
import type { ModelReply } from "../../../src/llm/model.ts";
import { Budget } from "../../../src/pool/budget.ts";
import { modelOf } from "../llm/requests.ts";
import { final, outcome, play } from "./play.ts";

const usage = { inputTokens: 100, outputTokens: 10, cachedInputTokens: 0 };
const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;
const said = (text: string, more: Partial<ModelReply> = {}): ModelReply => ({ text, stop: "end", usage, ...more });

/** The replies, then FINAL. */
async function replied(...replies: readonly ModelReply[]) {
  const waiting = [...replies, said(fence("FINAL('done')"))];
  const model = modelOf(() => Promise.resolve(waiting.shift() ?? said("")), { window: 200_000 });
  return await play(model, (code) => (code.startsWith("FINAL(") ? final("done") : outcome({ output: { text: "out", length: 3 } })));
}

describe("a reply with a cell to run", () => {
  it.each<[string, ModelReply, string, string?]>([
    ["several blocks: the first", said(`${fence("1")}\nOutput: 1\n${fence("2")}\nSo the answer is 3.`), "1", "only the first one ran"],
    ["an imagined output", said(`${fence("context.length")}\n\nOutput:\n12,345\n\nThere are 12,345, so FINAL(12345).`), "context.length"],
    ["a fence that is not closed", said("Let me look.\n```ts\nconst n = 1;"), "const n = 1;"],
    ["thinking before it, with a draft", said(`<think>\nFirst ${fence("draft()")} or so.\n</think>\n\nI look.\n${fence("3")}`), "3"],
    ["JSON of a call", said('{"code": "context.length"}'), "context.length"],
    ["JSON of a call in a block", said('```json\n{"name": "repl", "arguments": {"code": "const a = 1;\\na"}}\n```'), "const a = 1;\na"],
    ["JSON of a call whose arguments are text", said(JSON.stringify({ tool: "repl", input: JSON.stringify({ code: "7" }) })), "7"],
    ["JSON of a call in a tag", said('<tool_call>\n{"name": "repl", "arguments": {"code": "8"}}\n</tool_call>'), "8"],
    ["a whole cell in a reply that was cut", said(`${fence("9")}\nAnd then I will`, { stop: "length" }), "9", "write shorter cells"],
    ["a native call beside a block", said(`I look.\n${fence("2")}\nIt is 2.`, { call: { id: "c", code: "1" }, stop: "tool" }), "1"],
    ["code in an unknown language's shadow", said("```bash\nls\n```\n```ts\n1\n```"), "1"],
  ])("%s", async (_, reply, code, note) => {
    const { cells, requests, result } = await replied(reply);
    expect(cells).toEqual([code, "FINAL('done')"]);
    const output = requests[1]?.turns.at(-1);
    expect(output?.role).toBe("output");
    if (note === undefined) expect(output?.text).not.toContain("note:");
    else expect(output?.text).toContain(note);
    // What it imagined is never read again.
    expect(JSON.stringify(requests[1]?.turns)).not.toMatch(/12,345|It is 2|So the answer/);
    expect(result).toMatchObject({ answer: "done", stop_reason: "final", nudges: {} });
  });
});

describe("a reply without one", () => {
  it.each<[string, ModelReply, string, RegExp]>([
    ["words", said("The answer is seven."), "no_code", /had no cell.*prose is not read/],
    ["words that call FINAL", said("FINAL(7)"), "final_in_prose", /names FINAL in its words/],
    ["FINAL_VAR in words", said("I am done: FINAL_VAR(result)"), "final_in_prose", /names FINAL/],
    ["another language", said("```python\nprint(1)\n```"), "language", /a block of python/],
    ["nothing", said(""), "empty", /was empty/],
    ["blanks", said(" \n\t"), "empty", /was empty/],
    ["JSON without code", said('{"answer": 7}'), "no_code", /had no cell/],
    ["a block that was cut", said("```ts\nconst items = [1, 2", { stop: "length" }), "cut", /cut at 16,000 tokens.*nothing ran/],
    ["words that were cut", said("Let me think about this", { stop: "length" }), "cut", /cut at 16,000 tokens/],
    ["thinking that was cut", said("<think>\nLet me see, ```ts\n1", { stop: "length" }), "cut", /cut at/],
    ["thinking alone", said("<think>\nI could say FINAL(7).\n</think>"), "empty", /was empty/],
    ["hidden thinking that was cut", said("", { stop: "length" }), "cut", /cut at/],
    ["a call that was cut", said("", { stop: "length", call: { id: "c", code: "const a = [1," } }), "cut", /cut at/],
    ["a refusal", said("I cannot help with that.", { stop: "refusal" }), "refused", /You declined/],
  ])("%s", async (_, reply, problem, told) => {
    const { cells, requests, result } = await replied(reply);
    expect(cells).toEqual(["FINAL('done')"]);
    expect(result).toMatchObject({ answer: "done", stop_reason: "final", iterations: 2, nudges: { [problem]: 1 } });
    const nudge = requests[1]?.turns.at(-1);
    expect(nudge?.text).toMatch(told);
    expect(nudge?.text.length).toBeLessThan(250);
    // A call is answered as one.
    expect(nudge?.role).toBe(reply.call === undefined ? "user" : "output");
  });

  it("is told so three times in a row, and then asked for its answer, which prose is not", async () => {
    const { result, requests } = await replied(...Array.from({ length: 9 }, () => said("Seven.")));
    expect(result).toMatchObject({ answer: null, stop_reason: "max_iterations", partial: true, iterations: 4, nudges: { no_code: 7 } });
    expect(requests).toHaveLength(7);
    const mended = await replied(...Array.from({ length: 5 }, () => said("Seven.")));
    expect(mended.result).toMatchObject({ answer: "done", partial: true });
  });

  it("costs no more than there is", async () => {
    const model = modelOf(() => Promise.resolve(said("Seven.")));
    const budget = new Budget({ maxCalls: 5 });
    expect((await play(model, () => outcome(), { budget })).result).toMatchObject({ answer: null, stop_reason: "max_iterations" });
    expect(budget.ledger.total.calls).toBe(5);
  });
});

test("a cell that only shows the context is shown little of it, and told why", async () => {
  const long = outcome({ output: { text: "x".repeat(8_000), length: 5_000_000 } });
  for (const code of ["print(context)", "context", "console.log(context.slice(0, 100000));", "print(contexts['a.log'])"]) {
    const { requests } = await play([fence(code), fence("FINAL(1)")], (cell) => (cell.startsWith("FINAL") ? final(1) : long));
    const told = requests[1]?.turns.at(-1)?.text ?? "";
    expect(told, code).toContain("only printed the context");
    expect(told.length, code).toBeLessThan(2_000);
  }
  for (const code of ["context.length", "print(context.length)", "const lines = context.split('\\n'); print(lines.length)", "contextual"]) {
    const { requests } = await play([fence(code), fence("FINAL(1)")], (cell) => (cell.startsWith("FINAL") ? final(1) : long));
    expect(requests[1]?.turns.at(-1)?.text, code).not.toContain("only printed the context");
  }
});

test("an answer that does not fit goes back to the model until it does", async () => {
  const check = (answer: unknown) => Promise.resolve(answer === 3 ? { answer: "three" } : { error: "#: not 3" });
  const { result, requests } = await play([fence("1"), fence("2"), fence("3")], (code) => final(Number(code)), { check });
  expect(result).toMatchObject({ answer: "three", stop_reason: "final", iterations: 3 });
  expect(requests[1]?.turns.at(-1)?.text).toMatch(/^cell 1: answer refused .*\n.*does not fit.*\n#: not 3\nThe run goes on/);
});

// Model calls of a cell, end to end: what reaches the model, replies held to a schema, batches with their order, limit and failures,
// rlm_query at the depth limit, and the budget.
import { describe, expect, it } from "vitest";
import { serveAnthropic, type Policy } from "../src/llm/servers.ts";
import { evaluated, folder, notebook, type JsonOutcome } from "./cli.ts";

const KEY = "sk-ant-test-5f8e21aa90c3d7b6";
/** Replies with the request itself, so that a cell sees what arrived. */
const ECHO = "export default (request) => JSON.stringify(request);";
const SCHEMA = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
const schema = JSON.stringify(SCHEMA);

async function scripted(script: object | string, expressions: readonly string[], args: readonly string[] = []): Promise<JsonOutcome[]> {
  const name = typeof script === "string" ? "s.ts" : "s.json";
  using files = folder({ [name]: typeof script === "string" ? script : JSON.stringify(script), "docs/a.txt": "text\n" });
  return await evaluated(expressions, ["-m", `script:${name}`, "-c", "docs", ...args], { cwd: files.path });
}

function values(outcomes: readonly JsonOutcome[]): readonly unknown[] {
  return outcomes.map(({ value, error }) => value ?? error);
}

/** Cells against a real server on loopback. */
async function served(policy: Policy, cells: readonly string[], args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const server = await serveAnthropic(policy);
  const outcomes = await notebook(cells, ["-m", "anthropic", ...args], {
    env: { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, ...env },
  });
  await server[Symbol.asyncDispose]();
  return { outcomes, server };
}

describe("a request", () => {
  it("has exactly what the cell said", async () => {
    const turns = [{ role: "user", text: "a" }];
    const outcomes = await scripted(ECHO, [
      "llm_query('a').then(JSON.parse)",
      `llm_query('a', { system: 'be brief', temperature: 0.5, max_tokens: 7 }).then(JSON.parse)`,
      "llm_batch_query(['a', 'b'], { system: 's' }).then((all) => all.map((one) => [JSON.parse(one).turns[0].text, JSON.parse(one).system]))",
    ]);
    expect(values(outcomes)).toEqual([
      { purpose: "sub", turns, maxTokens: 4096 },
      { purpose: "sub", turns, maxTokens: 7, system: "be brief", temperature: 0.5 },
      [
        ["a", "s"],
        ["b", "s"],
      ],
    ]);
  });

  it("of an rlm_query at the depth limit ends with the text of its context, and the cell is told", async () => {
    const limit = ["--max-depth", "0"];
    const asked = (call: string) => `${call}.then((r) => JSON.parse(r).turns[0].text)`;
    const outcomes = await scripted(
      ECHO,
      [
        asked("rlm_query('why?')"),
        asked("rlm_query('why?', { context: 'some text' })"),
        asked("rlm_query('why?', { context: { a: [1] } })"),
        "rlm_batch_query(['p', 'q'], { context: 'shared' }).then((all) => all.map((r) => JSON.parse(r).turns[0].text))",
        "rlm_query('why?', { context })",
        "rlm_batch_query(['why?'], { context })",
      ],
      limit,
    );
    expect(values(outcomes).slice(0, 4)).toEqual([
      "why?",
      "why?\n\nsome text",
      'why?\n\n{\n "a": [\n  1\n ]\n}',
      ["p\n\nshared", "q\n\nshared"],
    ]);
    expect(outcomes.map(({ warnings }) => warnings.length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(outcomes[0]?.warnings[0]).toMatch(/^rlm_query ran as llm_query: .*depth limit/);
    for (const { error } of outcomes.slice(4)) expect(error).toMatchObject({ code: "E_LLM_TOO_LARGE" });
  });
});

describe("a schema", () => {
  const rules = [
    // Corrected prompts carry the wrong reply: the second try.
    { match: "Your last reply was:\nnot json", reply: '```json\n{"n": 2}\n```' },
    { match: "corrigible", reply: "not json" },
    { match: "wrong", reply: '{"n": "two"}' },
    { match: "fails", error: { code: "E_LLM_REFUSED", message: "no" } },
  ];
  const script = { rules, default: '{"n":1}' };

  it("parses, goes back with what is wrong, and gives up after three", async () => {
    const outcomes = await scripted(
      script,
      [
        `llm_query('good', { schema: ${schema} })`,
        `llm_query('corrigible', { schema: ${schema} })`,
        `llm_query('wrong', { schema: ${schema} })`,
        `llm_query('fails', { schema: ${schema} })`,
        `rlm_query('corrigible', { schema: ${schema}, context: 'c' })`,
        "llm_query('good', { schema: { type: 'array' } }).catch((e) => [e.name, e.code])",
      ],
      ["--max-depth", "0"],
    );
    expect(values(outcomes)).toEqual([
      { n: 1 },
      { n: 2 },
      expect.objectContaining({ code: "E_LLM_SCHEMA" }),
      expect.objectContaining({ code: "E_LLM_REFUSED" }),
      { n: 2 },
      ["Error", "E_LLM_SCHEMA"],
    ]);
    expect(outcomes[2]?.error?.message).toMatch(/no reply of 3 fits the schema: #\/n: .*\(E_LLM_SCHEMA\)$/s);
    expect(outcomes.map(({ calls }) => calls)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("in a batch retries only the slots that need it, and keeps each slot's own failure", async () => {
    const [batch, thrown, budget] = await scripted(
      script,
      [
        `llm_batch_query(['good', 'corrigible', 'wrong', 'fails'], { schema: ${schema} })`,
        `llm_batch_query(['good', 'wrong'], { schema: ${schema}, on_error: 'throw' }).catch((e) => [e.name, e.code, e.results])`,
        `llm_batch_query(['good', 'corrigible', 'good', 'wrong too'], { schema: ${schema} })`,
      ],
      // 3 + 2 + 1 (the one that was refused costs nothing), then 1 + 1 + 1 for the one that fitted nothing, then 1 + 1.
      ["--max-calls", "11"],
    );
    expect(batch).toMatchObject({ value: [{ n: 1 }, { n: 2 }, null, null], calls: 3 });
    expect(batch?.warnings).toEqual([
      expect.stringMatching(/2 of 4 slots failed and are null: \[2\] E_LLM_SCHEMA: no reply of 3.*\[3\] E_LLM_REFUSED/s),
    ]);
    expect(thrown).toMatchObject({ value: ["BatchError", "E_BATCH", [{ n: 1 }, null]], warnings: [] });
    expect(budget).toMatchObject({ value: [{ n: 1 }, { n: 2 }, { n: 1 }, null] });
    expect(budget?.warnings[0]).toContain("[3] E_BUDGET");
  });
});

describe("a batch", () => {
  /** The later a prompt, the sooner its reply. */
  const racing: Policy = async ({ last }) => {
    await new Promise((resolve) => {
      setTimeout(resolve, 80 - Number(last));
    });
    return last === "13" ? { status: 400, body: { error: { type: "invalid_request_error", message: "unlucky" } } } : `reply ${last}`;
  };
  const PROMPTS = "Array.from({ length: 24 }, (_, i) => String(i))";
  const REPLIES = Array.from({ length: 24 }, (_, i) => (i === 13 ? null : `reply ${i}`));

  it.each([
    ["as many as RLM_SEMAPHORE_LIMIT", "", { RLM_SEMAPHORE_LIMIT: "6" }, 6],
    ["as many as its limit", ", { limit: 3 }", {}, 3],
    ["never more than the session's, whatever its limit", ", { limit: 20 }", { RLM_SEMAPHORE_LIMIT: "4" }, 4],
  ])("asks %s at a time, and keeps the order", async (_, options, env, peak) => {
    const { outcomes, server } = await served(racing, [`await llm_batch_query(${PROMPTS}${options})`], [], env);
    expect(outcomes[0]).toMatchObject({ outcome: "ok", value: REPLIES });
    expect(outcomes[0]?.warnings).toEqual([
      expect.stringMatching(/^llm_batch_query: 1 of 24 slots failed and are null: \[13\] E_LLM_BAD_REQUEST/),
    ]);
    expect(server.peak).toBe(peak);
  });

  it("shares the limit with every other call of the session", async () => {
    const source = `(await Promise.all([llm_batch_query(${PROMPTS}), llm_batch_query(${PROMPTS}, { fresh: true }), llm_query('5', { fresh: true })])).length`;
    const { outcomes, server } = await served(racing, [source], ["--concurrency", "5"]);
    expect(outcomes[0]).toMatchObject({ value: 3 });
    expect([server.peak, server.requests.length]).toEqual([5, 49]);
  });

  it("throws a BatchError with the results where it is told to", async () => {
    const { outcomes } = await served(racing, [
      `try { await llm_batch_query(${PROMPTS}, { on_error: "throw" }) } catch (e) { [e.name, e.code, e.results, e instanceof Error] }`,
      `await llm_batch_query(['1', '13'], { on_error: "throw" })`,
    ]);
    expect(outcomes[0]).toMatchObject({ value: ["BatchError", "E_BATCH", REPLIES, true], warnings: [] });
    expect(outcomes[1]).toMatchObject({ outcome: "threw", error: { name: "BatchError", code: "E_BATCH", line: 1 } });
  });
});

describe("the budget", () => {
  it("of calls is told, refuses before it asks, and leaves the rest usable", async () => {
    const outcomes = await scripted(
      { default: "reply" },
      [
        "budget().calls",
        "llm_query('a')",
        "budget().calls",
        "llm_batch_query(['b', 'c', 'd'])",
        "rlm_batch_query(['b', 'c', 'd'])",
        "budget().calls",
        "llm_batch_query(['b', 'c'])",
        "llm_query('a')",
        "llm_query('d')",
        "budget().calls",
      ],
      ["--max-calls", "3"],
    );
    const refused = expect.objectContaining({ code: "E_BUDGET" }) as unknown;
    expect(values(outcomes)).toEqual([3, "reply", 2, refused, refused, 2, ["reply", "reply"], "reply", refused, 0]);
    expect(outcomes[3]?.error?.message).toMatch(/^this batch of 3 calls is over the 2 that are left of 3: .*--max-calls/);
  });

  it("of money is told, and no request leaves that it cannot pay", async () => {
    const { outcomes, server } = await served(
      () => ({ text: "ok", usage: { input: 1_000, output: 1_000 } }),
      [
        "budget().usd",
        "await llm_query('x')",
        "budget().usd",
        "await llm_batch_query(Array.from({ length: 50_000 }, (_, i) => 'y' + i))",
        "await llm_query('z'.repeat(400_000))",
      ],
      ["--max-cost", "0.05"],
    );
    const [before, , after, batch, large] = outcomes;
    expect(before?.value).toBe(0.05);
    expect(after?.value).toBeLessThan(0.05);
    expect(after?.value).toBeGreaterThan(0);
    for (const refused of [batch, large]) expect(refused).toMatchObject({ outcome: "threw", error: { code: "E_BUDGET" } });
    expect(batch?.error?.message).toMatch(/^this batch of 50000 calls needs about \$.*, \$.* are left: .*--max-cost/);
    expect(server.requests).toHaveLength(1);
  });
});

// Children of rlm_query: real sandboxes with loops of their own, models played in this process or by servers on loopback.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, openSession, type Model, type ModelRequest, type SessionEvent, type SessionOptions } from "../../src/index.ts";
import { kernelsBelow } from "../faults/setup.ts";
import { serveAnthropic, type Policy } from "../src/llm/servers.ts";
import { folder } from "./cli.ts";

const QUIET = { env: {}, ephemeral: true } as const;
const USAGE = { inputTokens: 100, outputTokens: 10, cachedInputTokens: 0 };

/** Cells by the question they are asked, one after another; a sub-model echoes. */
type Cells = (question: string, turn: number) => string | undefined;

function player(cells: Cells, seen: ModelRequest[] = [], more: Partial<Model> = {}): Model {
  return {
    id: "test:player",
    name: "player",
    window: undefined,
    price: { input: 1, output: 10 },
    endpoint: undefined,
    async complete(request, signal) {
      seen.push(request);
      await new Promise((resolve) => setTimeout(resolve, 2));
      signal.throwIfAborted();
      const [first] = request.turns;
      if (request.purpose === "sub") return { text: `echo ${first?.text}`, stop: "end", usage: USAGE };
      const turn = request.turns.filter(({ role }) => role === "assistant").length;
      const code = cells(questionIn(first?.text ?? ""), turn);
      return { text: code === undefined ? "I do not know." : `\`\`\`ts\n${code}\n\`\`\``, stop: "end", usage: USAGE };
    },
    ...more,
  };
}

function questionIn(text: string): string {
  return /<question>\n([\s\S]*?)\n<\/question>/.exec(text)?.[1] ?? "";
}

/** One cell in a session whose children are played. */
async function cell(code: string, cells: Cells, options: SessionOptions = {}) {
  const seen: ModelRequest[] = [];
  await using session = await openSession({ ...QUIET, model: player(cells, seen), ...options });
  const result = await session.run(code);
  return { ...result, seen, usage: session.usage };
}

describe("a child of rlm_query", () => {
  it("has a sandbox of its own, the context it is given, and answers any JSON value", async () => {
    const cells: Cells = () =>
      "const own = typeof mine; FINAL({ own, type: typeof context, n: context.n ?? context.length, names: Object.keys(contexts) })";
    const { value, seen } = await cell(
      `const mine = 1;
       [await rlm_query("one"), await rlm_query("two", { context: { n: 5 } }), await rlm_query("three", { context: "four" }),
        await rlm_query("five", { context }), ...await rlm_batch_query(["six", "seven"], { context: [1, 2, 3] })]`,
      cells,
      { context: { name: "big.log", text: "x".repeat(5_000_000) } },
    );
    const own = "undefined";
    expect(value).toEqual([
      { own, type: "string", n: 3, names: ["prompt"] },
      { own, type: "object", n: 5, names: ["context"] },
      { own, type: "string", n: 4, names: ["context"] },
      { own, type: "string", n: 5_000_000, names: ["big.log"] },
      { own, type: "object", n: 3, names: ["context"] },
      { own, type: "object", n: 3, names: ["context"] },
    ]);
    for (const { turns } of seen) for (const { text } of turns) expect(text.length).toBeLessThan(20_000);
  });

  it("reads a Corpus of its parent, and its files", async () => {
    using files = folder({ "a.txt": "alpha\n", "b/c.txt": "beta\n" });
    const { value } = await cell(
      `await rlm_query("read", { context })`,
      () => `FINAL([context.files.length, await context.read("b/c.txt"), await read_file("a.txt"), (await rg_search("alpha")).length])`,
      { cwd: files.path, context: "." },
    );
    expect(value).toEqual([2, "beta\n", "alpha\n", 1]);
  });

  it("is an llm_query at the depth limit, and says so", async () => {
    const cells: Cells = (question) => (question === "top" ? `FINAL(await rlm_query("below", { context: "text" }))` : undefined);
    const { value, seen, warnings } = await cell(`await rlm_query("top")`, cells);
    expect(value).toBe("echo below\n\ntext");
    expect(seen.map(({ purpose }) => purpose)).toEqual(["root", "sub"]);
    expect(warnings).toEqual([]);
    const none = await cell(`await rlm_query("below", { context: "text" })`, cells, { maxDepth: 0 });
    expect(none.value).toBe("echo below\n\ntext");
    expect(none.warnings).toEqual([expect.stringContaining("--max-depth")]);
  });

  it("fails with a code, never with an answer, and a batch loses no other slot", async () => {
    const cells: Cells = (question, turn) =>
      question === "good" ? "FINAL(1)" : question === "partial" ? (turn < 2 ? "1" : "FINAL('late')") : undefined;
    const { value, warnings } = await cell(
      `[await rlm_query("prose").catch((e) => e.code), await rlm_batch_query(["good", "prose", "partial"], { max_iterations: 2 }),
        await rlm_batch_query(["good", "prose"], { on_error: "throw" }).catch((e) => [e.name, e.results])]`,
      cells,
    );
    expect(value).toEqual(["E_NO_ANSWER", [1, null, "late"], ["BatchError", [1, null]]]);
    expect(warnings).toEqual([
      expect.stringMatching(/partial/),
      expect.stringMatching(/^rlm_batch_query: 1 of 3 slots failed and are null: \[1\] E_NO_ANSWER/),
    ]);
  });

  it("is held to a schema", async () => {
    const cells: Cells = (question) => (question === "fits" ? "FINAL({ n: 1 })" : "FINAL({ n: 'one' })");
    const schema = `{ type: "object", properties: { n: { type: "number" } }, required: ["n"] }`;
    const { value } = await cell(
      `[await rlm_query("fits", { schema: ${schema} }), await rlm_query("not", { schema: ${schema} }).catch((e) => e.code),
        await rlm_batch_query(["fits", "not"], { schema: ${schema} })]`,
      cells,
    );
    expect(value).toEqual([{ n: 1 }, "E_LLM_SCHEMA", [{ n: 1 }, null]]);
  });

  it("runs once where another is identical, and anew with fresh", async () => {
    const cells: Cells = () => "FINAL(Math.random())";
    const { value, usage } = await cell(
      `const a = await rlm_query("same"), b = await rlm_query("same"), c = await rlm_query("same", { fresh: true });
       [a === b, a === c, new Set(await rlm_batch_query(["p", "p", "p"])).size]`,
      cells,
    );
    expect(value).toEqual([true, false, 1]);
    expect(usage).toMatchObject({ calls: 3, memo: 3 });
  });
});

describe("a tree", () => {
  it("has a part of its parent's budget each, which gives back what it does not spend", async () => {
    const cells: Cells = (question) => (question.startsWith("tell") ? "FINAL(budget())" : undefined);
    const { value } = await cell(
      `[budget(), await rlm_query("tell"), await rlm_query("tell", { budget: 0.1, fresh: true }), await rlm_batch_query(["tell a", "tell b"]), budget()]`,
      cells,
      { maxCalls: 101, maxTokens: 1_000_000, maxCost: 10, maxTime: 600, maxDepth: 2 },
    );
    const [before, half, tenth, batch, after] = value as { calls: number; tokens: number; usd: number; depth: number }[];
    expect(before).toMatchObject({ calls: 101, tokens: 1_000_000, usd: 10, depth: 2, iterations: null });
    // One call is made, and one is kept for a last turn.
    expect(half).toMatchObject({ calls: 48, depth: 1, iterations: 19 });
    expect(tenth).toMatchObject({ calls: 8 });
    expect(batch).toMatchObject([{ calls: 22 }, { calls: 23 }]);
    expect(after).toMatchObject({ calls: 97, tokens: 1_000_000 - 4 * 110 });
    expect(after?.usd).toBeCloseTo(10 - 4 * 200e-6, 9);
  });

  it("never spends more than its bounds, however children multiply", async () => {
    const bomb: Cells = () => "await rlm_batch_query(['a' + Math.random(), 'b' + Math.random(), 'c' + Math.random()])";
    for (const limits of [{ maxCalls: 30 }, { maxTokens: 60_000 }, { maxCost: 0.2 }]) {
      const seen: ModelRequest[] = [];
      const result = await ask("go", { ...QUIET, model: player(bomb, seen), maxDepth: 4, maxIterations: 3, ...limits });
      expect(result).toMatchObject({ answer: null, partial: true });
      const { calls, inputTokens, outputTokens, usd } = result.usage;
      expect(calls).toBe(seen.length);
      expect(calls).toBeLessThanOrEqual(limits.maxCalls ?? Infinity);
      expect(inputTokens + outputTokens).toBeLessThanOrEqual(limits.maxTokens ?? Infinity);
      expect(usd ?? Infinity).toBeLessThanOrEqual(limits.maxCost ?? Infinity);
    }
    const many = await cell("await rlm_batch_query(Array(10_000).fill('x')).catch((e) => e.code)", bomb, { maxCalls: 100 });
    expect([many.value, many.seen.length]).toEqual(["E_BUDGET", 0]);
  });

  it("comes to its end at one call at a time, three levels deep", async () => {
    const cells: Cells = (question) => {
      const level = Number(question.slice(0, 1));
      return level === 3
        ? `FINAL(await llm_batch_query(["${question}x", "${question}y"]))`
        : `FINAL((await rlm_batch_query(["${level + 1}${question}l", "${level + 1}${question}r"])).flat())`;
    };
    const { value, usage } = await cell(`(await rlm_batch_query(["1l", "1r"])).flat().length`, cells, { concurrency: 1, maxDepth: 3 });
    expect(value).toBe(16);
    expect(usage.calls).toBe(2 + 4 + 8 + 16);
  });

  it("is told whole: sums that are the server's own count, by model and by child, each with a journal", async () => {
    using state = folder({});
    const policy: Policy = ({ root, turns, last }) => {
      if (!root) return { text: `echo ${last}`, usage: { input: 50, output: 5, cacheRead: 20 } };
      const code = turns[0]?.text.includes("\ntop\n")
        ? `const r = await rlm_batch_query(["p", "q"]); r.push(await llm_query("own")); FINAL(r)`
        : `FINAL(await llm_query("of " + context))`;
      return { text: "", code, usage: { input: 1_000, output: 100 } };
    };
    await using server = await serveAnthropic(policy);
    const events: SessionEvent[] = [];
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", ANTHROPIC_BASE_URL: server.url };
    const result = await ask("top", { env, stateDir: state.path, model: "anthropic", onEvent: (event) => events.push(event) });
    expect(result.answer).toEqual(["echo of p", "echo of q", "echo own"]);
    expect(server.requests).toHaveLength(6);
    const roots = server.requests.filter(({ root }) => root).length;
    expect(result.usage).toMatchObject({ calls: 6, cachedInputTokens: 60, outputTokens: roots * 100 + 15 });
    const { byModel, children } = result.tree;
    expect(Object.values(byModel).reduce((sum, { calls }) => sum + calls, 0)).toBe(6);
    expect(children.map(({ session, total }) => [session, total.calls])).toEqual([
      [`${result.session}.1.0`, 2],
      [`${result.session}.1.1`, 2],
    ]);
    for (const place of ["1.0", "1.1"]) {
      const journal = join(state.path, "sessions", result.session, "children", place, "journal.jsonl");
      const [header = ""] = readFileSync(journal, "utf8").split("\n");
      expect(JSON.parse(header)).toMatchObject({ session: `${result.session}.${place}`, parent: { session: result.session, seq: 1 } });
    }
    expect(existsSync(join(state.path, "sessions", result.session, "journal.jsonl"))).toBe(true);
    expect(events.some((event) => event.type === "child" && event.session === `${result.session}.1.0` && event.depth === 1)).toBe(true);
    // What is gone on with has its children's answers, and their cost.
    await using again = await openSession({ env, stateDir: state.path, resume: result.session });
    expect((await again.run("r")).value).toEqual(result.answer);
    expect(again.usage).toMatchObject({ calls: 6, usd: expect.closeTo(result.usage.usd ?? NaN, 12) });
    expect(server.requests).toHaveLength(6);
    expect((await again.run(`await rlm_query("later")`)).value).toBe("echo of later");
    expect(again.usage.calls).toBe(8);
  });

  it("tells the journal what each child paid, once, and also where it failed", async () => {
    using state = folder({});
    const cells: Cells = (question) => (question === "good" ? "FINAL(1)" : undefined);
    await using session = await openSession({ env: {}, stateDir: state.path, model: player(cells) });
    await session.run(`await rlm_query("good"); await rlm_query("good"); await rlm_query("prose", { max_iterations: 1 }).catch(() => 0)`);
    const answers = readFileSync(join(state.path, "sessions", session.id, "journal.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith('{"type":"answer"'))
      .map((line) => JSON.parse(line) as { readonly ok: boolean; readonly paid?: { readonly calls: number } });
    expect(answers.map(({ ok, paid }) => [ok, paid?.calls])).toEqual([
      [true, 1],
      [true, undefined],
      [false, session.usage.calls - 1],
    ]);
  });

  it("never asks more at a time than the limit", async () => {
    const policy: Policy = async ({ root }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return root ? { text: "", code: "FINAL((await llm_batch_query(Array.from({ length: 10 }, (_, i) => context + i))).length)" } : "ok";
    };
    await using server = await serveAnthropic(policy);
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", ANTHROPIC_BASE_URL: server.url };
    await using session = await openSession({ env, ephemeral: true, model: "anthropic" });
    const { value } = await session.run("await rlm_batch_query(Array.from({ length: 10 }, (_, i) => `child ${i} `))");
    expect(value).toEqual(Array.from({ length: 10 }, () => 10));
    expect(server.requests).toHaveLength(110);
    expect(server.peak).toBe(10);
  });

  it("ends at once when it is cancelled: sockets closed, processes gone, the session there", async () => {
    await using server = await serveAnthropic(({ root }) =>
      root ? { text: "", code: "await llm_batch_query(['a', 'b', 'c'])" } : { fault: "hang" },
    );
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", ANTHROPIC_BASE_URL: server.url };
    await using session = await openSession({ env, ephemeral: true, model: "anthropic" });
    await session.run("const kept = 7");
    const before = kernelsBelow(process.pid).length;
    const stop = new AbortController();
    const running = session.run("await rlm_batch_query(['x', 'y'])", { signal: stop.signal });
    // Two roots, and the three calls that identical cells of theirs share.
    await server.whenAsked(5);
    stop.abort();
    expect((await running).outcome).toBe("interrupted");
    await server.whenClosed(3);
    await expect.poll(() => kernelsBelow(process.pid).length, { timeout: 5_000 }).toBeLessThanOrEqual(before);
    expect((await session.run("kept")).value).toBe(7);
  });
});

describe("a batch that is dear", () => {
  it("is refused where nobody can be asked, and runs where somebody agreed", async () => {
    const dear = { confirmCost: 0.001 };
    const batch = "await llm_batch_query(['a', 'b', 'c'])";
    const refused = await cell(batch, () => undefined, dear);
    expect(refused.error).toMatchObject({ code: "E_DECLINED", message: expect.stringContaining("--yes") });
    expect(refused.seen).toEqual([]);
    expect((await cell(batch, () => undefined, { ...dear, yes: true })).value).toEqual(["echo a", "echo b", "echo c"]);
    const asked: string[] = [];
    const confirm = (question: string): Promise<boolean> => Promise.resolve(asked.push(question) > 1);
    const { value, seen } = await cell(`[await ${batch.slice(6)}.catch((e) => e.code), await ${batch.slice(6)}]`, () => undefined, {
      ...dear,
      confirm,
    });
    expect(value).toEqual(["E_DECLINED", ["echo a", "echo b", "echo c"]]);
    expect(seen).toHaveLength(3);
    expect(asked[0]).toMatch(/^this batch of 3 calls to test:player is likely to cost \$0\.0\d+\. Go on\?$/);
  });
});

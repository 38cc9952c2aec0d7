// The library as a program uses it: real sessions, models of its own, everything closed at the end.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, HostError, openSession, optimalWorkers, type Model, type ModelRequest, type SessionEvent } from "../../../src/index.ts";
import { folder } from "../../e2e/cli.ts";

const QUIET = { env: {}, ephemeral: true } as const;

/** A root model that answers with one cell after the other, and echoes as sub-model. */
function scripted(cells: readonly string[], seen: ModelRequest[] = []): Model {
  let turn = 0;
  return {
    id: "test:scripted",
    name: "scripted",
    window: undefined,
    price: { input: 1, output: 1 },
    endpoint: undefined,
    complete(request) {
      seen.push(request);
      const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0 };
      const text =
        request.purpose === "sub" ? `echo ${request.turns.at(-1)?.text ?? ""}` : `\`\`\`ts\n${cells[turn++] ?? "FINAL(null)"}\n\`\`\``;
      return Promise.resolve({ text, stop: "end", usage });
    },
  };
}

describe("a session", () => {
  it("runs cells and gives their results as values", async () => {
    await using session = await openSession({ ...QUIET, model: (prompt) => Promise.resolve(prompt.toUpperCase()) });
    expect(await session.run("const a = 1; print('said'); ({ a, list: [1, 'x'] })")).toMatchObject({
      cell: 1,
      outcome: "ok",
      value: { a: 1, list: [1, "x"] },
      preview: "{ a: 1, list: [ 1, 'x' ] }",
      type: "object",
      output: "said\n",
      vars: ["a"],
    });
    expect("value" in (await session.run("undefined"))).toBe(false);
    expect((await session.run("await llm_query('loud', { system: 'be' })")).value).toBe("BE\n\nLOUD");
    expect((await session.run("null.x")).error).toMatchObject({ name: "TypeError", line: 1, column: 6 });
    expect(await session.vars()).toEqual([{ name: "a", type: "number", size: 0, preview: "1" }]);
    expect(session.usage).toMatchObject({ calls: 1, usd: null });
  });

  it("takes contexts from memory and from files, and other ones later, with the variables kept", async () => {
    using files = folder({ "a.log": "from a file\n", "dir/b.txt": "b" });
    await using session = await openSession({
      ...QUIET,
      cwd: files.path,
      context: ["a.log", { text: "in memory" }, { name: "data", value: { n: [1, 2] } }],
    });
    expect((await session.run("const kept = 5; [contexts['a.log'], contexts.text, context.n[1]]")).value).toEqual([
      "from a file\n",
      "in memory",
      2,
    ]);
    expect(session.contexts.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["a.log text", "text text", "data json"]);
    expect(await session.setContext("dir")).toBeUndefined();
    expect((await session.run("[Object.keys(contexts), await context.read('b.txt'), await read_file('b.txt'), kept]")).value).toEqual([
      ["dir"],
      "b",
      "b",
      5,
    ]);
    const [scanned] = (await session.run("await parallel_scan([(c) => c.files.length])")).value as { value: number }[];
    expect(scanned?.value).toBe(1);
    await expect(session.setContext("nowhere")).rejects.toThrow("no such context: nowhere");
    expect((await session.run("Object.keys(contexts)")).value).toEqual(["dir"]);
    await session.setContext();
    expect((await session.run("[typeof context, Object.keys(contexts), kept]")).value).toEqual(["undefined", [], 5]);
    // For one that does not fit beside what there is the sandbox is replaced, and the session rebuilt in it.
    await using small = await openSession({ ...QUIET, memory: 64, context: { text: "first" } });
    await small.run("const head = context.slice(0, 3)");
    expect(await small.setContext({ text: "x".repeat(40_000_000) })).toBe("rebuilt");
    expect((await small.run("[context.length, head]")).value).toEqual([40_000_000, "fir"]);
  });

  it("asks in its own variables, within the bounds of the question", async () => {
    const seen: ModelRequest[] = [];
    const model = scripted(
      ["const found = mine + 1; print(budget().calls, budget().iterations)", "FINAL({ found, said: await llm_query('q') })"],
      seen,
    );
    await using session = await openSession({ ...QUIET, model });
    await session.run("let mine = 41");
    expect(await session.ask("how many?", { maxCalls: 10, maxIterations: 5 })).toEqual({
      answer: { found: 42, said: "echo q" },
      stopReason: "final",
      partial: false,
      iterations: 2,
      nudges: {},
      compactions: 0,
      model: { root: "test:scripted", sub: "test:scripted" },
      usage: {
        calls: 3,
        inputTokens: 30,
        outputTokens: 15,
        cachedInputTokens: 0,
        usd: expect.closeTo(0.000045) as number,
        memo: 0,
        savedUsd: 0,
        repeated: 0,
        queueMs: expect.any(Number) as number,
      },
      tree: {
        total: expect.objectContaining({ calls: 3 }) as object,
        byModel: { "test:scripted": expect.objectContaining({ calls: 3 }) as object },
        children: [],
      },
      session: session.id,
    });
    expect(JSON.stringify(seen[1])).toContain("8 4");
    expect((await session.run("[found, budget().calls]")).value).toEqual([42, null]);
    expect(await session.ask("again", { maxCalls: 1 })).toMatchObject({ answer: null, stopReason: "budget", partial: true });
    await expect(session.ask(" ")).rejects.toThrow("the question is empty");
  });

  it("changes its model, and keeps the one it has when the other cannot be had", async () => {
    await using session = await openSession({ ...QUIET, model: "offline" });
    expect(await session.models()).toMatchObject({ root: "offline" });
    await expect(session.setModel("anthropic")).rejects.toMatchObject({ code: "E_LLM_AUTH" });
    expect(await session.models()).toMatchObject({ root: "offline" });
    expect(await session.setModel(scripted([]))).toEqual({ root: "test:scripted", sub: "test:scripted", isPriced: true });
    expect((await session.run("await llm_query('x')")).value).toBe("echo x");
  });

  it("tells each listener everything from the moment it listens", async () => {
    const first: SessionEvent[] = [];
    const session = await openSession({ ...QUIET, model: "offline", onEvent: (event) => first.push(event) });
    const heard = (async () => {
      const types: string[] = [];
      for await (const event of session.events) types.push(event.type === "cell_end" ? `cell_end ${event.result.outcome}` : event.type);
      return types;
    })();
    await session.run("print('x')");
    await session.close();
    expect(await heard).toEqual(["cell_start", "console", "cell_end ok"]);
    expect(first.map(({ type }) => type)).toEqual(["cell_start", "console", "cell_end"]);
    for await (const event of session.events) expect(event).toBe("nothing comes after the end");
  });

  it("stops by signals: a cell, a question, the session", async () => {
    const closing = new AbortController();
    await using session = await openSession({
      ...QUIET,
      model: scripted(["await new Promise(() => setTimeout(() => {}, 1e6))"]),
      signal: closing.signal,
    });
    await session.run("let kept = 1");
    expect(await session.run("await new Promise((r) => setTimeout(r, 60_000))", { signal: AbortSignal.timeout(200) })).toMatchObject({
      outcome: "interrupted",
    });
    expect(await session.run("1", { signal: AbortSignal.abort() })).toMatchObject({ outcome: "interrupted" });
    expect(await session.ask("q", { signal: AbortSignal.timeout(300) })).toMatchObject({ stopReason: "interrupted", answer: null });
    expect((await session.run("kept")).value).toBe(1);
    closing.abort();
    await expect(session.run("1")).rejects.toMatchObject({ code: "E_CLOSED" });
    await expect(openSession({ ...QUIET, signal: AbortSignal.abort() })).rejects.toThrow();
  });

  it("refuses what does not fit by its argument's name", async () => {
    await expect(openSession({ ...QUIET, memory: 1 })).rejects.toThrow("memory 1 is not a whole number from 16 to 65536");
    await expect(openSession({ ...QUIET, context: "missing.log" })).rejects.toBeInstanceOf(HostError);
    await using session = await openSession(QUIET);
    expect((await session.run("await llm_query('x')")).error).toMatchObject({ code: "E_NO_MODEL" });
    await expect(session.ask("x")).rejects.toMatchObject({ code: "E_NO_MODEL" });
  });

  it("keeps its journal in the state folder, and with `ephemeral` nothing", async () => {
    using files = folder({});
    const stateDir = join(files.path, "state");
    {
      await using kept = await openSession({ env: {}, stateDir });
      await kept.run("1");
      expect(readdirSync(join(stateDir, "sessions"))).toEqual([kept.id]);
    }
    await using session = await openSession({ ...QUIET, stateDir: join(files.path, "none") });
    await session.run("1");
    expect(existsSync(join(files.path, "none"))).toBe(false);
  });

  it("takes settings from variables and files as the command line does", async () => {
    using files = folder({ "rlm.config.json": JSON.stringify({ cell_timeout: 0.3, model: "offline" }) });
    await using session = await openSession({
      cwd: files.path,
      env: { RLM_MAX_WORKERS: "5", XDG_CONFIG_HOME: "/nonexistent" },
      ephemeral: true,
    });
    expect((await session.run("get_optimal_workers()")).value).toBe(5);
    expect(await session.run("for (;;);")).toMatchObject({ outcome: "timeout" });
    expect(await session.models()).toMatchObject({ root: "offline" });
  });
});

describe("ask", () => {
  it("answers over paths as one context, and over contexts one by one", async () => {
    using files = folder({ "a/x.log": "one\n", "b.log": "two\n" });
    const where = { ...QUIET, cwd: files.path };
    const answer = async (options: Parameters<typeof ask>[1]) =>
      (await ask("what?", { ...where, ...options, model: scripted(["FINAL([typeof context, Object.keys(contexts)])"]) })).answer;
    expect(await answer({ paths: ["a", "b.log"] })).toEqual(["object", ["paths"]]);
    expect(await answer({ context: ["a", "b.log"] })).toEqual(["string", ["a", "b.log"]]);
    expect(await answer({})).toEqual(["undefined", []]);
  });

  it("is bounded by 500 calls and 1 USD unless told otherwise", async () => {
    const left = async (options: Parameters<typeof ask>[1]) =>
      (await ask("what?", { ...QUIET, ...options, model: scripted(["const b = budget(); FINAL([b.calls, Math.round(b.usd * 100)])"]) }))
        .answer;
    expect(await left({})).toEqual([498, 98]);
    expect(await left({ maxCalls: 7, maxCost: 0.5 })).toEqual([5, 48]);
  });
});

it("optimalWorkers is what a cell gets", async () => {
  await using session = await openSession({ ...QUIET });
  expect((await session.run("get_optimal_workers()")).value).toBe(optimalWorkers(undefined, undefined, {}));
});

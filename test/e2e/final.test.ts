// The ways to end a run with an answer: from executed code, at any place in a cell, keeping the JSON type.
import { describe, expect, it } from "vitest";
import { folder, notebook, type JsonOutcome } from "./cli.ts";

async function run(cells: readonly string[], args: readonly string[] = []): Promise<JsonOutcome[]> {
  using files = folder({ "s.json": JSON.stringify({ rules: [{ match: "slow", reply: "late", delay_ms: 200 }], default: "reply" }) });
  return await notebook(cells, ["-m", "script:s.json", ...args], { cwd: files.path });
}

describe("FINAL", () => {
  it.concurrent.each([
    ["null", null],
    ["false", false],
    ["0", 0],
    ["''", ""],
    ["[]", []],
    ["[[1, { a: 'é\\u2028😀' }], null]", [[1, { a: "é\u2028😀" }], null]],
    ["JSON.parse('{\"__proto__\": 1}')", JSON.parse('{"__proto__": 1}')],
    ["'x'.repeat(9e6)", "x".repeat(9e6)],
  ])("keeps %s as it is", async (source, value) => {
    const [outcome] = await run([`FINAL(${source})`]);
    expect(outcome?.outcome).toBe("final");
    expect(outcome?.value).toEqual(value);
  });

  it.concurrent.each([
    ["in a then of a call", "llm_query('a').then((r) => FINAL(r)); await new Promise((r) => setTimeout(r, 30_000))", "reply"],
    ["in a timer, while a call is awaited", "setTimeout(() => FINAL('timer'), 1); await llm_query('slow')", "timer"],
    [
      "in an async function nobody awaits",
      "void (async () => { await llm_query('a'); FINAL(1) })(); await llm_query('slow'); 'not this'",
      1,
    ],
    ["in a callback of Promise.all", "await Promise.all([1, 2].map(async (n) => { await llm_query('a'); FINAL(n) }))", 1],
    ["in a getter", "({ get x() { return FINAL('got') } }).x", "got"],
    ["in a finally", "try { throw new Error('x') } finally { FINAL('f') }", "f"],
    ["after a caught one", "for (let i = 0; i < 3; i++) try { FINAL(i) } catch {}", 0],
    ["from a function of an earlier cell", "function ends(v) { FINAL({ v }) }\n// %%\n[5].map(ends)", { v: 5 }],
  ])("%s ends the run", async (_, source, value) => {
    const outcomes = await run(source.split("\n// %%\n"));
    expect(outcomes.at(-1)).toMatchObject({ outcome: "final", value });
    expect(outcomes.at(-1)).not.toHaveProperty("error");
  });

  it("that is caught leaves nothing to do: calls throw it again, output is dropped, later ones are a warning", async () => {
    const [outcome] = await run([
      `print("before"); globalThis.caught = [];
       try { FINAL("first") } catch (e) { caught.push(e.code) }
       print("dropped"); console.log("dropped"); progress(1, 2);
       for (const call of [() => llm_query("a"), () => read_file("x"), () => rg_count("x"), () => parallel_scan([() => 1]), () => setTimeout(() => 1), () => FINAL("second")])
         try { await call(); caught.push("went on") } catch (e) { caught.push(e.code) }
       FINAL(caught)`,
    ]);
    expect(outcome).toMatchObject({ outcome: "final", value: "first", output: "before\n", calls: 0 });
    expect(outcome?.warnings).toEqual(["FINAL was called again; the first answer stands"]);
  });

  it("ends code that catches it and runs on, after a second", async () => {
    const [outcome] = await run(["try { FINAL({ kept: true }) } catch {} for (;;);"]);
    expect(outcome).toMatchObject({ outcome: "final", value: { kept: true } });
    expect(outcome?.ms).toBeLessThan(20_000);
  });

  it.concurrent.each([
    ["FINAL(llm_query('x'))", "TypeError", /got a promise; await it first/],
    ["FINAL()", "TypeError", /the value is undefined \(use null\)/],
    ["FINAL({ a: [1, { b: new Map() }] })", "TypeError", /FINAL: \.a\[1\]\.b is a Map/],
    ["FINAL({ then() {} })", "TypeError", /\.then is a function/],
    ["FINAL({ get a() { throw 1 } })", "TypeError", /threw while it was read/],
    ["FINAL('x'.repeat(2e7))", "Error", /the limit is 16777216: answer with less/],
    ["answer.content = () => 1; answer.ready = true", "TypeError", /answer\.content: the value is a function/],
  ])("%s is an error of the cell, and the run goes on", async (source, name, message) => {
    const [first, second] = await run([source, "FINAL('later')"]);
    expect(first).toMatchObject({ outcome: "threw", error: { name } });
    expect(first?.error?.message).toMatch(message);
    expect(second).toMatchObject({ outcome: "final", value: "later" });
  });
});

describe("FINAL_VAR", () => {
  it.concurrent.each([
    ["const report = { a: 1 }\n// %%\nFINAL_VAR('report')", { a: 1 }],
    ["let späße = [1]; FINAL_VAR('späße')", [1]],
    ["const $x_1 = 'dollar'; FINAL_VAR('$x_1')", "dollar"],
  ])("%s", async (source, value) => {
    expect((await run(source.split("\n// %%\n"))).at(-1)).toMatchObject({ outcome: "final", value });
  });

  it("names near variables, and nothing that runs", async () => {
    const outcomes = await run([
      "const final_report = 1, total = 2",
      "FINAL_VAR('final_reprot')",
      "FINAL_VAR('totals')",
      "FINAL_VAR('zzzzzzzz')",
      "FINAL_VAR('total; globalThis.ran = 1')",
      "typeof ran",
    ]);
    expect(outcomes.slice(1, 5).map(({ error }) => [error?.name, error?.message])).toEqual([
      ["ReferenceError", 'FINAL_VAR: there is no variable "final_reprot"; did you mean final_report?'],
      ["ReferenceError", 'FINAL_VAR: there is no variable "totals"; did you mean total?'],
      ["ReferenceError", 'FINAL_VAR: there is no variable "zzzzzzzz"; SHOW_VARS() lists what there is'],
      ["ReferenceError", 'FINAL_VAR: there is no variable "total; globalThis.ran = 1"; SHOW_VARS() lists what there is'],
    ]);
    expect(outcomes[5]?.value).toBe("undefined");
  });
});

describe("answer", () => {
  it("is read when the cell ends, and starts anew with each", async () => {
    const outcomes = await run([
      "answer.content = 1",
      "[answer.content, answer.ready]",
      "answer.ready = true; answer.ready = false; answer.content = 2",
      "answer.content = 'early'; answer.ready = true; await llm_query('a'); answer.content = 'late'; print('still printed')",
    ]);
    expect(outcomes.map(({ outcome, value }) => [outcome, value])).toEqual([
      ["ok", 1],
      ["ok", [null, false]],
      ["ok", 2],
      ["final", "late"],
    ]);
    expect(outcomes[3]?.output).toBe("still printed\n");
  });

  it("of a cell that throws, or that declared the name, is none", async () => {
    const outcomes = await run([
      "answer.content = 1; answer.ready = true; throw new Error('no')",
      "let answer = { content: 1, ready: true }",
      "answer.ready",
    ]);
    expect(outcomes.map(({ outcome, value }) => [outcome, value])).toEqual([
      ["threw", undefined],
      ["ok", undefined],
      ["ok", true],
    ]);
  });

  it("loses to a FINAL", async () => {
    expect((await run(["answer.content = 1; answer.ready = true; FINAL(2)"]))[0]).toMatchObject({ outcome: "final", value: 2 });
  });
});

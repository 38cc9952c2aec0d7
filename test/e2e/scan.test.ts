// parallel_scan: order, captures by value, failures that stay their own.
import { describe, expect, it } from "vitest";
import { cli, folder, notebook } from "./cli.ts";

describe("parallel_scan", () => {
  it("keeps the order of functions and items, whatever the workers", async () => {
    for (const workers of ["1", "4", "null"]) {
      const [outcome] = await notebook([
        `(await parallel_scan([function square(_, n) { return n * n }, (_, n) => -n], { over: [3, 2, 1], max_workers: ${workers} })).map((r) => [r.name, r.ok, r.value])`,
      ]);
      expect(outcome).toMatchObject({
        outcome: "ok",
        value: [
          ["square[0]", true, 9],
          ["square[1]", true, 4],
          ["square[2]", true, 1],
          ["function 2[0]", true, -3],
          ["function 2[1]", true, -2],
          ["function 2[2]", true, -1],
        ],
      });
    }
  });

  it("takes every call shape of the contract", async () => {
    const call = "(await parallel_scan(";
    const outcomes = await notebook([
      `${call}[() => 1])).length`,
      `${call}[() => 1], 1)).length`,
      `${call}[() => 1], null)).length`,
      `${call}{}, [() => 1])).length`,
      `${call}{}, [() => 1], { max_workers: null })).length`,
      `${call}[], 2)).length`,
    ]);
    expect(outcomes.map(({ value }) => value)).toEqual([1, 1, 1, 1, 1, 0]);
  });

  it("captures what a function mentions of the session, by value", async () => {
    const outcomes = await notebook([
      "const factor = 3, words = new Set(['a']), table = new Map([['k', [1, 2]]]), when = new Date(0), shape = /a+/g, bytes = new Uint8Array([1, 2]); class Counter { #n = 1; get n() { return this.#n } } class More extends Counter { get twice() { return this.n * 2 } }",
      "function twice(n) { return n * factor } function deep(n) { return n === 0 ? twice(1) : deep(n - 1) }",
      "(await parallel_scan([() => [deep(3), words.has('a'), table.get('k'), when.toISOString(), 'caat'.match(shape), bytes[1], new More().twice]]))[0]",
      "await parallel_scan([() => { words.add('b'); return words.size }]); words.size",
      "(await parallel_scan([() => new Map([[1, new Date(0)]])]))[0].value.get(1).getTime()",
    ]);
    expect(outcomes[2]).toMatchObject({
      outcome: "ok",
      value: { ok: true, value: [3, true, [1, 2], "1970-01-01T00:00:00.000Z", ["aa"], 2, 2] },
    });
    expect(outcomes[3]).toMatchObject({ value: 1 });
    expect(outcomes[4]).toMatchObject({ value: 0 });
  });

  it.each([
    ["const p = Promise.resolve(1); await parallel_scan([() => p])", "`p`"],
    ["await parallel_scan([Math.max])", "native"],
    ["await parallel_scan([1].map((local) => () => local))", "`local`"],
    ["const f = { g() {} }; await parallel_scan([() => f])", "`f`"],
    ["await parallel_scan([5])", "functions[0]"],
  ])("%s is refused before anything runs", async (source, named) => {
    const [outcome] = await notebook([source]);
    expect(outcome).toMatchObject({ outcome: "threw", error: { code: "E_SCAN_CAPTURE" }, calls: 0 });
    expect(outcome?.error?.message).toContain(named);
  });

  it("loses nothing to one that loops, throws, leaks, or asks a model", async () => {
    const [outcome, after] = await notebook(
      [
        "(await parallel_scan([() => 1, () => { for(;;); }, () => { throw new Error('mine') }, () => { const a = []; for(;;) a.push(new Array(1e5).fill(a.length)) }, () => llm_query('x'), () => 6])).map((r) => r.ok ? r.value : r.error.code)",
        "1 + 1",
      ],
      ["--cell-timeout", "3", "--memory", "64"],
    );
    expect(outcome).toMatchObject({ outcome: "ok", value: [1, "E_SCAN_TIMEOUT", "E_SCAN_THREW", "E_SCAN_MEMORY", "E_NOT_IN_SCAN", 6] });
    expect(after).toMatchObject({ outcome: "ok", value: 2 });
  });

  it("hands a file of a corpus over with its text", async () => {
    using files = folder({ "d/a.txt": "alpha\n", "d/b.txt": "beta\n" });
    const { stdout } = await cli(
      ["-e", "(await parallel_scan([(_, f) => f.path + f.size + f.text], { over: context.files })).map((r) => r.value)", "-c", "d"],
      { cwd: files.path },
    );
    expect(JSON.parse(stdout)).toEqual(["a.txt6alpha\n", "b.txt5beta\n"]);
  });

  it("knows the formula of workers", async () => {
    const source = "[get_optimal_workers(), get_optimal_workers(1, 1), get_optimal_workers(64, 40)]";
    expect(JSON.parse((await cli(["-e", source], { env: { RLM_MAX_WORKERS: "9" } })).stdout)).toEqual([9, 9, 9]);
    const [usual, one, many] = JSON.parse((await cli(["-e", source])).stdout) as number[];
    expect(usual).toBeGreaterThanOrEqual(4);
    expect(usual).toBeLessThanOrEqual(16);
    expect([one, many]).toEqual([1, expect.any(Number)]);
    expect(many).toBeGreaterThanOrEqual(40);
  });
});

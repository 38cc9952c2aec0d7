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
    ["const { m } = (() => { const local = 1; return { m() { return local } } })(); await parallel_scan([m])", "`local`"],
    [
      "const early = (() => { const f = () => late; return parallel_scan([f]); let late = 1 })(); await early",
      "`late`, which `f` mentions, is not init",
    ],
    ["class A { #x = 1; m() { return this.#x } n() { return this.y } } const a = new A(); await parallel_scan([a.m])", "private names"],
    ["class A { n() { return this.y } } const a = new A(); await parallel_scan([a.n])", "`this`"],
    ["await parallel_scan([function () { return this }])", "`this`"],
    ["class A {} const a = (() => { const inner = new A(); return () => inner })(); await parallel_scan([a])", "`inner`"],
    ["const bound = (() => 1).bind(null); await parallel_scan([() => bound()])", "`bound` is a native or bound function"],
    ["const big = 'x'.repeat(17e6); await parallel_scan([() => big.length])", "`big`"],
    ["const f = { g() {} }; await parallel_scan([() => f])", "`f`"],
    ["await parallel_scan([5])", "functions[0]"],
  ])("%s is refused before anything runs", async (source, named) => {
    const [outcome] = await notebook([source]);
    expect(outcome).toMatchObject({ outcome: "threw", error: { code: "E_SCAN_CAPTURE" }, calls: 0 });
    expect(outcome?.error?.message).toContain(named);
  });

  it("takes along the locals of the functions around it, each its own, whatever they mention", async () => {
    const outcomes = await notebook([
      "(await parallel_scan(['a', 'b'].map((p) => (context) => p + p))).map((r) => r.value)",
      "const fns = []; for (const k of [1, 2, 3]) { const times = (n) => n * k; fns.push(() => times(10)); } (await parallel_scan(fns)).map((r) => r.value)",
      `function maker(re, m = new Map([["k", re]])) {
         const fact = (n) => (n <= 1 ? 1 : n * fact(n - 1));
         function helper(x) { return [x, fact(5), m.get("k").source]; }
         class Local { constructor(v) { this.v = v } get twice() { return this.v * 2 } }
         class More extends Local {}
         const three = 3;
         return [() => helper(1), () => hoisted(2), () => new More(21).twice, async function named() { return named.name }, ...[0].map((a) => (_, b) => ((c) => a + b + c)(100))];
         function hoisted(n) { return n * three; }
       }
       (await parallel_scan(maker(/x+/g), { over: [1, 2] })).map((r) => r.value ?? r.error)`,
      "const shared = [1]; const both = ((v) => [() => v.push(2), () => v.length])(shared); [(await parallel_scan(both, 1)).map((r) => r.value), shared]",
      "(() => { const k = 2; const v = () => k; let x; x = () => k; const { y = function () { return k } } = {}; return [v.name, x.name, y.name, ({ z: () => k }).z.name, (() => k).name] })()",
    ]);
    expect(outcomes.map(({ value, error }) => value ?? error)).toEqual([
      ["aa", "bb"],
      [10, 20, 30],
      [[1, 120, "x+"], [1, 120, "x+"], 6, 6, 42, 42, "named", "named", 101, 102],
      [[2, 2], [1]],
      ["v", "x", "y", "z", ""],
    ]);
  });

  it("runs thousands of items in groups, in order, and one that fails among them fails alone", async () => {
    const [first, again] = await notebook(
      [
        `const items = Array.from({ length: 5_000 }, (_, i) => i);
         const look = (_, n) => { if (n === 1_234) throw new Error("this one"); if (n === 2_345) for (;;); if (n === 3_456) return new Promise(() => {}); return n * 2 };
         const found = await parallel_scan([look], { over: items });
         [found.filter((r, i) => r.ok && r.value === i * 2).length, [1_234, 2_345, 3_456].map((i) => found[i].error.code), found[4_999].name]`,
        "globalThis.x = 1; (await parallel_scan([() => { globalThis.left = (globalThis.left ?? 0) + 1; return [typeof look, typeof items, Math.random()] }, () => Date.now()])).map((r) => r.ok)",
      ],
      ["--cell-timeout", "2"],
    );
    expect(first).toMatchObject({ value: [4_997, ["E_SCAN_THREW", "E_SCAN_TIMEOUT", "E_NEVER_SETTLES"], "look[4999]"] });
    expect(again).toMatchObject({ value: [true, true] });
  });

  it("knows which of a group ran out of memory", async () => {
    const [outcome] = await notebook(
      [
        `const items = Array.from({ length: 2_000 }, (_, i) => i);
         const look = (_, n) => { if (n === 777) { const a = []; for (;;) a.push(new Array(1e5).fill(n)) } return n };
         const found = await parallel_scan([look], { over: items });
         [found.filter((r, i) => r.ok && r.value === i).length, found[777].error.code]`,
      ],
      ["--memory", "64"],
    );
    expect(outcome).toMatchObject({ value: [1_999, "E_SCAN_MEMORY"] });
  });

  it("reads a corpus in a scan function", async () => {
    using files = folder({ "d/a.txt": "one\ntwo\n", "d/b.txt": "three\n", "d/.env": "KEY=1", "e/a.txt": "other\n" });
    const cell = `(await parallel_scan([
        async (c) => [c.files.length, c.size, await c.read("a.txt"), await c.read("a.txt", { start_line: 2 })],
        async () => Promise.all([contexts.e.read("a.txt"), context.read("b.txt")]),
        async (c) => c.read("none.txt"),
        async (c) => c.read(".env"),
        async (c) => c.read(7),
        async (c) => { for (;;) await c.read("b.txt") },
      ])).map((r) => r.value ?? r.error.code)`;
    const { stdout, stderr } = await cli(["-e", cell, "-c", "e", "-c", "d", "--cell-timeout", "2"], { cwd: files.path });
    expect(JSON.parse(stdout), stderr).toEqual([
      [2, 14, "one\ntwo\n", "two\n"],
      ["other\n", "three\n"],
      "E_NOT_FOUND",
      expect.stringMatching(/E_(DENIED|NOT_FOUND)/),
      "E_BAD_ARGUMENT",
      "E_SCAN_TIMEOUT",
    ]);
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

// The semantics of cells, as a table, through `run --json`.
import { describe, expect, it } from "vitest";
import { notebook } from "./cli.ts";

interface Row {
  readonly cells: readonly string[];
  /** Of the last cell: its value, or its preview where JSON has no such value. */
  readonly value?: unknown;
  readonly preview?: string;
}

const ROWS: readonly Row[] = [
  { cells: ["const a=1", "const a=2; a"], value: 2 },
  { cells: ["const b=1", "let b=5; b++; b"], value: 6 },
  { cells: ["const {p,q:[r0],s=9,...rest}={p:1,q:[2],z:3}", "[p,r0,s,JSON.stringify(rest)].join()"], value: '1,2,9,{"z":3}' },
  { cells: ["const v=await Promise.resolve(41); v+1"], value: 42 },
  { cells: ["const {k=await Promise.resolve(7)}={}; k"], value: 7 },
  { cells: ["let u=5", "let u; u"], preview: "undefined" },
  { cells: ["var w=5", "var w; w"], value: 5 },
  { cells: ["const t=h(); await 0; t; function h(){return 4}"], value: 4 },
  { cells: ['function r(n){return n<=0?"old":r(n-1)}; const r0=r', 'function r(){return "new"}; r0(2)'], value: "new" },
  { cells: ["class B{m(){return 1}}", "class D extends B{m(){return super.m()+1}}; new D().m()"], value: 2 },
  { cells: ["let v=1; const get=()=>v", "let v=2; get()"], value: 2 },
  { cells: ["const fs=[]; for(let i=0;i<3;i++) fs.push(()=>i); fs.map(f=>f()).join()"], value: "0,1,2" },
  { cells: ["for(var i=0;i<3;i++){}", "i"], value: 3 },
  { cells: ["let s=0; for(const n of [1,2,3]){s+=await Promise.resolve(n)} s"], value: 6 },
  { cells: ["switch(1){case 1: let sw=5; sw*2; break; default: 0}"], value: 10 },
  { cells: ['if(1<2){"yes"}else{"no"}'], value: "yes" },
  { cells: ["{ a: 1, b: 2 }"], value: { a: 1, b: 2 } },
  { cells: ["{ let q=3; q*2 }"], value: 6 },
  { cells: ["enum Color{Red,Green}", "Color[Color.Green]"], value: "Green" },
  { cells: ["enum E{Red,Green}", "enum E{Blue}; Object.keys(E).join()"], value: "0,Blue" },
  { cells: ["interface I{x:number}; type T=I[]; const t:T=[{x:1}]; t[0].x"], value: 1 },
  { cells: ["const id=<T,>(x:T)=>x; id<number>(3)"], value: 3 },
  { cells: ["const log=[]; function dec(v,c){log.push(c.name)}", "class D{@dec m(){}} log.join()"], value: "m" },
  { cells: ['const ds=[]; {using r={[Symbol.dispose](){ds.push("d")}}; ds.push("b")} ds.join()'], value: "b,d" },
  { cells: ["let a=1\nlet b=2\n;[a,b].join()"], value: "1,2" },
  { cells: ['const before=1; throw new Error("x")', "before"], value: 1 },
  { cells: ["const bad=(()=>{throw 1})()", "const bad=2; bad"], value: 2 },
  { cells: ["(async()=>5)()"], value: 5 },
  { cells: ["2n**64n"], preview: "18446744073709551616n" },
  { cells: ["let d=1", "delete globalThis.d; typeof d"], value: "undefined" },
  { cells: [""], preview: "undefined" },
  { cells: ["// only a comment"], preview: "undefined" },
  { cells: ["function f(){return 1}", "delete globalThis.f; typeof f"], value: "undefined" },
  { cells: ["let x = 1\r\nlet y = 2\r\nx + y"], value: 3 },
  { cells: ["let x = 1\rlet y = 2\rx + y"], value: 3 },
  { cells: ['"a\u2028b".length'], value: 3 },
  { cells: ["\uFEFFlet m = 4; m"], value: 4 },
  { cells: [`"${"x".repeat(1_000_000)}".length`], value: 1_000_000 },
  { cells: [`${Array.from({ length: 10_000 }, (_, i) => `const n${i} = ${i};`).join("\n")}\nn9999`], value: 9999 },
  // More of the same kinds.
  { cells: ['"use strict"', '"hello"'], value: "hello" },
  { cells: ["const x = 1\n{ y: x, z: 2 }"], value: { y: 1, z: 2 } },
  { cells: ["const x = 1\n{ y: x }"], value: { y: 1 } },
  { cells: ["if (true)\n{ 5 }"], value: 5 },
  { cells: ["{}"], value: {} },
  { cells: ["5; {}"], value: 5 },
  { cells: ["5; let z = 1"], value: 5 },
  { cells: ["5; function g(){}"], value: 5 },
  { cells: ["1; if (false) { 2 }"], preview: "undefined" },
  { cells: ["try { 1 } finally { 2 }"], value: 1 },
  { cells: ["try { throw 1 } catch (e) { e + 1 }"], value: 2 },
  { cells: ["outer: for (const a of [1,2]) { for (const b of [3,4]) { a*b; if (b===3) continue outer } }"], preview: "undefined" },
  { cells: ["let n=0; do { n++ } while (n<5)"], value: 4 },
  { cells: ["namespace N { export const a = 1 }", "N.a"], value: 1 },
  { cells: ["namespace N { export const a = 1 } namespace N { export const b = a + 1 }", "N.b"], value: 2 },
  { cells: ["class P { constructor(private x: number) {} get() { return this.x } }", "new P(3).get()"], value: 3 },
  { cells: ["abstract class Q { abstract m(): number; static k = 2 } class R extends Q { m() { return Q.k } }", "new R().m()"], value: 2 },
  { cells: ["const x = { a: 1 } satisfies object as { a: number }; x.a!"], value: 1 },
  { cells: ["import type { X } from 'y'; import { type Z } from 'z'; 3"], value: 3 },
  {
    cells: ["export const e1 = 1; export function e2() { return e1 + 1 } export default class E3 {}", "[e1, e2(), E3.name]"],
    value: [1, 2, "E3"],
  },
  { cells: ["export default 7"], value: 7 },
  { cells: ["const [a, , b = 3, ...c] = [1, 2, undefined, 4, 5]", "[a, b, c]"], value: [1, 3, [4, 5]] },
  { cells: ["var {x: {y} = {y: 2}} = {}; y"], value: 2 },
  { cells: ["for (var [k, v] of Object.entries({a: 1})) ; [k, v]"], value: ["a", 1] },
  { cells: ["for (var key in {q: 1}) {}", "key"], value: "q" },
  { cells: ["async function* gen() { yield 1; yield 2 }", "const got = []; for await (const x of gen()) got.push(x); got"], value: [1, 2] },
  { cells: ["const Map = 5; Map", "parallel_scan.name"], value: "parallel_scan" },
  { cells: ["const f = () => {}; class A {} ; function g() {} [f.name, A.name, g.name]"], value: ["f", "A", "g"] },
  { cells: ["let counter = 0; const inc = () => ++counter", "inc(); inc()", "counter"], value: 2 },
  { cells: ["this === globalThis"], value: true },
  { cells: ["var q; var q = 2; if (true) { var q = 3 } q"], value: 3 },
  { cells: ["using res = { v: 1, [Symbol.dispose]() { globalThis.disposed = true } }; res.v", "disposed"], value: true },
  { cells: ["const _private = 1", "_private"], value: 1 },
  { cells: ["1 + 1", "_ + 1", "Out[1] + _"], value: 5 },
  { cells: ['throw new TypeError("mine")', "_error.message"], value: "mine" },
  { cells: ["const r = await Promise.all([1, 2].map(async (x) => x * 2)); r"], value: [2, 4] },
  { cells: ["label: { 1; break label; }"], value: 1 },
  { cells: ["function twice() { return 1 } var twice; function twice() { return 2 } twice()"], value: 2 },
  { cells: ["const obj = { async *[Symbol.asyncIterator]() { yield 5 } }; let last; for await (const x of obj) last = x; last"], value: 5 },
  { cells: ["new Date(0).toISOString()"], value: "1970-01-01T00:00:00.000Z" },
  { cells: ["structuredClone(new Map([[1, { a: [2] }]])).get(1)"], value: { a: [2] } },
  {
    cells: ["[typeof require, typeof process, typeof fetch, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, typeof WeakRef]"],
    value: Array(7).fill("undefined"),
  },
];

function shortened(source: string): string {
  return JSON.stringify(source.slice(0, 80));
}

describe("cells", () => {
  it.concurrent.each(ROWS.map((row, i) => [i + 1, shortened(row.cells.join(" ⏎ ")), row] as const))("%i: %s", async (_, __, row) => {
    const outcomes = await notebook(row.cells);
    expect(outcomes).toHaveLength(row.cells.length);
    const last = outcomes.at(-1);
    expect(last?.outcome, last?.error?.message).toBe("ok");
    if ("value" in row) expect(last?.value).toEqual(row.value);
    else expect(last).toMatchObject({ preview: row.preview });
    expect(last && "value" in last).toBe("value" in row);
  });
});

/** Cells of one session, each with its value, or its preview as a RegExp. */
const SESSION: readonly (readonly [source: string, value: unknown])[] = [
  // Constants, which esbuild would leave out.
  ["const n1: number = 1; -1", -1],
  ["type N2 = string\n1 + 1", 2],
  ["enum E3 { A }; 'a' + 'b'", "ab"],
  ["let n4: number = 3\nn4\n-1", 2],
  ["interface I5 {}\nundefined", /^undefined$/],
  // Objects that start a line, and blocks that are bodies.
  ["{ a: 1 } // note", { a: 1 }],
  ["{ a: 1 }; /* a { } */", { a: 1 }],
  ["{ a: 1 }\n{ b: 2 }", { b: 2 }],
  ["{ a: '}' }", { a: "}" }],
  ["function f6()\n{}", /^undefined$/],
  ["function f7(x)\n{ x }\n", /^undefined$/],
  // `import` is a name of a property, too.
  ["const o8 = { import(x) { return x } }; o8.import(3)", 3],
  ["class A9 { static import() { return 1 } } A9.import ()", 1],
  ["try { await import('fs') } catch (e) { e.code }", "E_IMPORT"],
  // Functions stay in their blocks.
  ["let f10 = 1; void 0", /^undefined$/],
  ["if (true) { function f10() {} } typeof f10", "number"],
  ["const $r = 5; void 0", /^undefined$/],
  ["using r = { [Symbol.dispose]() {} }; $r", 5],
  ["try { 1; throw 2 } catch {}", /^undefined$/],
  ["Object.defineProperty(globalThis, 'only', { get: () => 1, configurable: true, enumerable: true }); let only2 = only; only2", 1],
  ["let only = 2; only", 2],
  ["'a\u2028b'.length", 3],
  // Shadowed built-ins break nothing but cells that need them.
  [
    "let globalThis = 5, Object = 1, Array = 2, Promise = 3, JSON = 4, Map = 5, Set = 6, Error = 7, Symbol = 8, RegExp = 9, Reflect = 1",
    /./,
  ],
  ["[1, { a: Object }]", [1, { a: 1 }]],
  ["await new (async () => {}).constructor('return 7')()", 7],
  ["SHOW_VARS().find(({ name }) => name === 'Map').preview", "5"],
  ["(await parallel_scan([() => [1].map(String)]))[0].value", ["1"]],
];

it("keeps its semantics over a whole session", async () => {
  const outcomes = await notebook(SESSION.map(([source]) => source));
  for (const [i, [source, expected]] of SESSION.entries()) {
    const { outcome, value, preview, error } = outcomes[i] ?? {};
    const got = expected instanceof RegExp ? preview : value;
    expect({ source, outcome, got, error }).toEqual({
      source,
      outcome: "ok",
      got: expected instanceof RegExp ? expect.stringMatching(expected) : expected,
      error: undefined,
    });
  }
});

describe("what goes wrong in a cell", () => {
  it.each(
    [
      ["const x = {", { code: "E_INCOMPLETE" }],
      ["`open", { code: "E_INCOMPLETE" }],
      ["/* open", { code: "E_INCOMPLETE" }],
      ["foo.", { code: "E_INCOMPLETE" }],
      ["if (1) {", { code: "E_INCOMPLETE" }],
      ["'open", { code: "E_SYNTAX", line: 1 }],
      ["let a = 1\nreturn a", { code: "E_SYNTAX", line: 2, column: 1 }],
      ["const é = 1; let let2 = ; ", { code: "E_SYNTAX", line: 1, column: 25 }],
      ["import fs from 'fs'", { code: "E_IMPORT", line: 1, column: 1 }],
      ["1\n import.meta.url", { code: "E_SYNTAX", line: 2, column: 2 }],
      ["const a = {}; a?.", { code: "E_INCOMPLETE" }],
      ["let context = 1", { code: "E_RESERVED_NAME", line: 1, column: 5 }],
      ["function llm_query() {}", { code: "E_RESERVED_NAME" }],
      ["010", { code: "E_SYNTAX" }],
      ["with (Math) {}", {}],
      ["(".repeat(2_000_000), { code: "E_TRANSFORM" }],
      ["!".repeat(2_000_000), { code: "E_TRANSFORM" }],
      [`"${"x".repeat(5_000_000)}"`, { code: "E_TRANSFORM" }],
    ].map(([source, error]) => [shortened(String(source)), source as string, error] as const),
  )("%s is rejected, and the next cell runs", async (_, source, error) => {
    const [first, second] = await notebook([source, "1+1"]);
    expect(first).toMatchObject({ outcome: "rejected", error });
    expect(second).toMatchObject({ outcome: "ok", value: 2 });
  });

  it("names the place in the cell's own text", async () => {
    const [defined, called, assigned, node, separator] = await notebook([
      "interface Gone { a: string }\nfunction fails(x: number): never {\n  throw new RangeError('no ' + x)\n}",
      "// comment\n\n  fails(3)",
      "undecl=3",
      "require('fs')",
      "#!/usr/bin/env node\n'a\u2028b'; null.x",
    ]);
    expect(defined).toMatchObject({ outcome: "ok", vars: ["fails"] });
    expect(called).toMatchObject({ outcome: "threw", error: { name: "RangeError", message: "no 3", line: 3, column: 3 } });
    expect(assigned?.error?.message).toContain("declare it first: let undecl");
    expect(node?.error?.message).toContain("read_file");
    expect(separator).toMatchObject({ error: { name: "TypeError", line: 3, column: 10 } });
  });

  it("stops loops and keeps the variables", async () => {
    const outcomes = await notebook(
      [
        "const kept = 1",
        "while(true){}",
        "await 0; while(true){}",
        "setTimeout(() => { for(;;); }, 1); await new Promise((r) => setTimeout(r, 100))",
        "kept",
      ],
      ["--cell-timeout", "0.5"],
    );
    expect(outcomes.map((outcome) => outcome.outcome)).toEqual(["ok", "timeout", "timeout", "timeout", "ok"]);
    expect(outcomes.at(-1)).toMatchObject({ value: 1, warnings: [] });
  });

  it("ends what can never settle at once, and tells a rejection nobody handled", async () => {
    const [never, loose, timer, after] = await notebook([
      "await new Promise(() => {})",
      "void Promise.reject(new Error('loose')); 1",
      "setTimeout(() => console.log('late'), 100); 1",
      "await new Promise((r) => setTimeout(r, 200)); 2",
    ]);
    expect(never).toMatchObject({ outcome: "threw", error: { code: "E_NEVER_SETTLES" } });
    expect(loose).toMatchObject({ outcome: "ok", value: 1 });
    expect(loose?.warnings.join()).toContain("loose");
    expect(timer?.warnings).toEqual(["a timer still waiting when the cell ended will not fire; await what they do"]);
    expect(after).toMatchObject({ outcome: "ok", value: 2, warnings: [], output: "" });
  });

  it("gives the memory back after it ran out, and rebuilds the variables", async () => {
    const [first, second, third] = await notebook(
      ["const kept = 1", "const hog = []; for (;;) hog.push(new Array(1e6).fill(hog.length))", "typeof kept"],
      ["--memory", "64"],
    );
    expect(first).toMatchObject({ outcome: "ok" });
    expect(second).toMatchObject({ outcome: "memory", state: "rebuilt" });
    expect(third).toMatchObject({ outcome: "ok", value: "number" });
  });

  it("takes everyday names, and says what is given up", async () => {
    const [taken] = await notebook(["const answer = 42; answer"]);
    expect(taken).toMatchObject({ outcome: "ok", value: 42 });
    expect(taken?.warnings[0]).toContain("answer");
  });
});

describe("FINAL", () => {
  it.each([
    ["FINAL({ a: [1, 'x', null] })", { a: [1, "x", null] }],
    ["try { FINAL(1) } catch { FINAL(2) }", 1],
    ["globalThis.report = 'r'; FINAL_VAR('report')", "r"],
    ["answer.content = [1]; answer.ready = true", [1]],
    ["Promise.resolve().then(() => FINAL(3)); await new Promise((r) => setTimeout(r, 10_000))", 3],
    ["setTimeout(() => FINAL(4), 1); await new Promise(() => {})", 4],
    ["function deep() { FINAL('deep') } [1].forEach(deep)", "deep"],
  ])("%s", async (source, value) => {
    const outcomes = await notebook([source, "never_run"]);
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toMatchObject({ outcome: "final", value });
  });

  it.each([
    "FINAL(Promise.resolve(1))",
    "FINAL(undefined)",
    "FINAL(() => 1)",
    "FINAL(1n)",
    "FINAL({ a: [NaN] })",
    "const c = {}; c.c = c; FINAL(c)",
  ])("%s is a TypeError, and the run goes on", async (source) => {
    const [first, second] = await notebook([source, "1"]);
    expect(first).toMatchObject({ outcome: "threw", error: { name: "TypeError" } });
    expect(second).toMatchObject({ outcome: "ok" });
  });

  it("names near variables", async () => {
    const [, missing] = await notebook(["const total_count = 3", "FINAL_VAR('total_cout')"]);
    expect(missing).toMatchObject({ outcome: "threw", error: { name: "ReferenceError" } });
    expect(missing?.error?.message).toContain("total_count");
  });
});

// Rows 10 to 13, 31 and 33: what a cell calls with, returns and throws. Nothing of it costs the kernel.
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { serveAnthropic } from "../src/llm/servers.ts";
import { tempTree } from "../src/workspace/temp-tree.ts";
import { faults, LINUX, type Fault } from "./setup.ts";

const LIMITS = { cellTimeout: 30 };
const threw =
  (error: string) =>
  (cell: string): Fault => ({ cell, outcome: "threw", error, keeps: true });
const ok = (cell: string): Fault => ({ cell, outcome: "ok", keeps: true });

it("row 10: too many calls and too large arguments are refused in the guest", async () => {
  const workspace = tempTree({ "a.txt": "text\n" });
  await faults(
    [
      threw("E_TOO_LARGE")("await llm_query('x'.repeat(4e8))"),
      threw("E_TOO_LARGE")("await Promise.all(Array.from({ length: 9 }, () => llm_query('x'.repeat(3e7))))"),
      threw("E_TOO_MANY_CALLS")("await Promise.all(Array.from({ length: 1e6 }, () => llm_query('a')))"),
      threw("E_TOO_MANY_CALLS")("for (let i = 0; i < 1e6; i++) void read_file('a.txt')"),
      threw("E_TOO_MANY_CALLS")("for (;;) setTimeout(() => 1)"),
      threw("E_TOO_MANY_CALLS")("for (;;) clearTimeout(setTimeout(() => 1))"),
      ok(`const jobs = await parallel_scan(Array.from({ length: 200 }, () => () => 'r'.repeat(1e7)));
        const failed = jobs.filter((job) => !job.ok).map((job) => job.error.code);
        if (failed.length < 190 || failed.some((code) => code !== "E_TOO_LARGE")) throw new Error(String(failed))`),
    ],
    { ...LIMITS, workspace },
  );
}, 60_000);

it("row 11: recursion and nesting are a RangeError", async () => {
  const deep = "const a = []; let b = a; for (let i = 0; i < 1e5; i++) { const c = []; b.push(c); b = c }";
  await faults(
    [
      "(function f() { f() })()",
      "const o = { get a() { return this.a } }; o.a",
      "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x",
      "JSON.stringify({ toJSON() { return JSON.stringify(this) } })",
      "JSON.parse('[1]', function f() { return JSON.parse('[1]', f) })",
      "[2, 1].sort(function c() { return [2, 1].sort(c) })",
      "'x'.replace(/x/, function r() { return 'x'.replace(/x/, r) })",
      "String({ toString() { return String(this) } })",
      "class A { constructor() { new A() } } new A()",
      "(async function f() { await f() })(); await (async function g() { await g() })()",
      `${deep}; JSON.stringify(a)`,
      `${deep}; a.flat(Infinity)`,
      `${deep}; String(a)`,
    ].map(threw("RangeError")),
    LIMITS,
  );
});

it("row 12: what JSON cannot keep is a preview, and as an argument a TypeError", async () => {
  const values = [
    "const o = {}; o.o = o; o",
    "10n",
    "() => 1",
    "Symbol('s')",
    "({ get a() { throw new Error('no') } })",
    "({ [Symbol.toStringTag]: 'x', get [Symbol.iterator]() { throw 1 } })",
    "const a = []; let b = a; for (let i = 0; i < 1e5; i++) { const c = []; b.push(c); b = c } a",
    "const l = {}; let m = l; for (let i = 0; i < 1e5; i++) m = m.next = {}; l",
    "new Proxy({}, { ownKeys() { throw 1 }, get() { return undefined } })",
    "new Map([[new Set([1]), new WeakMap()]])",
    "Object.create(null)",
    "new Date(NaN)",
  ];
  const results = await faults(values.map(ok), LIMITS);
  for (const { preview } of results) expect(preview.length).toBeLessThan(2_100);
  const arguments_ = ["(() => { const o = {}; o.o = o; return o })()", "10n", "() => 1", "Symbol('s')", "{ get a() { throw 1 } }"];
  const typed = await faults(
    arguments_.map((value) => threw("E_BAD_ARGUMENT")(`await rlm_query('why?', { context: ${value} })`)),
    LIMITS,
  );
  for (const { error } of typed) expect(error?.name).toBe("TypeError");
});

it("row 13: whatever is thrown is a normalised error", async () => {
  const thrown: readonly (readonly [string, string, string | RegExp])[] = [
    ["null", "Thrown", "null"],
    ["undefined", "Thrown", "undefined"],
    ["'text'", "Thrown", "'text'"],
    ["Symbol('s')", "Thrown", "Symbol(s)"],
    ["10n", "Thrown", "10n"],
    ["{ a: 1 }", "Thrown", "{ a: 1 }"],
    ["Object.create(null)", "Thrown", /null prototype/],
    ["new Proxy({}, {})", "Thrown", "{}"],
    ["new Proxy(new Error('x'), { get() { throw 1 } })", "Error", ""],
    ["(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()", "Thrown", /cannot be shown/],
    ["new (class X extends Error { get name() { throw 1 } })('m')", "Error", "m"],
    ["new (class X extends Error { name = 'X'; code = 'MINE' })('m')", "X", "m"],
    ["Object.assign(new Error('c'), { stack: 5, message: 7 })", "Error", ""],
    ["new AggregateError([new Error('one'), 'two'], 'all')", "AggregateError", "all\n- one\n- 'two'"],
    ["(() => { const e = new AggregateError([]); e.errors.push(e); return e })()", "AggregateError", /^\n- /],
    ["(() => { const e = new Error('self'); e.cause = e; return e })()", "Error", /^self\ncaused by: Error: self/],
    ["Array.from({ length: 12 }).reduce((cause, _, i) => new Error('e' + i, { cause }), null)", "Error", /^e11\ncaused by: Error: e10/],
  ];
  const results = await faults(
    thrown.map(([value]) => ({ cell: `throw ${value}`, outcome: "threw", keeps: true })),
    LIMITS,
  );
  for (const [i, [value, name, message]] of thrown.entries()) {
    expect(results[i]?.error?.name, value).toBe(name);
    if (typeof message === "string") expect(results[i]?.error?.message, value).toBe(message);
    else expect(results[i]?.error?.message, value).toMatch(message);
    expect(results[i]?.error?.message.length, value).toBeLessThan(8_400);
  }
});

it("row 30: a cell that is cancelled in the middle of 50 model calls closes them all, and its session goes on", async () => {
  await using server = await serveAnthropic(() => ({ fault: "hang" }));
  await using session = await openSession({
    ephemeral: true,
    model: "anthropic",
    concurrency: 50,
    env: { ...process.env, ANTHROPIC_API_KEY: "sk-ant-test-1", ANTHROPIC_BASE_URL: server.url },
  });
  await session.run("const kept = 7");
  const controller = new AbortController();
  const cell = session.run("await llm_batch_query(Array.from({ length: 50 }, (_, i) => 'p' + i))", { signal: controller.signal });
  await server.whenAsked(50);
  const cancelled = performance.now();
  controller.abort();
  expect(await cell).toMatchObject({ outcome: "interrupted" });
  await server.whenClosed(50);
  expect(performance.now() - cancelled).toBeLessThan(5_000);
  expect(await session.run("kept")).toMatchObject({ outcome: "ok", value: 7 });
});

it("row 31: bombs of prompts are refused before anything is spent", async () => {
  await using server = await serveAnthropic(() => "reply");
  const env = { ...process.env, ANTHROPIC_API_KEY: "sk-ant-test-1", ANTHROPIC_BASE_URL: server.url };
  await faults(
    [
      threw("E_BAD_ARGUMENT")("await llm_batch_query(Array(1e6).fill('x'))"),
      threw("E_BUDGET")("await llm_batch_query(Array(1e5).fill('x'))"),
      threw("E_BUDGET")("await llm_batch_query(Array.from({ length: 11 }, (_, i) => 'p' + i))"),
      threw("E_BUDGET")("await rlm_batch_query(Array(1e4).fill('x'))"),
    ],
    { ...LIMITS, model: "anthropic", env, maxCalls: 10 },
  );
  expect(server.requests).toEqual([]);
  await faults([threw("E_BUDGET")("for (let i = 0; ; i++) await llm_query('p' + i)")], {
    ...LIMITS,
    model: "anthropic",
    env,
    maxCalls: 10,
  });
  expect(server.requests).toHaveLength(10);
});

it("row 33: a million matches, a line of 2 MB, binary files and names that are no UTF-8", async () => {
  const workspace = tempTree({
    "many.txt": "hit\n".repeat(1_000_000),
    "long.txt": `${"x".repeat(1_000_000)}needle${"x".repeat(1_000_000)}\n`,
    "binary.bin": Buffer.concat([Buffer.alloc(100), Buffer.from("hit\n")]),
  });
  if (LINUX) writeFileSync(Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from([0xff, 0xfe, 0x2e, 0x74])]), "an odd name\n");
  await using session = await openSession({ ephemeral: true, workspace, cellTimeout: 60 });
  await session.run("const kept = 7; let found");
  const many = await session.run("found = await rg_search('hit'); [found.length, found.truncated, found[0].line, found.at(-1).line]");
  expect(many).toMatchObject({ outcome: "ok", value: [10_000, 990_000, 1, 10_000] });
  const long = await session.run(
    "found = await rg_search('needle'); [found.length, found[0].text.length <= 2_000, found[0].match, found[0].file]",
  );
  expect(long).toMatchObject({ value: [1, true, "needle", "long.txt"] });
  expect(await session.run("(await rg_files('hit'))")).toMatchObject({ value: ["many.txt"] });
  const odd = await session.run("found = await rg_search('odd name'); [(await list_files()).length, found.length]");
  expect(odd).toMatchObject({ outcome: "ok", warnings: [] });
  expect(await session.run("kept")).toMatchObject({ value: 7 });
}, 60_000);

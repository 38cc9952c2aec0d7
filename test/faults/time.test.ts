// Rows 1 to 5 and 19: code that does not end, wherever it stands. A limit of a second; the ceilings are ten times what they may be.
import { expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { faults, type Fault } from "./setup.ts";

const loop = "for (;;);";
const timeout = (cell: string): Fault => ({ cell, outcome: "timeout", keeps: true });
/** Limit, what the ladder takes past it, and a machine that has other work. */
const CEILING_MS = 10_000;

it("row 1: loops, promise loops and regular expressions end at the limit with every variable", async () => {
  const results = await faults(
    [
      loop,
      "for (;;) await 0",
      "const f = () => Promise.resolve().then(f); await f()",
      "/^(a+)+$/.test('a'.repeat(40) + 'b')",
      "queueMicrotask(function f() { queueMicrotask(f) }); 1",
      "async function* g() { for (;;) yield 1 } for await (const _ of g());",
      "const t = { then(r) { r(t) } }; await t",
      "await { then() { for (;;); } }",
      "[3, 2, 1].sort(() => { for (;;); })",
      "JSON.stringify({ toJSON() { for (;;); } })",
      "await new Promise((r) => setTimeout(r, 60_000))",
      "for (;;) await new Promise((r) => setTimeout(r))",
      "for (;;) progress(1)",
    ].map(timeout),
  );
  for (const { ms } of results) expect(ms).toBeLessThan(CEILING_MS);
}, 120_000);

it("row 2: loops after an awaited call, in a timer, and in a `then`", async () => {
  await faults(
    [
      `await llm_query('x'); ${loop}`,
      `setTimeout(() => { ${loop} }); await new Promise(() => 1)`,
      `llm_query('x').then(() => { ${loop} }); await new Promise(() => 1)`,
      `await list_files(); for (;;) await 0`,
    ].map(timeout),
  );
}, 60_000);

it("row 3: a promise nobody settles ends at once", async () => {
  const never: Omit<Fault, "cell"> = { outcome: "threw", error: "E_NEVER_SETTLES", keeps: true };
  const [plain] = await faults(
    [
      { cell: "await new Promise(() => 1)", ...never },
      { cell: "await { then() {} }", ...never },
      { cell: "await Promise.race([])", ...never },
      { cell: "await llm_query('x'); await new Promise(() => 1)", ...never },
      { cell: "setTimeout(() => 1); await new Promise(() => 1)", ...never },
    ],
    { cellTimeout: 30 },
  );
  expect(plain?.ms).toBeLessThan(5_000);
});

it("row 4: what is thrown may loop wherever it is read", async () => {
  const property = (name: string, error = "new Error('x')") =>
    `const e = ${error}; Object.defineProperty(e, '${name}', { get() { ${loop} } }); throw e`;
  await faults(
    [
      "Error.prepareStackTrace = () => { for (;;); }; throw new Error('x')",
      ...["message", "stack", "name", "cause", "code"].map((name) => property(name)),
      property("errors", "new AggregateError([])"),
      "const e = new Error('x'); e.message = { toString() { for (;;); } }; throw e",
      "throw new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); } })",
    ].map(timeout),
  );
  await faults([
    // Read by the machinery outside of any limit but ours.
    {
      cell: "void Promise.reject(Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } }))",
      outcome: /timeout|killed/,
      keeps: false,
    },
    { cell: "void Promise.reject({ get message() { for (;;); }, toString() { for (;;); } })", outcome: /timeout|killed/, keeps: false },
  ]);
}, 60_000);

it("row 5: what nothing but a signal stops is killed, and replaced within a second of the limit", async () => {
  const killed = (cell: string): Fault => ({ cell, outcome: "killed", keeps: false });
  const results = await faults(
    [
      "void Promise.reject(new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); } }))",
      "let b = 3n; for (;;) b = b * b",
      "Array.from({ length: 4e9 })",
      "BigInt('9'.repeat(1e7))",
      "new Array(4e8).sort()",
    ].map(killed),
  );
  for (const { ms } of results) expect(ms).toBeLessThan(CEILING_MS);
  const json = { cell: "JSON.parse('[' + '[],'.repeat(3e7) + '1]').length", outcome: /killed|memory/, keeps: false };
  await faults([json]);
}, 90_000);

it("row 19: what a cell leaves behind is told as its own, and the next cell runs normally", async () => {
  await using session = await openSession({ ephemeral: true, cellTimeout: 1, model: () => Promise.resolve("reply") });
  const rejected = await session.run("const kept = 7; void Promise.reject(new Error('late')); 1");
  expect(rejected).toMatchObject({ outcome: "ok", value: 1, warnings: ["an error or rejection that nobody handled: late"] });
  expect(await session.run("2")).toMatchObject({ value: 2, warnings: [] });
  // Cut in the middle: what it had rejected by then is thrown by whatever enters next.
  const cut = await session.run("const all = []; for (;;) all.push(Promise.reject(new Error('of a cut cell')))");
  expect(cut).toMatchObject({ outcome: "timeout", state: "partial" });
  expect(cut.warnings.join()).toContain("of a cut cell");
  expect(await session.run("3")).toMatchObject({ value: 3, warnings: [] });

  await session.run("setTimeout(() => { globalThis.fired = true }, 10); setTimeout(() => { for (;;); }, 10); 1");
  expect(await session.run("await new Promise((r) => setTimeout(r, 50)); [kept, typeof fired]")).toMatchObject({ value: [7, "undefined"] });

  await session.run("llm_query('x').then(() => { for (;;); }); 1");
  const beside = await session.run("await new Promise((r) => setTimeout(r, 300)); kept");
  expect(beside).toMatchObject({ outcome: "ok", value: 7 });
  expect(beside.warnings).toEqual([expect.stringMatching(/^code that cell \d+ left behind ran past the time limit/)]);
});

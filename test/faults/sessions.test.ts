// Rows 35 to 37 and 43: what one session does to the others, and what many of them leave behind.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { faults, kernelsBelow, LINUX, openSockets, type Fault } from "./setup.ts";

it("row 35: sources that break a parser are rejected, and every other cell is transformed normally", async () => {
  const rejected = (cell: string): Fault => ({ cell, outcome: "rejected", keeps: true });
  const results = await faults(
    [
      "const = 1",
      "let s = 'open",
      "`open ${",
      "/* open",
      `const s = '${"x".repeat(10_000_000)}'`,
      ...["(", "[", "{", "!", "-", "~", "`${", "x=>", "a?", "f(", "<T>", "new "].map((open) =>
        open.repeat(Math.ceil(2_000_000 / open.length)),
      ),
      `${"(".repeat(1_000_000)}1${")".repeat(1_000_000)}`,
      `1${"+1".repeat(900_000)}`.replaceAll("+", "**"),
      "\u0000\u0001",
    ].map(rejected),
  );
  for (const { error } of results.slice(0, 4)) expect(error).toMatchObject({ line: 1, column: expect.any(Number) as number });
  for (const { ms } of results) expect(ms).toBeLessThan(30_000);
}, 120_000);

it("row 36: a session that dies of memory over and over does not slow another down", async () => {
  await using dying = await openSession({ ephemeral: true, memory: 64 });
  await using other = await openSession({ ephemeral: true });
  await other.run("let count = 0");
  const deaths: string[] = [];
  const killing = (async () => {
    while (deaths.length < 5) {
      const { outcome } = await dying.run("const r = new ArrayBuffer(0, { maxByteLength: 1e9 }); r.resize(1e9); new Uint8Array(r).fill(1)");
      deaths.push(outcome);
    }
  })();
  let slowest = 0;
  let cells = 0;
  while (deaths.length < 5) {
    const { ms, value } = await other.run("++count");
    expect(value).toBe(++cells);
    slowest = Math.max(slowest, ms);
    await sleep(5);
  }
  await killing;
  expect(deaths).toEqual(Array.from({ length: 5 }, () => "memory"));
  expect(slowest).toBeLessThan(5_000);
  expect(await dying.run("1 + 1")).toMatchObject({ value: 2 });
}, 60_000);

it.runIf(LINUX)(
  "row 37: cells, replacements and sessions leave nothing behind",
  async () => {
    const heapMb = (): number => {
      globalThis.gc?.();
      return process.memoryUsage().rss / 1024 / 1024;
    };
    const round = async (): Promise<void> => {
      await using session = await openSession({ ephemeral: true, memory: 64 });
      for (let i = 0; i < 50; i++) await session.run(`const v${i} = ${i}; print(v${i})`);
      for (let i = 0; i < 3; i++) {
        const kernels = kernelsBelow(process.pid);
        await session.run("const r = new ArrayBuffer(0, { maxByteLength: 1e9 }); r.resize(1e9); new Uint8Array(r).fill(1)");
        await session.run("1");
        expect(kernelsBelow(process.pid).length).toBeLessThanOrEqual(kernels.length + 1);
      }
    };
    for (let i = 0; i < 3; i++) await round();
    const [before, sockets] = [heapMb(), openSockets()];
    for (let i = 0; i < 7; i++) await round();
    await expect.poll(() => kernelsBelow(process.pid), { timeout: 10_000 }).toEqual([]);
    expect(openSockets()).toBeLessThanOrEqual(sockets);
    // 21 replacements, 7 sessions and 371 cells; a kernel that stays is 35 MB, its frames 100 KB.
    expect(heapMb() - before).toBeLessThan(60);
  },
  120_000,
);

it("row 43: a scan function that does not stop, aborts or leaks fails alone", async () => {
  const scan = (bad: string, code: string, keeps: boolean): Fault => ({
    cell: `const r = await parallel_scan([() => 1, () => { ${bad} }, () => 3]); if (r[1].error.code !== '${code}' || r[0].value + r[2].value !== 4) throw r; 1`,
    outcome: "ok",
    keeps,
  });
  await faults(
    [
      scan("for (;;);", "E_SCAN_TIMEOUT", true),
      scan("throw new Proxy({}, { get() { for (;;); } })", "E_SCAN_TIMEOUT", true),
      scan("return new Promise(() => 1)", "E_NEVER_SETTLES", true),
      scan("throw null", "E_SCAN_THREW", true),
      scan("(function f() { f() })()", "E_SCAN_THREW", true),
      // Threads that nothing stops: their kernel goes when the cell has ended, and the loss is told with it.
      scan("let b = 3n; for (;;) b = b * b", "E_SCAN_TIMEOUT", false),
      scan("void Promise.reject(new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); } }))", "E_SCAN_TIMEOUT", false),
    ],
    { cellTimeout: 2 },
  );
  await faults(
    [
      scan("const a = []; for (;;) a.push(new Array(1e5).fill(a.length))", "E_SCAN_MEMORY", true),
      scan("const m = new Map(); for (let i = 0; ; i++) m.set(i, i)", "E_SCAN_MEMORY", true),
      scan(
        "const l = []; for (;;) { const r = new ArrayBuffer(0, { maxByteLength: 2e7 }); r.resize(2e7); new Uint8Array(r).fill(1); l.push(r) }",
        "E_SCAN_MEMORY",
        true,
      ),
    ],
    { cellTimeout: 60, memory: 64 },
  );
}, 120_000);

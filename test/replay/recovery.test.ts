// What a session keeps when its sandbox goes: real kernel processes, ended from outside and by their own code, rebuilt from the journal.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSession, type CellResult, type ReplSession, type SessionOptions } from "../../src/index.ts";

/** Sandboxes of this process, spares included. */
function kernels(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim();
  return (children === "" ? [] : children.split(" "))
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("kernel.cjs"));
}

/** A process within bubblewrap goes a moment after its parent, and may answer until then. */
async function killKernels(): Promise<void> {
  for (const pid of kernels()) process.kill(pid, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 100));
}

interface Counting extends AsyncDisposable {
  readonly session: ReplSession;
  /** Every prompt a model was asked, in order. */
  readonly asked: string[];
}

async function open(options: Partial<SessionOptions> = {}): Promise<Counting> {
  const asked: string[] = [];
  const model = async (prompt: string): Promise<string> => {
    asked.push(prompt);
    await new Promise((resolve) => setTimeout(resolve, 40));
    return `re ${prompt}`;
  };
  const session = await openSession({ env: {}, ephemeral: true, model, ...options });
  return { session, asked, [Symbol.asyncDispose]: () => session.close() };
}

const SETUP = `
let count = 0;
const inc = () => ++count;
class Point { constructor(public x: number) {} twice() { return this.x * 2 } }
const point = new Point(21);
const chance = [Math.random(), crypto.randomUUID(), Date.now(), performance.now()];
const answer1 = await llm_query("first");
const state = () => JSON.stringify([count, inc(), point.twice(), chance, answer1]);
inc();`;

describe("after its kernel was killed", () => {
  it("between cells, a session has its variables, and no model is asked again", async () => {
    await using counting = await open();
    const { session, asked } = counting;
    await session.run(SETUP);
    const { value: before } = await session.run("JSON.stringify([count, point.twice(), chance, answer1])");
    await killKernels();
    const after = await session.run("JSON.stringify([count, point.twice(), chance, answer1])");
    expect(after).toMatchObject({ outcome: "ok", value: before, state: "rebuilt" });
    expect((await session.run("inc() + Out[2].length - JSON.stringify([1]).length")).outcome).toBe("ok");
    expect(await session.run("1")).not.toHaveProperty("state");
    expect(asked).toEqual(["first"]);
  });

  it("while a cell waits, the cell goes on, and what was printed stands once", async () => {
    await using counting = await open();
    const { session, asked } = counting;
    const running = session.run(
      "print('begun'); const all = []; for (const q of ['a', 'b', 'c']) all.push(await llm_query(q)); print('done'); all",
    );
    await expect.poll(() => asked.length, { interval: 2 }).toBe(2);
    await killKernels();
    expect(await running).toMatchObject({
      outcome: "ok",
      value: ["re a", "re b", "re c"],
      output: "begun\ndone\n",
      calls: 3,
      state: "rebuilt",
    });
    expect(asked).toEqual(["a", "b", "c"]);
    expect((await session.run("all.length")).value).toBe(3);
  });

  it("in the middle of a slice, the slice runs again, and its calls are made once", async () => {
    await using counting = await open();
    const { session, asked } = counting;
    await session.run("let before = 1");
    let printed: (() => void) | undefined;
    const said = new Promise<void>((resolve) => (printed = resolve));
    const listening = (async () => {
      for await (const event of session.events) if (event.type === "console") printed?.();
    })();
    const running = session.run(
      "const early = llm_query('early'); print('in'); let sum = 0; for (let i = 0; i < 4e8; i++) sum += i & 1; print('out'); [sum, await early]",
    );
    await said;
    await killKernels();
    expect(await running).toMatchObject({ outcome: "ok", value: [2e8, "re early"], output: "in\nout\n", state: "rebuilt" });
    expect(asked).toEqual(["early"]);
    await session.close();
    await listening;
  });

  it("goes on with timers, batches and scans that were on their way", async () => {
    await using counting = await open();
    const { session, asked } = counting;
    const running = session.run(`
      const slow = parallel_scan([() => { let x = 0; for (let i = 0; i < 3e8; i++) x += i & 1; return x }, (context, n) => n], { over: [1] });
      const batch = llm_batch_query(["p", "q"]);
      const timer = new Promise((resolve) => setTimeout(() => resolve("timer"), 150));
      [(await slow).map((r) => r.value), await batch, await timer]`);
    await expect.poll(() => asked.length, { interval: 2 }).toBe(2);
    await killKernels();
    expect(await running).toMatchObject({ outcome: "ok", value: [[1.5e8, 1], ["re p", "re q"], "timer"], state: "rebuilt" });
    expect(asked).toEqual(["p", "q"]);
  });

  it("four times in a minute, the session ends with a typed error", async () => {
    await using counting = await open();
    const { session } = counting;
    const outcomes: CellResult[] = [];
    for (let i = 0; i < 3; i++) {
      outcomes.push(await session.run("globalThis.n = (globalThis.n ?? 0) + 1"));
      // The spare that stands by dies too: it counts for nothing, it never ran.
      const [live] = kernels();
      if (live !== undefined) process.kill(live, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(outcomes.map(({ value }) => value)).toEqual([1, 2, 3]);
    const running = session.run("await new Promise((r) => setTimeout(r, 60_000))");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await killKernels();
    expect(await running).toMatchObject({ outcome: "killed" });
    await expect(session.run("1")).rejects.toMatchObject({ code: "E_RESTART_LIMIT" });
  });
});

describe("after code that had to be stopped", () => {
  it.each([
    ["Ctrl-C in a slice", "inc(); await 0; for (;;);", "interrupted"],
    ["memory", "inc(); const hog = []; for (;;) hog.push(new Array(1e6).fill(hog.length))", "memory"],
    ["a BigInt that grows", "inc(); let b = 3n; for (;;) b = b * b", "killed"],
    ["a loop behind FINAL", "try { FINAL(1) } catch { for (;;); }", "final"],
  ])("%s costs that slice alone", async (_, code, outcome) => {
    await using counting = await open({ cellTimeout: 3, memory: 128 });
    const { session, asked } = counting;
    await session.run(SETUP);
    const signal = outcome === "interrupted" ? AbortSignal.timeout(400) : undefined;
    const cut = await session.run(code, signal === undefined ? {} : { signal });
    expect(cut).toMatchObject({ outcome, state: "rebuilt" });
    expect((await session.run("[count, point.twice(), answer1]")).value).toEqual([1, 42, "re first"]);
    expect(asked).toEqual(["first"]);
  });

  it("a loop that began when an earlier cell's call was answered ends the cell that waited for it", async () => {
    await using counting = await open({ cellTimeout: 1 });
    const { session } = counting;
    await session.run("let kept = 1; const early = llm_query('early')");
    expect(await session.run("await early; kept = 2; for (;;);")).toMatchObject({ outcome: "timeout", state: "partial" });
    expect((await session.run("[kept, await early]")).value).toEqual([2, "re early"]);
  });

  it("keeps what earlier slices of the same cell did", async () => {
    await using counting = await open();
    const { session } = counting;
    const cut = await session.run("let steps = ['a']; steps.push(await llm_query('b')); steps.push('c'); await llm_query('d'); for (;;);", {
      signal: AbortSignal.timeout(700),
    });
    expect(cut).toMatchObject({ outcome: "interrupted", state: "rebuilt" });
    expect((await session.run("steps")).value).toEqual(["a", "re b", "c"]);
  });

  it("a slice that timed out is partial; later it is left out, and calls are numbered on", async () => {
    await using counting = await open({ cellTimeout: 1 });
    const { session, asked } = counting;
    await session.run("let n = 1; const kept = await llm_query('before')");
    expect(await session.run("n = 2; llm_query('lost in the slice'); for (;;);")).toMatchObject({ outcome: "timeout", state: "partial" });
    expect((await session.run("n")).value).toBe(2);
    expect((await session.run("await llm_query('after')")).value).toBe("re after");
    await killKernels();
    expect(await session.run("[n, kept]")).toMatchObject({ value: [1, "re before"], state: "rebuilt" });
    expect(asked.filter((prompt) => prompt !== "lost in the slice")).toEqual(["before", "after"]);
  });
});

it("a replay that comes to something else is told, and the state is that of the last cell that agreed", async () => {
  await using counting = await open({ cellTimeout: 1 });
  const { session, asked } = counting;
  await session.run("let n = 1");
  // The slice that is cut changes n; replay leaves it out, and then the prompt of the next cell is another one.
  await session.run("n = 2; for (;;);");
  await session.run("const got = await llm_query('n is ' + n)");
  await killKernels();
  // Noticed before the next cell begins, so that it begins in what is left.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const after = await session.run("[n, typeof got]");
  expect(after).toMatchObject({ value: [1, "undefined"], state: "lost" });
  expect(after.warnings.join()).toMatch(
    /rebuilt only up to cell 2: in cell 3 call 1, llm \(\w+\) was expected, and call 1, llm \(\w+\) was found/,
  );
  expect(asked).toEqual(["n is 2"]);
  await killKernels();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await session.run("n")).toMatchObject({ value: 1, state: "rebuilt" });
});

// What may cross in one go is bounded in the guest, before it crosses; what comes back is bounded in the host. The session lives on.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, evaluated, folder, notebook, type JsonOutcome } from "./cli.ts";

const SCRIPT = { "s.json": '{"default":"reply"}' };
const ARGS = ["-m", "script:s.json", "-w", "."];

function codes(outcomes: readonly JsonOutcome[]): readonly (string | undefined)[] {
  return outcomes.map(({ outcome, error }) => error?.code ?? outcome);
}

describe("a million calls in one go", () => {
  it.each([
    ["await Promise.all(Array.from({ length: 1e6 }, () => llm_query('a')))", "10000 host calls are in flight"],
    ["for (let i = 0; i < 1e6; i++) void read_file('a.txt').catch(() => 1)", "10000 host calls are in flight"],
    ["await Promise.allSettled([...Array(1e6)].map(() => list_files()))", "10000 host calls are in flight"],
    ["for (let i = 0; i < 1e6; i++) setTimeout(() => 1, 0)", "this cell has made 100000 host calls"],
  ])("%s ends at the first one too many", async (source, said) => {
    using files = folder(SCRIPT);
    const [, flood, after] = await notebook(["const kept = 1", source, "await 0; kept"], ARGS, {
      cwd: files.path,
    });
    expect(flood).toMatchObject({ outcome: "threw", error: { code: "E_TOO_MANY_CALLS" } });
    expect(flood?.error?.message).toContain(said);
    expect(flood).not.toHaveProperty("state");
    expect(after).toMatchObject({ outcome: "ok", value: 1 });
  });

  it.skipIf(process.platform !== "linux")("is never a million processes", async () => {
    using files = folder({ "a.txt": "one error\n".repeat(50_000) });
    let peak = 0;
    let timer: NodeJS.Timeout | undefined;
    const source = "(await Promise.all(Array.from({ length: 60 }, () => rg_count('er+or')))).every((c) => c['a.txt'] === 50_000)";
    const { stdout } = await cli(["-e", source, "-w", files.path, "--max-workers", "3"], {
      onStart: (_, __, pid) => {
        timer = setInterval(() => (peak = Math.max(peak, searchesOf(pid))), 5);
      },
    });
    clearInterval(timer);
    expect(stdout).toBe("true\n");
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThanOrEqual(3);
  });
});

it("an argument of 400 MB is refused before it crosses, by every function", async () => {
  const huge = "'x'.repeat(4e8)";
  const calls = [
    `llm_query(${huge})`,
    `llm_query('a', { system: ${huge} })`,
    "llm_batch_query(Array(4000).fill('x'.repeat(1e5)))",
    `rlm_query('a', { context: { deep: [${huge}] } })`,
    `parallel_rg_search([${huge}])`,
    `rg_search('x', [${huge}])`,
    `parallel_scan([() => 1], { over: [${huge}] })`,
    `parallel_scan([() => 1], { over: [{ deep: new Map([[1, ${huge}]]) }] })`,
    "parallel_scan([() => 1], { over: [new ArrayBuffer(3e8)] })",
    "parallel_scan([() => 1], { over: [{ list: Array(2e7).fill(1) }] })",
    `read_file(${huge})`,
    `list_files(${huge})`,
    `FINAL(${huge})`,
    "FINAL(Array(1e7).fill(1))",
    "Promise.all(Array.from({ length: 4 }, () => llm_query('x'.repeat(3e7))))",
  ];
  using files = folder(SCRIPT);
  const outcomes = await evaluated(["globalThis.kept = 1", ...calls, `print(${huge})`, "kept"], ARGS, {
    cwd: files.path,
  });
  expect(codes(outcomes)).toEqual(["ok", ...calls.map(() => "E_TOO_LARGE"), "ok", "ok"]);
  for (const outcome of outcomes) expect(outcome).not.toHaveProperty("state");
});

it("what a scan would capture is weighed first", async () => {
  const [, scan, kept] = await notebook(["const big = 'y'.repeat(4e8)", "await parallel_scan([() => big.length])", "big.length"]);
  expect(scan).toMatchObject({ outcome: "threw", error: { code: "E_SCAN_CAPTURE" } });
  expect(scan?.error?.message).toContain("`big` makes the captured values larger than 16777216 characters");
  expect(kept).toMatchObject({ value: 4e8 });
});

it("a result over 32 MiB is refused with how to ask for less", async () => {
  using files = folder({ ...SCRIPT, "big.txt": `${"x".repeat(999)}\n`.repeat(40_000) });
  const outcomes = await evaluated(
    [
      "read_file('big.txt')",
      "rg_search('x{900}', 'big.txt', { max_matches: 100_000 })",
      // Those that fit stay; one that fits no frame is its job's failure too.
      "(await parallel_scan([() => 'r'.repeat(2e7), () => 's'.repeat(2e7), () => 't'.repeat(1.5e8), () => 'u'])).map((r) => r.error?.code ?? 'ok').sort()",
      "read_file('big.txt', { start_line: 40_000 })",
    ],
    ARGS,
    { cwd: files.path },
  );
  expect(codes(outcomes)).toEqual(["E_TOO_LARGE", "E_TOO_LARGE", "ok", "ok"]);
  expect(outcomes[2]?.value).toEqual(["E_TOO_LARGE", "E_TOO_LARGE", "ok", "ok"]);
  expect(outcomes.map(({ error }) => error?.message ?? "")).toEqual([
    expect.stringMatching(/start_line, end_line/),
    expect.stringMatching(/max_matches/),
    "",
    "",
  ]);
});

it("lists past what a call takes are refused whole", async () => {
  using files = folder(SCRIPT);
  const outcomes = await evaluated(
    ["llm_batch_query(Array(100_001).fill('x'))", "parallel_scan([() => 1], { over: Array(1_000_001).fill(1) })", "llm_query('a')"],
    ARGS,
    { cwd: files.path },
  );
  expect(codes(outcomes)).toEqual(["E_BAD_ARGUMENT", "E_BAD_ARGUMENT", "ok"]);
});

it("a flood of progress, timings or warnings is counted before it crosses, and ends like any loop", async () => {
  const floods = ["progress(1, 2, 'x'.repeat(200))", "console.time('x'.repeat(200))", "console.timeEnd('none')"];
  const outcomes = await notebook(["const kept = 1", ...floods.flatMap((flood) => [`for (;;) ${flood}`, "kept"])], ["--cell-timeout", "1"]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["ok", ...floods.flatMap(() => ["timeout", "ok"])]);
  expect(outcomes.every(({ state }) => state !== "lost")).toBe(true);
});

it("a call for which the stack has no room left is a RangeError, wherever in it that shows, and the calls after it work", async () => {
  using files = folder(SCRIPT);
  const calls = [
    "llm_query('a').catch(() => 1)",
    "setTimeout(() => 1, 0)",
    "print('x')",
    "parallel_scan([() => 1]).catch(() => 1)",
    "progress(1)",
  ];
  const outcomes = await notebook(
    [
      `function dive(left, work) { if (left === 0) return void work(); dive(left - 1, work) }
       function deepest(work) { let low = 0, high = 4e5; while (high - low > 1) { const middle = (low + high) >> 1; try { dive(middle, work); low = middle } catch { high = middle } } return low }
       function around(work) { let came = 0, threw = 0; const top = deepest(work); for (let k = -60; k < 60; k++) { try { dive(top + k, work); came++ } catch (e) { if (e.name !== "RangeError") throw e; threw++ } } return came + threw }
       const kept = 1`,
      ...calls.map((call) => `around(() => ${call})`),
      "[kept, await llm_query('a')]",
    ],
    ARGS,
    { cwd: files.path },
  );
  expect(outcomes.slice(1).map(({ value, error }) => error?.message ?? value)).toEqual([...calls.map(() => 120), [1, "reply"]]);
});

/** Ripgreps that run below a process. */
function searchesOf(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children.filter((child) => child !== "" && readFileSync(join("/proc", child, "comm"), "utf8") === "rg\n").length;
  } catch {
    return 0;
  }
}

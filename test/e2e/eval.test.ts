// `eval` with the oracle: what each policy of a root model comes to is decided by the seed.
import { describe, expect, it } from "vitest";
import { Random } from "../../src/eval/random.ts";
import { oolong, oolongPairs } from "../../src/eval/oolong.ts";
import { summaryOf } from "../../src/eval/table.ts";
import { countScore, f1Score } from "../../src/eval/task.ts";
import { NO_USAGE } from "../../src/pool/usage.ts";
import { cli } from "./cli.ts";

interface Row {
  readonly kind: string;
  readonly tokens: number;
  readonly system: string;
  readonly score: number;
  readonly confidence_95: number | null;
  readonly calls: number;
  readonly cached_input_tokens: number;
  readonly seconds: number;
  readonly stop_reasons: Readonly<Record<string, number>>;
}

async function evaluated(...args: readonly string[]): Promise<readonly Row[]> {
  const ran = await cli(["eval", "--json", "--n", "2", "--sizes", "13", ...args]);
  expect(ran.code, ran.stderr).toBe(0);
  return (JSON.parse(ran.stdout) as { rows: Row[] }).rows;
}

const scores = (rows: readonly Row[]): Record<string, number> =>
  Object.fromEntries(rows.filter(({ system }) => system === "rlm").map(({ kind, score }) => [kind, score]));

describe("an evaluation", () => {
  it("finds what can be found, counts as well as labels are right, and is the same again", async () => {
    const good = await evaluated();
    expect(scores(good)).toMatchObject({ "s-niah": 1, codeqa: 1 });
    expect(good).toHaveLength(8);
    for (const row of good) expect(row).toMatchObject({ tokens: 8192, stop_reasons: { final: 2 } });
    // What took how long is told to the root model, in one digit or two.
    const decided = (rows: readonly Row[]): unknown => rows.map(({ score, calls }) => [score, calls]);
    expect(decided(await evaluated())).toEqual(decided(good));
    expect(scores(await evaluated("--accuracy", "1", "--faults", "0.1", "--seed", "2"))).toEqual({
      "s-niah": 1,
      oolong: 1,
      "oolong-pairs": 1,
      codeqa: 1,
    });
  });

  it("comes to the same where replies are malformed or imagine outputs", async () => {
    const good = scores(await evaluated());
    for (const policy of ["malformed", "imagining"]) expect(scores(await evaluated("--policy", policy)), policy).toEqual(good);
  });

  it("ends within its budget where the root asks for each item", async () => {
    const rows = await evaluated("--policy", "over-calling", "--max-calls", "20");
    for (const { system, calls } of rows) expect(calls).toBeLessThanOrEqual(system === "rlm" ? 20 : 1);
    expect(rows.find(({ kind, system }) => kind === "oolong" && system === "rlm")?.stop_reasons).toEqual({ budget: 2 });
  });

  it("names what does not fit", async () => {
    for (const [args, said] of [
      [["--tasks", "niah"], '--tasks "niah" is none of s-niah, oolong, oolong-pairs, codeqa'],
      [["--policy", "bad"], '--policy "bad" is none of good'],
      [["--sizes", "30"], '--sizes "30" is not a number from 10 to 22'],
      [["--accuracy", "x"], '--accuracy "x" is not a number from 0 to 1'],
    ] as const) {
      const ran = await cli(["eval", ...args]);
      expect([ran.code, ran.stderr.includes(said)], ran.stderr).toEqual([2, true]);
    }
  });
});

describe("its parts", () => {
  it("score counts by their error, and lists by F1", () => {
    expect([countScore(7, 7), countScore("about 9", 7), countScore("none", 7), countScore(null, 7)]).toEqual([1, 0.75 ** 2, 0, 0]);
    expect([f1Score(["a", "b"], ["b", "c"]), f1Score([], []), f1Score("x", ["x"]), f1Score(["x"], [])]).toEqual([0.5, 1, 0, 0]);
  });

  it("know the answers they ask for", () => {
    for (let i = 0; i < 20; i++) {
      const task = oolong(new Random(`t${i}`), 40_000);
      expect(task.score(task.gold)).toBe(1);
      expect(String(task.context).trimEnd().split("\n")).toHaveLength(task.labels.size);
      const pairs = oolongPairs(new Random(`p${i}`), 40_000);
      expect(pairs.score(pairs.gold)).toBe(1);
    }
  });

  it("tell a mean with its interval", () => {
    const run = (score: number) => ({ score, stopReason: "final", usage: { ...NO_USAGE, calls: 2 }, ms: 1_000 });
    const summary = summaryOf({ kind: "oolong", tokens: 8192, system: "rlm", runs: [run(0), run(1), run(1)] });
    expect(summary).toMatchObject({ score: 2 / 3, n: 3, calls: 2, seconds: 1, stopReasons: { final: 3 } });
    expect(summary.interval).toBeCloseTo((4.3 * Math.sqrt(1 / 3)) / Math.sqrt(3), 10);
    expect(summaryOf({ kind: "oolong", tokens: 1, system: "rlm", runs: [run(1)] }).interval).toBeNull();
  });
});

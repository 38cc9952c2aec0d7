// `bench` runs on any machine, and each of its figures is one.
import { expect, it } from "vitest";
import { cli } from "./cli.ts";

interface Row {
  readonly name: string;
  readonly ms: number;
  readonly items_per_s: number;
  readonly over_one_worker: number | null;
  readonly floor: { readonly name: string; readonly ms: number; readonly ratio: number } | null;
}

it("measures each thing beside its floor", async () => {
  const ran = await cli(["bench", "--quick", "--json"]);
  expect(ran.code, ran.stderr).toBe(0);
  const { machine, quick, rows } = JSON.parse(ran.stdout) as { machine: Record<string, unknown>; quick: boolean; rows: Row[] };
  expect(quick).toBe(true);
  expect(machine).toMatchObject({
    cpus: expect.any(Number) as number,
    optimal_workers: expect.any(Number) as number,
    node: process.version,
  });
  for (const { name, ms, items_per_s: perSecond } of rows) expect([ms > 0, perSecond > 0], name).toEqual([true, true]);
  const named = (start: string): Row | undefined => rows.find(({ name }) => name.startsWith(start));
  for (const start of ["parallel_scan, 8", "parallel_rg_search, 4", "parallel_rg_search, 8", "llm_batch_query, 50", "a whole question"])
    expect(named(start)?.over_one_worker, start).toBeGreaterThan(0);
  for (const start of ["a trivial cell", "a batch of 50", "1 MB of text", "a session of 100", "rlm-repl -e 1"])
    expect(named(start)?.floor?.ratio, start).toBeGreaterThan(0);
}, 180_000);

// `--profile`: a file that V8's tools open, with the cells' own functions and places, and the ten that took the most time on stderr.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cpuProfile } from "../../sandbox/profile.ts";
import { cli, folder } from "./cli.ts";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly hitCount: number;
    readonly children: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const NOTEBOOK = `// A first line.
function busy(n: number): number {
  let x = 0.5;
  for (let i = 0; i < n; i++) x = 3.9 * x * (1 - x);
  return x;
}
busy(2e8) > 0
// %%
function hashed(n: number): number {
  let h = 0;
  for (let i = 0; i < 2e8; i++) h = (Math.imul(h, 31) + n) | 0;
  return h;
}
(await parallel_scan([(_, n) => hashed(n)], { over: [1, 2, 3, 4] })).length`;

it("tells where cells and scan functions spend their time", async () => {
  using files = folder({ "notebook.ts": NOTEBOOK });
  const file = join(files.path, "out.cpuprofile");
  const ran = await cli(["run", join(files.path, "notebook.ts"), "--profile", file]);
  expect(ran).toMatchObject({ code: 0, stdout: "4\n" });
  const listed = ran.stderr.slice(ran.stderr.indexOf(file));
  expect(listed).toMatch(/^ +\d+ ms +\d+\.\d %  busy  cell 1:2$/m);
  expect(listed).toMatch(/^ +\d+ ms +\d+\.\d %  hashed  scan$/m);
  expect(listed.trim().split("\n").length).toBeLessThanOrEqual(11);

  const { nodes, samples, timeDeltas, startTime, endTime } = JSON.parse(readFileSync(file, "utf8")) as Profile;
  expect(samples).toHaveLength(timeDeltas.length);
  expect(samples.length).toBe(nodes.reduce((sum, { hitCount }) => sum + hitCount, 0));
  expect(endTime - startTime).toBeGreaterThan(300_000);
  const ids = new Set(nodes.map(({ id }) => id));
  expect(samples.every((id) => ids.has(id))).toBe(true);
  // One tree: every node but the root is one node's child.
  expect(new Set(nodes.flatMap(({ children }) => children)).size).toBe(nodes.length - 1);
  const busy = nodes.find(({ callFrame }) => callFrame.functionName === "busy");
  expect(busy?.callFrame).toMatchObject({ url: "cell 1", lineNumber: 1 });
}, 60_000);

it("is told of a cell that was cut, and names a file that cannot be written before anything runs", async () => {
  using files = folder({});
  const file = join(files.path, "cut.cpuprofile");
  const cut = await cli(["-e", "function spin() { for (;;); } spin()", "--cell-timeout", "1", "--profile", file]);
  expect(cut.code).toBe(4);
  expect(cut.stderr).toMatch(/ms +\d+\.\d %  spin  cell 1:1/);
  const refused = await cli(["-e", "1", "--profile", join(files.path, "no", "such.cpuprofile")]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("no/such.cpuprofile");
});

it.each([
  ["no JSON", "{"],
  ["nothing", "null"],
  ["a node that is its own parent", '{"nodes":[[0,"a","",1,1]],"samples":[],"deltas":[],"entries":0,"unprofiled":0}'],
  ["a sample of no node", '{"nodes":[[-1,"a","",1,1]],"samples":[1],"deltas":[1],"entries":0,"unprofiled":0}'],
  ["time that runs backwards", '{"nodes":[[-1,"a","",1,1]],"samples":[0],"deltas":[-1],"entries":0,"unprofiled":0}'],
  ["names without end", `{"nodes":[[-1,"${"a".repeat(300)}","",1,1]],"samples":[],"deltas":[],"entries":0,"unprofiled":0}`],
])("does not believe a kernel that says %s", (_, text) => {
  expect(cpuProfile(text)).toBeUndefined();
});

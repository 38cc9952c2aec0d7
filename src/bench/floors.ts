// What everything else stands on: a cell, a call, a start, a context, a replay; each beside what it cannot be faster than.
import { execFile, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { kernelFiles, runBare } from "../../sandbox/index.ts";
import type { Model } from "../llm/model.ts";
import type { SessionOptions } from "../library/open-session.ts";
import { compared, median, row, temporaryFolder, timed, type Row } from "./measure.ts";
import { open } from "./session.ts";

export interface FloorOptions {
  readonly rounds: number;
  readonly isQuick: boolean;
  /** The command's own file. */
  readonly program: string;
  readonly onRow: (row: Row) => void;
}

const MB = 1_000_000;
const CELLS = [
  ["a trivial cell", "let n = 1; n + 1"],
  ["a trivial cell with types", "let n: number = 1; n + 1"],
] as const;

export async function floorRows({ rounds, isQuick, program, onRow }: FloorOptions): Promise<void> {
  for (const [name, source] of CELLS) onRow(await cellRow(name, source, isQuick ? 20 : 100));
  onRow(await callRow(isQuick ? 200 : 2_000));
  for (const [queries, limit] of isQuick ? [[50, 10] as const] : [[50, 10] as const, [500, 10] as const])
    onRow(await jitterRow(queries, limit));
  onRow(await treeRow(10, 10, isQuick ? 1 : rounds));
  for (const mb of isQuick ? [1] : [1, 50, 100]) onRow(await contextRow(mb, rounds));
  onRow(await replayRow(100, rounds));
  onRow(await kernelRow(rounds));
  onRow(await startRow(program, rounds));
}

/** Of a cell: its types taken out, compiled and run, and nothing else. In a process of its own, as Node has to be told about isolates. */
const bareCells = (source: string, cells: number): string => `
const [ivmPath, esbuildPath, source, cells] = ${JSON.stringify([kernelFiles().addon, createRequire(import.meta.url).resolve("esbuild"), source, cells])};
const { ivm } = require(ivmPath);
const { transform, stop } = require(esbuildPath);
const isolate = new ivm.Isolate();
const context = isolate.createContextSync();
(async () => {
  const times = [];
  for (let i = 0; i < cells; i++) {
    const started = performance.now();
    const { code } = await transform("{" + source + "}", { loader: "ts" });
    const script = await isolate.compileScript(code);
    await script.run(context, { timeout: 1000 });
    times.push(performance.now() - started);
  }
  console.log(times.sort((a, b) => a - b)[times.length >> 1]);
  isolate.dispose();
  await stop();
})();`;

/** In three parts, the bare ones between them. */
async function cellRow(name: string, source: string, cells: number): Promise<Row> {
  await using session = await open({});
  const [own, floor]: [number[], number[]] = [[], []];
  for (let part = 0; part < 3; part++) {
    for (let i = 0; i < cells; i++) own.push(await timed(() => session.run(source)));
    floor.push(Number(await runBare(bareCells(source, cells))));
  }
  return row(name, median(own), 1, { floor: { name: "esbuild and a bare isolate", ms: median(floor) } });
}

async function callRow(calls: number): Promise<Row> {
  await using session = await open({ model: (prompt) => Promise.resolve(prompt) });
  await session.run("await llm_query('warm')");
  const ms = await timed(() => session.run(`for (let i = 0; i < ${calls}; i++) await llm_query("p" + i)`));
  return row(`${calls} host calls, one after another`, ms, calls);
}

/** Calls of 20 to 180 ms, against the schedule that gives each slot the next call as soon as it is free. */
async function jitterRow(queries: number, limit: number): Promise<Row> {
  const delayOf = (i: number): number => 20 + ((i * 7_919) % 161);
  const model = async (prompt: string): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, delayOf(Number(prompt))));
    return prompt;
  };
  await using session = await open({ model, concurrency: limit });
  const ms = await timed(() => session.run(`(await llm_batch_query(Array.from({ length: ${queries} }, (_, i) => String(i)))).length`));
  const slots = Array.from({ length: limit }, () => 0);
  for (let i = 0; i < queries; i++) {
    const next = slots.indexOf(Math.min(...slots));
    slots[next] = (slots[next] ?? 0) + delayOf(i);
  }
  return row(`a batch of ${queries} calls of 20–180 ms, ${limit} at a time`, ms, queries, {
    floor: { name: "the ideal schedule", ms: Math.max(...slots) },
  });
}

/** Children that each ask as many at once: against one call of each root, and then all others without a pause. */
async function treeRow(children: number, calls: number, rounds: number): Promise<Row> {
  const delayMs = 200;
  const model: Model = {
    id: "bench:tree",
    name: "tree",
    window: undefined,
    price: undefined,
    endpoint: undefined,
    async complete({ repl }) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const cell = `FINAL((await llm_batch_query(Array.from({ length: ${calls} }, (_, i) => context + i))).length)`;
      const text = repl === true ? `\`\`\`ts\n${cell}\n\`\`\`` : "ok";
      return { text, stop: "end", usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } };
    },
  };
  await using session = await open({ model, concurrency: calls });
  await session.run("1");
  const times: number[] = [];
  for (let round = 0; round < rounds; round++)
    times.push(await timed(() => session.run(`await rlm_batch_query(Array.from({ length: ${children} }, (_, i) => "${round} " + i))`)));
  return row(`a tree of ${children} children with ${calls} calls each, ${calls} at a time`, median(times), children * (calls + 1), {
    floor: { name: "the ideal schedule", ms: delayMs * (Math.ceil(children / calls) + children) },
  });
}

async function contextRow(mb: number, rounds: number): Promise<Row> {
  const text = "a line of a log with some words in it\n".repeat(Math.ceil((mb * MB) / 38));
  const first = async (options: SessionOptions): Promise<void> => {
    await using session = await open(options);
    await session.run("typeof context");
  };
  const [own, floor] = await compared(
    rounds,
    () => first({ context: { name: "big.log", text } }),
    () => first({}),
  );
  return row(`${mb} MB of text to the first cell`, own, 1, { floor: { name: "no context", ms: floor } });
}

async function replayRow(cells: number, rounds: number): Promise<Row> {
  using folder = temporaryFolder();
  const kept = { ephemeral: false, stateDir: folder.path, session: "bench" };
  {
    await using session = await open(kept);
    for (let i = 0; i < cells; i++) await session.run(`let x${i} = ${i}; function f${i}(n) { return n + x${i} } f${i}(1)`);
  }
  const close = async (options: SessionOptions): Promise<void> => await (await open(options)).close();
  const [own, floor] = await compared(
    rounds,
    () => close(kept),
    () => close({}),
  );
  return row(`a session of ${cells} cells gone on with`, own, cells, { floor: { name: "a new session", ms: floor } });
}

/** Of a session whose process has all its code: a kernel that has come up. */
async function kernelRow(rounds: number): Promise<Row> {
  const bare = (): Promise<unknown> => promisify(execFile)(process.execPath, ["-e", "1"]);
  const [own, floor] = await compared(rounds, async () => (await open({})).close(), bare);
  return row("a session opened and closed", own, 1, { floor: { name: "node -e 1", ms: floor } });
}

async function startRow(program: string, rounds: number): Promise<Row> {
  const run = (args: readonly string[]): (() => Promise<unknown>) => {
    return () => Promise.resolve(spawnSync(process.execPath, args, { stdio: "ignore" }));
  };
  const [own, floor] = await compared(rounds, run([program, "-e", "1"]), run(["-e", "1"]));
  return row("rlm-repl -e 1", own, 1, { floor: { name: "node -e 1", ms: floor } });
}

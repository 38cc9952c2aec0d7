// The pools at work: scans by size and workers, what it is worth to group jobs, and searches of many patterns beside ripgrep itself.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { optimalWorkers } from "../config/workers.ts";
import { runRipgrep } from "../workspace/ripgrep.ts";
import { compared, inTurn, row, temporaryFolder, type Row } from "./measure.ts";
import { expectOk, open } from "./session.ts";

export interface PoolOptions {
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly onRow: (row: Row) => void;
}

const MB = 1_000_000;
const LINE = "a line of a log with some words in it\n";

export async function poolRows({ rounds, isQuick, onRow }: PoolOptions): Promise<void> {
  for (const mb of isQuick ? [1] : [1, 10, 100]) for (const each of await scanRows(mb, Math.min(3, rounds))) onRow(each);
  onRow(await batchingRow(isQuick ? 1_000 : 10_000, Math.min(3, rounds)));
  using tree = temporaryFolder();
  const files = isQuick ? 200 : 3_000;
  fill(tree.path, files);
  for (const [kind, patternsOf] of [["selective", selective] as const, ["match-heavy", heavy] as const])
    for (const count of isQuick ? [8] : [4, 8, 32]) onRow(await searchRow(tree.path, files, kind, patternsOf(count), rounds));
}

/** Each function looks at every character. */
async function scanRows(mb: number, rounds: number): Promise<Row[]> {
  await using session = await open({ context: { name: "big.log", text: LINE.repeat(Math.ceil((mb * MB) / LINE.length)) } });
  await expectOk(
    session,
    `const scanners = Array.from({ length: 8 }, (_, k) => (text) => { let found = 0; for (let i = k; i < text.length; i++) if (text.charCodeAt(i) === 97 + k) found++; return found })`,
  );
  const scan = (workers: number) => (): Promise<void> =>
    expectOk(session, `(await parallel_scan(scanners, { max_workers: ${workers} })).filter((r) => !r.ok).length`);
  const counts = [1, 2, 4, 8, 16].filter((workers) => workers <= optimalWorkers());
  const taken = await inTurn(rounds, counts.map(scan));
  return counts.map((workers, i) => {
    const ms = taken[i] ?? Number.NaN;
    return row(`parallel_scan, 8 functions over ${mb} MB`, ms, 8, { workers, oneWorkerMs: taken[0] ?? null });
  });
}

/** Items of some 0.1 ms, in groups and each by itself. */
async function batchingRow(items: number, rounds: number): Promise<Row> {
  await using grouped = await open({});
  await using alone = await open({}, 1);
  const cell = `(await parallel_scan([(_, n) => { let x = 0.5; for (let i = 0; i < 60_000; i++) x = 3.9 * x * (1 - x); return x + n }], { over: Array.from({ length: ${items} }, (_, i) => i) })).length`;
  const [ms, each] = await compared(
    rounds,
    () => expectOk(grouped, cell),
    () => expectOk(alone, cell),
  );
  const more = { workers: optimalWorkers(), instead: { name: "each item by itself", ms: each } };
  return row(`parallel_scan, ${items} items of 0.1 ms`, ms, items, more);
}

async function searchRow(root: string, files: number, kind: string, patterns: readonly string[], rounds: number): Promise<Row> {
  await using session = await open({ context: root });
  const workers = optimalWorkers();
  const rg = (given: readonly string[]): Promise<unknown> =>
    runRipgrep(["--json", ...given.flatMap((pattern) => ["-e", pattern]), "--", root], { cwd: root, onData: () => undefined });
  const [ms = Number.NaN, fused = Number.NaN, each = Number.NaN] = await inTurn(rounds, [
    () => expectOk(session, `(await parallel_rg_search(${JSON.stringify(patterns)})).length`),
    () => rg(patterns),
    () => Promise.all(patterns.map((pattern) => rg([pattern]))),
  ]);
  return row(`parallel_rg_search, ${patterns.length} ${kind} patterns, ${files} files`, ms, files, {
    workers,
    floor: { name: "ripgrep itself, all patterns at once", ms: fused },
    instead: { name: "one ripgrep for each", ms: each },
  });
}

/** In one of some hundred lines. */
function selective(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i % 2 === 0 ? `needle_${i}\\b` : `needle_${i} `));
}

/** In one line of ten, each. */
function heavy(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user_\\d*${i % 10}${i < 10 ? "" : "\\b"} `);
}

const LINES = 200;

function fill(root: string, files: number): void {
  for (let file = 0; file < files; file++) {
    const folder = join(root, `part${file % 23}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${file}.log`), Array.from({ length: LINES }, (_, n) => lineOf(file * LINES + n)).join(""));
  }
}

function lineOf(n: number): string {
  const spread = (n * 2_654_435_761) >>> 0;
  const needle = spread % 101 === 0 ? ` needle_${spread % 41} in it` : "";
  return `user_${spread % 1_000} status=${spread % 50 === 0 ? 503 : 200} session ${spread.toString(16)} served in ${spread % 97} ms${needle}\n`;
}

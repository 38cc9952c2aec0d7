// The set-up of the predecessor's performance guide, and what it claims, measured here: scans, searches, batches, and a whole question.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { optimalWorkers } from "../config/workers.ts";
import type { SessionOptions } from "../library/open-session.ts";
import type { Model } from "../llm/model.ts";
import { runRipgrep } from "../workspace/ripgrep.ts";
import { compared, median, row, temporaryFolder, timed, type Row } from "./measure.ts";
import { expectOk, open } from "./session.ts";

export interface GuideOptions {
  readonly rounds: number;
  /** Fewer and smaller. */
  readonly isQuick: boolean;
  readonly onRow: (row: Row) => void;
}

const CALL_MS = 100;
const QUICK_CALL_MS = 20;
const LINES = 400;
const PATTERNS = ["TODO", "timeout after \\d+", "user_\\d{3}7", "status=5\\d\\d", "session [a-f]{4}", "retry", "^WARN", "é+"];
/** CPU-bound, and different from one another, as eight scanners are. */
const SCANNERS = `const scanners = [/TODO/g, /status=5\\d\\d/g, /user_\\d+7/g, /[a-f]{4}/g, /timeout/g, /\\bretry\\b/g, /é/g, /WARN|ERROR/g].map(
  (shape) => (text, item) => { let found = 0; const all = item?.text ?? text; for (let i = 0; i < 200; i++) found += [...all.matchAll(shape)].length; return found });`;

export async function guideRows({ rounds, isQuick, onRow }: GuideOptions): Promise<void> {
  const workers = optimalWorkers();
  for (const files of isQuick ? [50] : [50, 200]) {
    using tree = temporaryFolder();
    fill(tree.path, files);
    onRow(await scanRow(tree.path, files, workers, rounds));
    for (const patterns of [4, 8]) onRow(await searchRow(tree.path, files, PATTERNS.slice(0, patterns), workers, rounds));
  }
  const callMs = isQuick ? QUICK_CALL_MS : CALL_MS;
  for (const limit of [5, 10]) onRow(await batchRow(50, limit, callMs, Math.min(3, rounds)));
  onRow(await questionRow(workers, callMs, Math.min(3, rounds)));
}

async function scanRow(root: string, files: number, workers: number, rounds: number): Promise<Row> {
  await using session = await open({ context: root });
  await expectOk(session, SCANNERS);
  const scan = (max: number): (() => Promise<unknown>) => {
    const cell = `(await parallel_scan(scanners, { over: context.files, max_workers: ${max} })).filter((r) => !r.ok).length`;
    return () => expectOk(session, cell);
  };
  const [one, all] = await compared(rounds, scan(1), scan(workers));
  const more = { workers, oneWorkerMs: one, claim: "~800 → ~200 ms, 4 ×" };
  return row(`parallel_scan, 8 functions, ${files} files`, all, files * 8, more);
}

async function searchRow(root: string, files: number, patterns: readonly string[], workers: number, rounds: number): Promise<Row> {
  await using session = await open({ context: root });
  const search = (max: number): (() => Promise<unknown>) => {
    const cell = `(await parallel_rg_search(${JSON.stringify(patterns)}, null, { max_workers: ${max} })).length`;
    return () => expectOk(session, cell);
  };
  const bare = (): Promise<unknown> =>
    runRipgrep(["--json", `--threads=${workers}`, ...patterns.flatMap((pattern) => ["-e", pattern]), "--", root], {
      cwd: root,
      onData: () => undefined,
    });
  const [one, all] = await compared(rounds, search(1), search(workers));
  const floors: number[] = [];
  for (let i = 0; i < rounds; i++) floors.push(await timed(bare));
  return row(`parallel_rg_search, ${patterns.length} patterns, ${files} files`, all, files, {
    workers,
    oneWorkerMs: one,
    floor: { name: "ripgrep itself, all patterns at once", ms: median(floors) },
    claim: "~300 → ~100 ms, 3 ×",
  });
}

async function batchRow(queries: number, limit: number, callMs: number, rounds: number): Promise<Row> {
  await using one = await open({ model: scripted([], callMs), concurrency: 1 });
  await using many = await open({ model: scripted([], callMs), concurrency: limit });
  // What was asked before would be answered from memory.
  const cell = `(await llm_batch_query(Array.from({ length: ${queries} }, (_, i) => "query " + i), { fresh: true })).length`;
  const [oneMs, ms] = await compared(
    rounds,
    () => expectOk(one, cell),
    () => expectOk(many, cell),
  );
  return row(`llm_batch_query, ${queries} queries of ${callMs} ms, ${limit} at a time`, ms, queries, {
    workers: limit,
    oneWorkerMs: oneMs,
    floor: { name: "the ideal schedule", ms: Math.ceil(queries / limit) * callMs },
    claim: limit === 10 ? "~120 → ~60 s, 2 ×, by 10 at a time instead of 5" : null,
  });
}

/** A question from its session's start to the answer: two cells with scans, a search and a batch in them. */
async function questionRow(workers: number, callMs: number, rounds: number): Promise<Row> {
  using tree = temporaryFolder();
  fill(tree.path, 50);
  const cells = [
    `${SCANNERS} const found = await parallel_scan(scanners, { over: context.files }); const hits = await parallel_rg_search(["TODO", "status=5"]); print(found.length, hits.length)`,
    `const replies = await llm_batch_query(Array.from({ length: 50 }, (_, i) => "query " + i)); replies.length`,
    "FINAL(replies.length)",
  ];
  const ask = async (options: SessionOptions): Promise<void> => {
    await using session = await open({ context: tree.path, model: scripted(cells, callMs), ...options });
    const { answer } = await session.ask("How many?");
    if (answer !== 50) throw new Error(`the question came to ${JSON.stringify(answer)}`);
  };
  const [one, all] = await compared(
    rounds,
    () => ask({ maxWorkers: 1, concurrency: 1 }),
    () => ask({}),
  );
  return row(`a whole question, its model ${callMs} ms a call`, all, 1, { workers, oneWorkerMs: one, claim: "3–5 ×" });
}

/** Answers each call after a while: the root model's by the next cell. */
function scripted(cells: readonly string[], callMs: number): Model {
  const left = [...cells];
  const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 };
  return {
    id: "bench",
    name: "bench",
    window: undefined,
    price: { input: 0, output: 0 },
    endpoint: undefined,
    async complete({ purpose }) {
      await new Promise((resolve) => setTimeout(resolve, callMs));
      if (purpose === "sub") return { text: "reply", stop: "end", usage };
      const code = left.shift() ?? "FINAL(null)";
      return { text: "", call: { id: `bench_${left.length}`, code }, stop: "tool", usage };
    },
  };
}

function fill(root: string, files: number): void {
  for (let i = 0; i < files; i++) {
    const folder = join(root, `part${i % 7}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${i}.log`), Array.from({ length: LINES }, (_, n) => lineOf(i, n)).join(""));
  }
}

function lineOf(file: number, n: number): string {
  const k = (file * LINES + n) * 2_654_435_761;
  const level = n % 9 === 0 ? "WARN" : "INFO";
  return `${level} user_${k % 1_000} status=${k % 50 === 0 ? 503 : 200} session ${(k >>> 0).toString(16)} ${n % 97 === 0 ? "TODO retry, timeout after 30 é" : "served"}\n`;
}

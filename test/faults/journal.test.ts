// Rows 27 and 39 to 41 of the faults: what a session writes stays small, whatever it does, and what it reads is what it was.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession, type ReplSession, type SessionOptions } from "../../src/index.ts";
import { BIN, folder, type JsonOutcome } from "../e2e/cli.ts";
import { kernelsBelow } from "./setup.ts";

const MB = 1e6;

function bytesBelow(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function open(place: string, options: SessionOptions = {}): Promise<ReplSession> {
  return openSession({ env: {}, stateDir: join(place, "state"), cwd: place, session: "s", ...options });
}

it.each([
  ["a call that the memo answers", "for (;;) await llm_query('x')"],
  ["a batch that the memo answers", "for (;;) await llm_batch_query(Array(50).fill('x'))"],
  ["a timer", "for (;;) await new Promise((r) => setTimeout(r))"],
])("row 39: a cell that makes %s for ever ends within its own time, and its journal stays small", async (_, cell) => {
  using files = folder({});
  let asked = 0;
  const model = (): Promise<string> => Promise.resolve(`${++asked}: ${"a long reply ".repeat(1_000)}`);
  await using session = await open(files.path, { model, cellTimeout: 8 });
  await session.run("const kept = 1");
  const result = await session.run(cell);
  expect([result.outcome, result.error?.code]).toEqual(
    result.outcome === "timeout" ? ["timeout", undefined] : ["threw", "E_TOO_MANY_CALLS"],
  );
  expect(asked).toBeLessThanOrEqual(1);
  expect(await session.run("kept")).toMatchObject({ outcome: "ok", value: 1 });
  expect(bytesBelow(join(files.path, "state"))).toBeLessThan(100 * MB);
  expect(session.usage.calls).toBe(asked);
});

it.each([
  ["changed", (file: string): void => writeFileSync(file, "other")],
  ["vanished", (file: string): void => rmSync(file)],
  [
    "rotated",
    (file: string): void => {
      renameSync(file, `${file}.1`);
      writeFileSync(file, "");
    },
  ],
  ["cut", (file: string): void => truncateSync(file, 3)],
])("row 40: a context file that %s is named, between two cells and before a resume, and the variables stay", async (_, change) => {
  using files = folder({ "logs/a.log": "one\ntwo\n", "logs/b.log": "three\n" });
  {
    await using session = await open(files.path, { context: "logs" });
    expect((await session.run("const first = await context.read('a.log'); first")).value).toBe("one\ntwo\n");
    change(join(files.path, "logs", "a.log"));
    const read = await session.run("await context.read('a.log')");
    expect(read).toMatchObject({ outcome: "threw", error: { code: "E_CONTEXT_CHANGED" } });
    expect(read.error?.message).toContain("a.log");
    expect((await session.run("[first, await context.read('b.log')]")).value).toEqual(["one\ntwo\n", "three\n"]);
    // Rebuilt from its journal the session is still what it was.
    for (const kernel of kernelsBelow(process.pid)) process.kill(kernel, "SIGKILL");
    expect(await session.run("first")).toMatchObject({ value: "one\ntwo\n" });
  }
  await expect(open(files.path)).rejects.toMatchObject({ code: "E_CONTEXT_CHANGED" });
});

it("row 41: a session that streams 5 GB writes less than a hundredth of it", async () => {
  const FILE_MB = 100;
  const TIMES = 50;
  using files = folder({});
  mkdirSync(join(files.path, "data"));
  const line = `${"x".repeat(99)}\n`;
  for (const name of ["a.log", "b.log", "c.log"]) writeFileSync(join(files.path, "data", name), line.repeat((FILE_MB * MB) / line.length));
  await using session = await open(files.path, { context: "data", cellTimeout: 600 });
  const result = await session.run(`
    let bytes = 0;
    while (bytes < ${TIMES * FILE_MB * MB})
      for await (const { text } of context.chunks({ max_chars: 4_000_000 })) bytes += text.length;
    bytes`);
  expect(result).toMatchObject({ outcome: "ok" });
  expect(result.value).toBeGreaterThanOrEqual(TIMES * FILE_MB * MB);
  expect(bytesBelow(join(files.path, "state"))).toBeLessThan((TIMES * FILE_MB * MB) / 100);
}, 300_000);

it("row 27: a journal that cannot be written any further is told once, and the run goes on", async () => {
  const cells = Array.from({ length: 6 }, (_, i) => `globalThis.n = (globalThis.n ?? 0) + 1; n // ${String(i).repeat(40_000)}`);
  using files = folder({ "nb.ts": cells.join("\n// %%\n") });
  // What a full disk says comes as well from a limit on the size of files.
  const limited = `trap '' XFSZ; ulimit -f 100; exec "$@"`;
  const { stdout, stderr, status } = spawnSync(
    "bash",
    ["-c", limited, "bash", process.execPath, BIN, "run", "nb.ts", "--json", "--state-dir", "state"],
    { cwd: files.path, encoding: "utf8" },
  );
  const values = stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as JsonOutcome).value);
  expect([values, status], stderr).toEqual([[1, 2, 3, 4, 5, 6], 0]);
  expect(stderr.match(/the journal in .* cannot be written \(EFBIG[^)]*\): this session goes on without it/g)).toHaveLength(1);
});

it("row 27: a line that is none ends what counts of a journal, and that is said", async () => {
  using files = folder({});
  {
    await using session = await open(files.path);
    for (let i = 1; i <= 4; i++) await session.run(`globalThis.n = ${i}`);
  }
  const sessions = join(files.path, "state", "sessions");
  const path = join(sessions, readdirSync(sessions)[0] ?? "", "journal.jsonl");
  const lines = readFileSync(path, "utf8").split("\n");
  const third = lines.findIndex((line) => line.startsWith('{"type":"cell","n":3'));
  writeFileSync(path, [...lines.slice(0, third), '{"type":"cell","n":\u0000', ...lines.slice(third)].join("\n"));
  const told: string[] = [];
  await using again = await open(files.path, { onEvent: (event) => void (event.type === "notice" && told.push(event.text)) });
  expect(await again.run("n")).toMatchObject({ cell: 3, value: 2 });
  expect(told.join()).toMatch(/was whole up to byte \d+ of \d+; the rest does not count/);
  await expect(open(files.path)).rejects.toMatchObject({ code: "E_JOURNAL_LOCKED" });
});

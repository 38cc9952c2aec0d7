// The journal a session leaves: who may read it, what is in it, and in which order. Replay will live on that.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serveAnthropic } from "../src/llm/servers.ts";
import { cli, folder, type Ran, type RunOptions } from "./cli.ts";

type Line = Readonly<Record<string, unknown>> & { readonly type: string };

interface Kept {
  readonly ran: Ran;
  readonly folder: string;
  readonly records: readonly Line[];
}

const SCRIPT = JSON.stringify({
  rules: [
    { match: "slow", reply: "late", delay_ms: 400 },
    { match: "/^bad/", error: { code: "E_LLM_BAD_REQUEST", message: "no" } },
  ],
  default: "ok",
});

/** Runs cells as a notebook, and reads what was kept of them in `state` below `cwd`. */
async function keep(cells: readonly string[], cwd: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Kept> {
  writeFileSync(join(cwd, "nb.ts"), cells.map((cell) => `// %%\n${cell}`).join("\n"));
  writeFileSync(join(cwd, "sub.json"), SCRIPT);
  const ran = await cli(["run", "nb.ts", "-q", "-m", "script:sub.json", "--state-dir", "state", ...args], { cwd, ...options });
  const sessions = join(cwd, "state", "sessions");
  const place = join(sessions, readdirSync(sessions).at(-1) ?? "");
  return { ran, folder: place, records: recordsIn(place) };
}

function recordsIn(place: string): Line[] {
  const text = readFileSync(join(place, "journal.jsonl"), "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

/** `call 1`, `slot 1.2`, `entry settle 1`, …: what must come in order. */
function steps(records: readonly Line[]): string[] {
  return records.map((record) => {
    switch (record.type) {
      case "call":
        return `call ${String(record["seq"])} ${String(record["op"])}`;
      case "slot":
        return `slot ${String(record["seq"])}.${String(record["i"])}`;
      case "answer":
        return `answer ${String(record["seq"])}`;
      case "entry":
        return `entry ${String(record["kind"])} ${String(record["seq"])}`;
      case "cell":
        return `cell ${String(record["n"])}`;
      case "end":
      case "terminated":
        return `${record.type} ${String(record["cell"])}`;
      default:
        return record.type;
    }
  });
}

describe("the journal of a session", () => {
  it("begins with what a replay needs, for its owner alone", async () => {
    using files = folder({ "a.log": "one\n" });
    const { folder: place, records } = await keep(["1"], files.path, ["-c", "a.log", "--tz", "Europe/Berlin", "--locale", "de-DE"]);
    const [header, context, cell] = records;
    expect(Object.keys(header ?? {}).join(" ")).toBe(
      "type v session seed now tz locale workers workers_fixed parallelism cwd workspace no_ignore node v8 prelude",
    );
    expect(header).toMatchObject({
      type: "header",
      v: 1,
      tz: "Europe/Berlin",
      locale: "de-DE",
      node: process.version,
      v8: process.versions.v8,
      prelude: createHash("sha256").update(readFileSync("dist/prelude.js")).digest("hex"),
    });
    expect(place.endsWith(String(header?.["session"]))).toBe(true);
    expect(header?.["seed"]).toEqual(expect.any(Number));
    expect(context).toEqual({
      type: "context",
      name: "a.log",
      kind: "text",
      identity: createHash("sha256").update("one\n").digest("hex"),
      inputs: ["a.log"],
      combined: false,
    });
    // The emitted script is kept, so that replay never transforms again.
    expect(cell).toMatchObject({ type: "cell", n: 1 });
    expect(cell?.["script"]).toContain("sourceURL=cell-1");
    expect(modeOf(place)).toBe("700");
    expect(modeOf(join(place, "journal.jsonl"))).toBe("600");
    expect(modeOf(join(files.path, "state"))).toBe("700");
  });

  it("writes each effect before it takes place, in one order", async () => {
    using files = folder({ "a.txt": "abc" });
    const { ran, records } = await keep(
      [
        "const r = await llm_batch_query(['slow', 'b', 'bad']); r",
        "await Promise.all([llm_query('x'), llm_query('y')]); await new Promise((r) => setTimeout(r, 5))",
        "await read_file('a.txt')",
      ],
      files.path,
    );
    expect(ran.code, ran.stderr).toBe(0);
    const order = steps(records);
    expect(order.slice(0, 10)).toEqual([
      "header",
      "cell 1",
      "entry run 1",
      "call 1 llm_batch",
      expect.stringMatching(/^slot 1\.[12]$/),
      expect.stringMatching(/^slot 1\.[12]$/),
      "slot 1.0",
      "answer 1",
      "entry settle 1",
      "end 1",
    ]);
    for (const seq of [2, 3]) {
      expect(order.indexOf(`call ${seq} llm`)).toBeLessThan(order.indexOf(`answer ${seq}`));
      expect(order.indexOf(`answer ${seq}`)).toBeLessThan(order.indexOf(`entry settle ${seq}`));
    }
    expect(order.slice(order.indexOf("call 4 timer"))).toEqual([
      "call 4 timer",
      "entry timer 4",
      "end 2",
      "cell 3",
      "entry run 3",
      "call 5 read_file",
      "answer 5",
      "entry settle 5",
      "end 3",
    ]);
    const slots = records.filter(({ type }) => type === "slot");
    expect(slots.find((slot) => slot["i"] === 2)).toMatchObject({ result: { text: null, error: { code: "E_LLM_BAD_REQUEST" } } });
    // The clock handed to the guest never goes back.
    const clock = records.filter(({ type }) => type === "entry").map((entry) => Number(entry["now"]));
    expect(clock).toEqual(clock.toSorted((a, b) => a - b));
    expect(records.at(-1)).toMatchObject({ type: "end", cell: 3, outcome: "ok", preview: "'abc'", usage: { calls: 4 } });
  });

  it("gives equal calls equal keys", async () => {
    using files = folder({});
    const { records } = await keep(["await llm_query('x'); await llm_query('x'); await llm_query('z')"], files.path);
    const keys = records.filter(({ type }) => type === "call").map((call) => call["key"]);
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("keeps what is large beside it, once, and what can be had again by its hash", async () => {
    using files = folder({ "big.txt": "line of a large file\n".repeat(5_000) });
    const { folder: place, records } = await keep(
      [
        "const big = 'x'.repeat(100_000); await llm_query(big); await llm_query(big)",
        `const data = "${"d".repeat(80_000)}"; data.length`,
        "(await read_file('big.txt')).length",
        "(await parallel_scan([() => 'v'.repeat(90_000)])).length",
      ],
      files.path,
    );
    for (const { type, ...record } of records) expect(JSON.stringify(record).length, type).toBeLessThan(170_000);
    const calls = records.filter(({ type }) => type === "call");
    const hash = (calls[0]?.["args"] as { $blob: string } | undefined)?.$blob ?? "none";
    expect(calls[1]?.["args"]).toEqual({ $blob: hash });
    const blob = join(place, "blobs", hash);
    expect(JSON.parse(readFileSync(blob, "utf8"))).toEqual({ prompt: "x".repeat(100_000) });
    expect(createHash("sha256").update(readFileSync(blob)).digest("hex")).toBe(hash);
    expect(modeOf(blob)).toBe("600");
    expect(records.find(({ type, n }) => type === "cell" && n === 2)?.["script"]).toEqual({ $blob: expect.any(String) });
    const read = records.find(({ type, seq }) => type === "answer" && seq === 3);
    expect(read).toEqual({ type: "answer", seq: 3, ok: true, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    // What a scan found is kept by value: it may be anything.
    expect(records.find(({ type, seq }) => type === "answer" && seq === 4)?.["value"]).toEqual({ $blob: expect.any(String) });
    expect(readdirSync(join(place, "blobs"))).toHaveLength(3);
  });

  it("tells what was cut and what was refused", async () => {
    using files = folder({});
    const { ran, records } = await keep(["for (;;);", "const x = {", "await read_file('nope.txt')", "2"], files.path, [
      "--cell-timeout",
      "0.5",
    ]);
    expect(ran.code).toBe(4);
    expect(steps(records)).toEqual([
      "header",
      "cell 1",
      "entry run 1",
      "terminated 1",
      "end 1",
      "cell 2",
      "end 2",
      "cell 3",
      "entry run 3",
      "call 1 read_file",
      "answer 1",
      "entry settle 1",
      "end 3",
      "cell 4",
      "entry run 4",
      "end 4",
    ]);
    expect(records.find(({ type }) => type === "answer")).toMatchObject({ ok: false, value: { code: "E_NOT_FOUND" } });
    expect(records.filter(({ type }) => type === "end").map((end) => end["outcome"])).toEqual(["timeout", "rejected", "threw", "ok"]);
  });

  it("has the turns of an ask, and no key", async () => {
    const key = "sk-ant-journal-771f03";
    await using server = await serveAnthropic((request) => {
      if (!request.root) return "sub reply";
      return request.turns.length < 3 ? { text: "I look.", code: "await llm_query('q')" } : { code: "FINAL(1)" };
    });
    using files = folder({ "a.txt": "text" });
    const ran = await cli(["ask", "What?", "a.txt", "--state-dir", "state", "-q", "--json"], {
      cwd: files.path,
      env: { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: server.url },
    });
    const { session } = JSON.parse(ran.stdout) as { session: string };
    const place = join(files.path, "state", "sessions", session);
    const records = recordsIn(place);
    expect(steps(records)).toEqual([
      "header",
      "context",
      "turn",
      "turn",
      "cell 1",
      "entry run 1",
      "call 1 llm",
      "answer 1",
      "entry settle 1",
      "end 1",
      "turn",
      "turn",
      "cell 2",
      "entry run 2",
      "end 2",
      "turn",
    ]);
    expect(records.filter(({ type }) => type === "turn")).toMatchObject([
      { iteration: 0, question: "What?", first: expect.stringContaining("What?") as string, max_iterations: 20 },
      { iteration: 1, reply: "I look.", code: "await llm_query('q')", stop: "tool", paid: { calls: 1 } },
      { iteration: 1, output: expect.stringContaining("cell 1: ok") as string },
      { iteration: 2, code: "FINAL(1)" },
      { iteration: 2, answer: 1, stop_reason: "final", usage: { calls: 3 } },
    ]);
    expect(records.at(-2)).toMatchObject({ outcome: "final", usage: { calls: 3 } });
    expect(readFileSync(join(place, "journal.jsonl"), "utf8")).not.toContain(key);
  });
});

describe("where sessions are kept", () => {
  it("is XDG_STATE_HOME/rlm-repl, a folder a session", async () => {
    using files = folder({ "nb.ts": "1" });
    const state = join(files.path, "xdg");
    for (let i = 0; i < 2; i++) await cli(["run", "nb.ts"], { cwd: files.path, env: { XDG_STATE_HOME: state } });
    const sessions = readdirSync(join(state, "rlm-repl", "sessions"));
    expect(sessions).toHaveLength(2);
    for (const name of sessions) expect(name).toMatch(/^\d{8}-\d{6}-[0-9a-f]{6}$/);
  });

  it("is below HOME without it", async () => {
    using files = folder({ "nb.ts": "1" });
    await cli(["run", "nb.ts"], { cwd: files.path, env: { XDG_STATE_HOME: "", HOME: files.path } });
    expect(readdirSync(join(files.path, ".local", "state", "rlm-repl", "sessions"))).toHaveLength(1);
  });

  it("keeps none of -e and -", async () => {
    using files = folder({});
    const env = { XDG_STATE_HOME: join(files.path, "xdg") };
    await cli(["-e", "1"], { cwd: files.path, env });
    await cli(["-"], { cwd: files.path, env, stdin: "1" });
    expect(existsSync(join(files.path, "xdg"))).toBe(false);
  });

  it.each(["file/below", "/proc/nope", "/dev/null"])("cannot be %s: said once, and the run goes on", async (place) => {
    using files = folder({ "nb.ts": "// %%\nawait llm_query('x')\n// %%\n40 + 2", "sub.json": SCRIPT, file: "" });
    const ran = await cli(["run", "nb.ts", "--state-dir", place, "-m", "script:sub.json"], { cwd: files.path });
    expect(ran).toMatchObject({ code: 0, stdout: "42\n" });
    expect(ran.stderr.match(/journal in .* cannot be written/g)).toHaveLength(1);
    expect(ran.stderr).toContain("--state-dir");
  });

  it("goes on when the journal cannot grow", async () => {
    using files = folder({
      "nb.ts": "// %%\nprint('x'.repeat(10))\n// %%\nconst big = 'y'.repeat(300_000); await llm_query(big)\n// %%\n7",
      "sub.json": SCRIPT,
    });
    // A file size limit of 100 blocks stands for a full disk: writes fail in the middle.
    const ran = await shell(`ulimit -f 100; exec "$0" "$1" run nb.ts --state-dir state -m script:sub.json`, files.path);
    expect(ran.stdout).toBe("7\n");
    expect(ran.code).toBe(0);
    expect(ran.stderr.match(/cannot be written/g)).toHaveLength(1);
  });
});

/** A shell line with Node and the command as `$0` and `$1`. */
async function shell(line: string, cwd: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { execFile } = await import("node:child_process");
  const { BIN } = await import("./cli.ts");
  return new Promise((resolve) => {
    const child = execFile("sh", ["-c", line, process.execPath, BIN], { cwd }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

// Sessions that outlive their process: gone on with, copied, taken back, listed; their journals cut, corrupted and shared.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSession, type ReplSession, type SessionOptions } from "../../src/index.ts";
import { cli, folder } from "../e2e/cli.ts";
import { Terminal } from "../e2e/terminal.ts";

const asked: string[] = [];
const model = (prompt: string): Promise<string> => {
  asked.push(prompt);
  return Promise.resolve(`re ${prompt}`);
};

function open(stateDir: string, options: Partial<SessionOptions> = {}): Promise<ReplSession> {
  return openSession({ env: {}, stateDir, model, ...options });
}

async function value(session: ReplSession, code: string): Promise<unknown> {
  return (await session.run(code)).value;
}

const CELLS = [
  "let n = 1; const chance = [Math.random(), crypto.randomUUID(), Date.now()]; class P { constructor(public v: number) {} }",
  "const got = await llm_batch_query(['a', 'b']); const p = new P(7); const inc = () => (n += p.v); inc()",
  "await new Promise((r) => setTimeout(r, 5)); const text = await read_file('big.txt'); const lines = text.split('\\n').length; inc()",
];
const STATE = "JSON.stringify([n, chance, got, p.v, typeof lines, lines, inc.toString()])";

describe("a kept session", () => {
  it("goes on in another process with everything it had, and asks no model again", async () => {
    using files = folder({ "big.txt": "a line of text\n".repeat(5_000) });
    const state = join(files.path, "state");
    let before: unknown;
    let id: string;
    {
      await using session = await open(state, { cwd: files.path, session: "work", context: { text: "in memory" } });
      for (const cell of CELLS) expect((await session.run(cell)).outcome).toBe("ok");
      before = await value(session, STATE);
      ({ id } = session);
    }
    asked.length = 0;
    await using again = await open(state, { resume: id });
    expect(again.earlier).toHaveLength(4);
    const first = await again.run(STATE);
    expect(first).toMatchObject({ value: before, cell: 5 });
    expect(first).not.toHaveProperty("state");
    expect(await value(again, "[inc(), context, await llm_query('c')]")).toEqual([22, "in memory", "re c"]);
    expect(asked).toEqual(["c"]);
    await expect(open(state, { session: "work" })).rejects.toMatchObject({ code: "E_JOURNAL_LOCKED" });
    await using copy = await open(state, { resume: id.slice(0, -2), fork: true });
    expect(await value(copy, "inc()")).toBe(29);
    expect(await value(again, "n")).toBe(22);
  });

  it("keeps its time zone and locale, whatever those of the process that goes on with it", async () => {
    using files = folder({});
    const state = join(files.path, "state");
    const shown = "[new Date(0).toString(), (1234.5).toLocaleString(), new Date(1e12).toLocaleDateString()]";
    let before: unknown;
    {
      await using session = await open(state, { session: "s", tz: "Asia/Tokyo", locale: "de-DE" });
      before = await value(session, shown);
    }
    expect(before).toMatchObject([expect.stringContaining("GMT+0900"), "1.234,5", expect.any(String)]);
    await using again = await open(state, { session: "s", tz: "America/New_York", locale: "en-GB" });
    expect(await value(again, shown)).toEqual(before);
  });

  it("can be copied at a cell, and taken back cell by cell", async () => {
    using files = folder({});
    const state = join(files.path, "state");
    {
      await using session = await open(state, { session: "s" });
      for (let i = 1; i <= 5; i++) await session.run(`globalThis.n = (globalThis.n ?? 0) + ${i}; await llm_query("q${i}"); n`);
    }
    const env = { XDG_STATE_HOME: files.path };
    const forked = await cli(["sessions", "fork", "s", "2", "--state-dir", state], { env });
    asked.length = 0;
    await using fork = await open(state, { resume: forked.stdout.trim() });
    expect(await value(fork, "n")).toBe(3);
    expect(await value(fork, "n * 10")).toBe(30);
    await using other = await open(state, { session: "s" });
    expect(await value(other, "n")).toBe(15);
    expect(await other.undo()).toBe(6);
    expect(await other.undo()).toBe(5);
    expect(await value(other, "[n, await llm_query('new')]")).toEqual([10, "re new"]);
    expect(asked).toEqual(["new"]);
  });

  it("can be copied while it is open, and the copy and it go on side by side", async () => {
    using files = folder({});
    const state = join(files.path, "state");
    await using session = await open(state);
    for (let i = 1; i <= 4; i++) await session.run(`globalThis.n = (globalThis.n ?? 0) + ${i}; Math.random(); n`);
    await using all = await open(state, { resume: await session.fork() });
    await using half = await open(state, { resume: await session.fork(2) });
    const next = "[n += 100, Math.random()]";
    const [own, same, other] = [await value(session, next), await value(all, next), await value(half, next)] as [
      [number, number],
      [number, number],
      [number, number],
    ];
    expect([own[0], same[0], other[0]]).toEqual([110, 110, 103]);
    expect(same[1]).toBe(own[1]);
    expect(other[1]).not.toBe(own[1]);
    await expect(session.fork(9)).rejects.toMatchObject({ code: "E_USAGE" });
    await using unkept = await openSession({ ephemeral: true, env: {} });
    await expect(unkept.fork()).rejects.toMatchObject({ code: "E_STATE" });
  });

  it("says what changed under it, what it lost, and what was not whole", async () => {
    using files = folder({ "a.log": "one\ntwo\n" });
    const state = join(files.path, "state");
    const told: string[] = [];
    const listen = { onEvent: (event: { type: string; text?: string }) => event.type === "notice" && told.push(event.text ?? "") };
    {
      await using session = await open(state, { cwd: files.path, context: "a.log", session: "s" });
      await session.run("const lines = context.split('\\n').length");
    }
    const [id = ""] = readdirSync(join(state, "sessions"));
    const journal = join(state, "sessions", id, "journal.jsonl");
    writeFileSync(journal, `${readFileSync(journal, "utf8")}{"type":"entry","cel`);
    {
      await using again = await open(state, { session: "s", ...listen });
      expect(await value(again, "lines")).toBe(3);
      expect(told.join()).toMatch(/was whole up to byte \d+ of \d+/);
      expect(existsSync(join(state, "sessions", id, "journal.damaged"))).toBe(true);
    }
    utimesSync(join(files.path, "a.log"), 1, 1);
    {
      // The same text at another time is the same context.
      await using again = await open(state, { session: "s" });
      expect(await value(again, "lines")).toBe(3);
    }
    writeFileSync(join(files.path, "a.log"), "one\nTWO\n");
    await expect(open(state, { session: "s" })).rejects.toMatchObject({
      code: "E_CONTEXT_CHANGED",
      message: expect.stringContaining("a.log") as string,
    });
  });

  it("that diverges is refused, and a copy goes on from the last cell that agreed", async () => {
    using files = folder({ "data.txt": "v1 ".repeat(10_000) });
    const state = join(files.path, "state");
    {
      await using session = await open(state, { cwd: files.path, session: "s" });
      await session.run("let kept = 1");
      await session.run("const data = await read_file('data.txt'); kept = 2");
    }
    writeFileSync(join(files.path, "data.txt"), "v2 ".repeat(10_000));
    await expect(open(state, { session: "s" })).rejects.toMatchObject({
      code: "E_DIVERGED",
      message: expect.stringMatching(/cell 2.*--fork/) as string,
    });
    await using fork = await open(state, { session: "s", fork: true });
    const first = await fork.run("[kept, typeof data]");
    expect(first).toMatchObject({ value: [1, "undefined"], state: "lost" });
    expect(first.warnings.join()).toContain("E_DIVERGED");
  });

  it("whose answers are gone in part is refused by name, and a copy goes on from the last cell that agreed", async () => {
    using files = folder({});
    const state = join(files.path, "state");
    const long = (prompt: string): Promise<string> => Promise.resolve(`${prompt} ${"long ".repeat(20_000)}`);
    {
      await using session = await open(state, { session: "s", model: long });
      await session.run("let kept = 1");
      await session.run("const said = await llm_query('q'); kept = 2");
    }
    const [id = ""] = readdirSync(join(state, "sessions"));
    const blobs = join(state, "sessions", id, "blobs");
    for (const blob of readdirSync(blobs)) rmSync(join(blobs, blob));
    await expect(open(state, { session: "s" })).rejects.toMatchObject({ code: "E_DIVERGED" });
    await using fork = await open(state, { session: "s", fork: true, model: long });
    expect((await fork.run("[kept, (await llm_query('q')).length]")).value).toEqual([1, 100_002]);
  });

  it("survives a journal that is cut at any byte", async () => {
    using files = folder({});
    const state = join(files.path, "state");
    {
      await using session = await open(state, { session: "s" });
      for (let i = 1; i <= 4; i++) await session.run(`globalThis.list = [...(globalThis.list ?? []), await llm_query("${i}")]`);
    }
    const [id = ""] = readdirSync(join(state, "sessions"));
    const journal = join(state, "sessions", id, "journal.jsonl");
    const whole = readFileSync(journal);
    const firstCell = whole.indexOf('{"type":"cell"');
    for (let i = 0; i < 12; i++) {
      const at = firstCell + Math.floor(((whole.length - firstCell) * (i + 0.37)) / 12);
      const place = join(files.path, `cut${i}`);
      mkdirSync(join(place, "sessions", id, "blobs"), { recursive: true });
      copyFileSync(journal, join(place, "sessions", id, "journal.jsonl"));
      writeFileSync(join(place, "sessions", id, "journal.jsonl"), whole.subarray(0, at));
      await using session = await open(place, { resume: id });
      const list = (await value(session, "globalThis.list ?? []")) as string[];
      expect(list).toEqual(["re 1", "re 2", "re 3", "re 4"].slice(0, list.length));
      // A cell that had begun goes on.
      const begun = whole
        .subarray(0, at)
        .toString()
        .split("\n")
        .slice(0, -1)
        .filter((line) => line.startsWith('{"type":"cell"')).length;
      expect(list.length).toBe(begun);
    }
  });
});

describe("sessions at the command line", () => {
  it("are listed, shown, gone on with by -e, and removed", async () => {
    using files = folder({ "s.json": '{"default":"ok"}' });
    const run = (...args: string[]) => cli([...args, "-m", "script:s.json", "--state-dir", "state"], { cwd: files.path });
    expect(await run("-e", "let n = 1", "--session", "work")).toMatchObject({ code: 0 });
    expect(await run("-e", "n += 1; n", "--session", "work")).toMatchObject({ code: 0, stdout: "2\n", stderr: "" });
    expect(await run("-e", "n", "--continue")).toMatchObject({ stdout: "2\n" });
    const listed = await run("sessions");
    expect(listed.stdout).toMatch(/^\d{8}-\d{6}-\w{6} {2}\S+ \S+ +0 min +3 cells +[\d.]+ kB {2}closed {2}work\n$/);
    const [one] = (await run("sessions", "--json")).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; cells: number });
    expect(one?.cells).toBe(3);
    expect((await run("sessions", "show", "work")).stdout).toContain("[2] n += 1; n\n  → ok: 2\n");
    expect(await run("sessions", "rm", one?.id ?? "")).toMatchObject({ code: 0 });
    expect((await run("sessions")).stdout).toContain("no sessions in");
    expect(await run("-e", "1", "--resume", "nope")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no session nope") as string,
    });
    expect(await run("-e", "1", "--resume", "a", "--continue")).toMatchObject({ code: 2 });
    expect((await run("sessions", "prune")).stdout).toContain("nothing is older");
  });

  it("are gone on with at the prompt, and taken back", async () => {
    using files = folder({});
    const args = ["-m", "offline", "--state-dir", join(files.path, "state"), "--session", "p"];
    {
      await using terminal = new Terminal(args);
      await terminal.shows(/rlm>$/);
      terminal.type("let a = 1\ra = 2\r.undo\r");
      await terminal.shows("cell 2 is taken back");
      terminal.type("a\r");
      await terminal.shows(/^1$/m);
      terminal.type(".session\r");
      await terminal.shows("rlm-repl --resume");
      terminal.type("\u0004");
      expect(await terminal.exit).toBe(0);
    }
    await using terminal = new Terminal(["sessions", "resume", "p", ...args.slice(0, -2)]);
    await terminal.shows(/rlm>$/);
    terminal.type("a + 40\r");
    await terminal.shows(/^41$/m);
  });
});

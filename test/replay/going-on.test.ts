// A run of many cells that loses its sandbox, and its own process, at moments nobody chose: it comes to what an undisturbed one comes to,
// and no model is asked twice.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cli, folder, type JsonOutcome } from "../e2e/cli.ts";
import { Terminal } from "../e2e/terminal.ts";
import { isRunning, kernelsBelow } from "../faults/setup.ts";
import { serveAnthropic, type ServedRequest } from "../src/llm/servers.ts";

const CELLS = 50;
const KEY = "sk-ant-test-5f8e21aa90c3d7b6";

/** Four calls a cell: in sequence, as a batch, from a timer, and one that the next cell awaits. */
function cellOf(i: number): string {
  if (i === 0)
    return `const said = []; const chance = [Math.random(), crypto.randomUUID(), Date.now()]; let open = Promise.resolve("none");
      class Tally { n = 0; add(text) { this.n += text.length; said.push(text); return this } }
      const tally = new Tally(); const note = (text) => tally.add(text); print(JSON.stringify(chance));
      for (const j of [0, 1, 2, 3]) note(await llm_query("0." + j));`;
  if (i === CELLS - 1)
    return `note(await open); for (const j of [0, 1, 2, 3]) note(await llm_query("${i}." + j));
      print(JSON.stringify(chance)); [said.length, tally.n, said.join("|")]`;
  return `note(await open);
    for (const text of await llm_batch_query(["${i}.0", "${i}.1"])) note(text);
    note(await new Promise((resolve) => setTimeout(() => resolve(llm_query("${i}.2")), 3)));
    open = llm_query("${i}.3"); print("cell ${i}"); said.length`;
}

const NOTEBOOK = Array.from({ length: CELLS }, (_, i) => `// %%\n${cellOf(i)}`).join("\n");
const PROMPTS = Array.from({ length: CELLS * 4 }, (_, k) => `${Math.floor(k / 4)}.${k % 4}`);

interface Run {
  readonly outcomes: readonly JsonOutcome[];
  readonly asked: readonly string[];
  readonly stderr: string;
}

/** `disturb` is told the process, and how many prompts the server has seen, after each of them. */
async function run(disturb: (pid: number, asked: number, round: number) => void, rounds = 1): Promise<Run> {
  const asked: string[] = [];
  let pid = 0;
  let round = 0;
  await using server = await serveAnthropic(async ({ last }) => {
    asked.push(last);
    disturb(pid, asked.length, round);
    await new Promise((resolve) => setTimeout(resolve, 2 + (asked.length % 5) * 3));
    return `re ${last}`;
  });
  using files = folder({ "n.ts": NOTEBOOK });
  const options = {
    cwd: files.path,
    env: { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, XDG_STATE_HOME: files.path },
    onStart: (_: unknown, __: unknown, started: number) => void (pid = started),
  };
  let stdout = "";
  let stderr = "";
  for (; round < rounds; round++) {
    const ran = await cli(["run", "n.ts", "--json", "-m", "anthropic", "--session", "s"], options);
    stdout += ran.stdout;
    stderr += ran.stderr;
    if (ran.signal === null) break;
  }
  const shown = await cli(["sessions", "show", "s", "--json"], options);
  const { history } = JSON.parse(shown.stdout) as { history: { outcome: string }[] };
  expect(history.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
  const outcomes = stdout
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as JsonOutcome);
  return { outcomes, asked, stderr };
}

function expectUndisturbed({ outcomes, stderr }: Run): void {
  const said = PROMPTS.map((prompt) => `re ${prompt}`);
  const last = outcomes.at(-1);
  // The first cell awaits its four, every later one those of the cell before it last.
  expect(last?.value, stderr).toEqual([said.length + 1, expect.any(Number), expect.any(String)]);
  const [, , text] = (last?.value ?? []) as [number, number, string];
  expect(text.split("|").toSorted()).toEqual(["none", ...said].toSorted());
  expect(last?.output).toBe(outcomes[0]?.output);
}

describe("a run of 50 cells and 200 model calls", () => {
  it("that loses its sandbox three times ends by itself, and asks each prompt once", async () => {
    const at = fc.sample(fc.uniqueArray(fc.integer({ min: 1, max: 190 }), { minLength: 3, maxLength: 3 }), 1)[0] ?? [];
    const ran = await run((pid, asked) => {
      if (at.includes(asked)) for (const kernel of kernelsBelow(pid).slice(0, 1)) process.kill(kernel, "SIGKILL");
    });
    expect(ran.outcomes, ran.stderr).toHaveLength(CELLS);
    expectUndisturbed(ran);
    expect(ran.asked.toSorted(), `killed at ${at.join()}`).toEqual(PROMPTS.toSorted());
  });

  it("whose process is killed goes on where it stood, and asks again only what had not been answered", async () => {
    const at = fc.sample(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 3, maxLength: 3 }), 1)[0] ?? [];
    let killedAt = 0;
    let left: number[] = [];
    const ran = await run((pid, asked, round) => {
      const next = at[round];
      if (next === undefined || asked - killedAt !== next) return;
      killedAt = asked;
      left = kernelsBelow(pid);
      process.kill(pid, "SIGKILL");
    }, 4);
    expectUndisturbed(ran);
    const twice = ran.asked.length - new Set(ran.asked).size;
    expect(new Set(ran.asked)).toEqual(new Set(PROMPTS));
    expect(twice, `killed after ${at.join()}`).toBeLessThanOrEqual(3 * 4);
    await expect.poll(() => left.filter(isRunning)).toEqual([]);
  });
});

describe("a notebook that is run again in its session", () => {
  it("goes on after what it had, begins anew where it had ended, and says which contexts count", async () => {
    using files = folder({ "n.ts": "1\n// %%\n2", "more.ts": "1\n// %%\n2\n// %%\n3", "final.ts": "FINAL(1)\n// %%\n2", "a.txt": "text" });
    const run = async (file: string, ...args: string[]) => {
      const ran = await cli(["run", file, "--json", "--state-dir", "state", ...args], { cwd: files.path });
      const cells = ran.stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => (JSON.parse(line) as JsonOutcome).cell);
      return { ...ran, cells };
    };
    expect((await run("n.ts", "--session", "a")).cells).toEqual([1, 2]);
    expect((await run("n.ts", "--session", "a", "-c", "a.txt")).stderr).toContain("goes on with the contexts it has");
    expect((await run("n.ts", "--session", "b")).cells).toEqual([1, 2]);
    const more = await run("more.ts", "--session", "b");
    expect([more.cells, more.stderr]).toEqual([[3], expect.stringContaining("2 of 3 cells ran before")]);
    expect((await run("final.ts", "--session", "c")).cells).toEqual([1]);
    expect((await run("final.ts", "--session", "c")).cells).toEqual([2]);
  });

  it("ends with the cell that goes on, where that is its last: FINAL", async () => {
    using files = folder({
      "n.ts": "print('begun'); await new Promise((r) => setTimeout(r, 400)); FINAL(7)\n// %%\nglobalThis.ran = true",
    });
    const args = ["run", "n.ts", "--state-dir", "state", "--session", "s"];
    let kill: ((signal: NodeJS.Signals) => void) | undefined;
    const first = cli(args, { cwd: files.path, onStart: (end) => void (kill = end) });
    const journal = join(files.path, "state", "sessions");
    await expect
      .poll(
        () =>
          existsSync(journal) &&
          readdirSync(journal).some((id) => readFileSync(join(journal, id, "journal.jsonl"), "utf8").includes('"entry"')),
      )
      .toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    kill?.("SIGKILL");
    expect((await first).signal).toBe("SIGKILL");
    const again = await cli([...args, "--json"], { cwd: files.path });
    const outcomes = again.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonOutcome);
    expect(outcomes, again.stderr).toMatchObject([{ cell: 1, outcome: "final", value: 7, output: "begun\n" }]);
    expect(again.code).toBe(0);
  });
});

describe("a question whose process is killed", () => {
  const CODE = [
    "const a = await llm_query('sub 0'); print(a)",
    "const rest = await llm_batch_query(['sub 1', 'sub 2', 'sub 3']); print('counted ' + rest.length)",
    "const all = [a, ...rest]; await new Promise((r) => setTimeout(r, 30)); all.push(await llm_query('sub 4')); all.length",
    "FINAL({ all, n: all.length })",
  ];

  it.each([0, 1, 2, 3])("goes on with the same requests, and asks nothing twice that was answered (%i)", async (shift) => {
    const requests: ServedRequest[] = [];
    // Every third request or so is the last one its process sees.
    const at = new Set([1, 4, 7].map((n) => n + shift));
    let pid = 0;
    await using server = await serveAnthropic(async (request) => {
      requests.push(request);
      if (at.has(requests.length)) process.kill(pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (!request.root) return `re ${request.last}`;
      const turn = request.turns.filter(({ role }) => role === "assistant").length;
      const thought = { type: "thinking", thinking: `turn ${turn}`, signature: "c2ln" };
      return { text: "I look.", code: CODE[turn] ?? "FINAL('too far')", blocks: [thought] };
    });
    using files = folder({ "a.txt": "text" });
    const options = {
      cwd: files.path,
      env: { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, XDG_STATE_HOME: files.path },
      onStart: (_: unknown, __: unknown, started: number) => void (pid = started),
    };
    const resumed = ["ask", "--json", "--continue"];
    let ran = await cli(["ask", "How many?", "a.txt", "--json"], options);
    for (let i = 0; i < 3 && ran.signal !== null; i++) ran = await cli(resumed, options);
    expect(ran.code, ran.stderr).toBe(0);
    const all = [0, 1, 2, 3, 4].map((i) => `re sub ${i}`);
    const result = JSON.parse(ran.stdout) as { usage: { calls: number; repeated: number } };
    expect(result).toMatchObject({ answer: { all, n: 5 }, stop_reason: "final", partial: false, iterations: 4 });

    const subs = requests.filter(({ root }) => !root).map(({ last }) => last);
    const twice = subs.length - new Set(subs).size;
    expect([...new Set(subs)].toSorted()).toEqual(["sub 0", "sub 1", "sub 2", "sub 3", "sub 4"]);
    expect(twice).toBeLessThanOrEqual(result.usage.repeated);
    expect(result.usage.calls).toBe(9);
    // Each request of the root model is the one before it, byte for byte, and what came after it.
    const roots = requests.filter(({ root }) => root).map(({ body }) => body);
    for (const [i, body] of roots.entries()) {
      const before = JSON.stringify(toList(roots[i - 1]?.["messages"]).map(unmarked)).slice(0, -1);
      expect(JSON.stringify(toList(body["messages"]).map(unmarked)).startsWith(before)).toBe(true);
      expect(body["system"]).toEqual(roots[0]?.["system"]);
    }
    // It has its answer: that is given again, and costs nothing.
    const again = await cli(resumed, options);
    expect(JSON.parse(again.stdout)).toMatchObject({ answer: { all, n: 5 }, stop_reason: "final", usage: { calls: 9 } });
    expect(requests).toHaveLength(subs.length + roots.length);
  });

  it("is asked for where there was none", async () => {
    using files = folder({ "s.json": '{"root":["FINAL(1)"]}' });
    const options = { cwd: files.path, env: { XDG_STATE_HOME: files.path } };
    await cli(["-e", "1", "--session", "s"], options);
    const none = await cli(["ask", "--session", "s", "-m", "script:s.json"], options);
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/no question was asked in \S+: write one/)]);
    const bare = await cli(["ask"], options);
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("ask needs a question")]);
  });
});

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Without the mark of the provider's cache, which moves with the end of the prompt. */
function unmarked(message: unknown): unknown {
  return JSON.parse(JSON.stringify(message, (key, value: unknown) => (key === "cache_control" ? undefined : value)));
}

describe("a cell at the prompt whose process is killed", () => {
  it.each([
    ["goes on to its end before there is a prompt", "", /^'over'$[^]*^'over'$/m],
    ["is ended by Ctrl-C", "\u0003", /Interrupted: the cell was interrupted[^]*^'undefined'$/m],
  ])("%s", async (_, keys, shown) => {
    using files = folder({});
    const args = ["-m", "offline", "--state-dir", join(files.path, "state"), "--session", "p"];
    const wait = keys === "" ? 300 : 60_000;
    {
      await using terminal = new Terminal(args);
      await terminal.shows(/rlm>$/);
      terminal.type(`let said; print("begun"); await new Promise((r) => setTimeout(r, ${wait})); said = "over"\r`);
      await terminal.shows(/^begun$/m);
      process.kill(terminal.pid, "SIGKILL");
      await terminal.exit;
    }
    await using terminal = new Terminal(args);
    await terminal.shows(/cell 1 was running when its process ended: it goes on[^]*^begun$/m);
    terminal.type(keys);
    await terminal.shows(/rlm>$/);
    terminal.type("String(said)\r");
    await terminal.shows(shown);
  });
});

// `ask`, end to end: the built command against real servers on loopback that play the root model and its sub-models.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serveAnthropic, serveOpenAi, type ModelServer, type Policy, type Served, type ServedRequest } from "../src/llm/servers.ts";
import { cli, folder, type Ran, type RunOptions } from "./cli.ts";

const KEY = "sk-ant-test-5f8e21aa90c3d7b6";
const LINES = 20_000;
/** Over 1 MB; every line says something no other line says. */
const LOG = Array.from({ length: LINES }, (_, i) => `${i} GET /item/${i * 7} status=${i % 10 === 3 ? 500 : 200} token=${secretOf(i)}`).join(
  "\n",
);
const PIECES = 50;
const COLLECT = `
const lines = context.split("\\n");
const size = Math.ceil(lines.length / ${PIECES});
const prompts = Array.from({ length: ${PIECES} }, (_, i) => \`piece \${i}: how many are broken?\\n\` + lines.slice(i * size, (i + 1) * size).filter((l) => l.includes("status=500")).join("\\n"));
const replies = await llm_batch_query(prompts);
print(replies.length, new Set(replies).size);`;
const ANSWER = `FINAL({ total: replies.reduce((sum, r) => sum + Number(/\\d+$/.exec(r)[0]), 0), order: replies.map((r) => Number(/^piece (\\d+)/.exec(r)[1])), nested: [null, true, "é\\u2028"] })`;
const CELLS = ["print(typeof context, context.length)", COLLECT, ANSWER];
const EXPECTED = { total: LINES / 10, order: Array.from({ length: PIECES }, (_, i) => i), nested: [null, true, "é\u2028"] };

function secretOf(i: number): string {
  return `tok${((i * 2654435761) >>> 0).toString(36)}`;
}

/** The root's cells one after another; a sub-model counts the lines it was given, after a while, so that calls overlap. */
function player(cells: readonly string[], write: (code: string) => Served, subMs = 30): Policy {
  return async (request) => {
    if (isRoot(request)) return write(cells[request.turns.filter(({ role }) => role === "assistant").length] ?? "FINAL('too far')");
    await new Promise((resolve) => {
      setTimeout(resolve, subMs);
    });
    const [, piece] = /^piece (\d+)/.exec(request.last) ?? [];
    return { text: `piece ${piece}: ${request.last.split("\n").length - 1}`, usage: { input: 100, output: 7, cacheRead: 11 } };
  };
}

function isRoot({ system }: ServedRequest): boolean {
  return system.includes("FINAL(");
}

const byTool = (code: string): Served => ({ text: "I look.", code, usage: { input: 1_000, output: 50 } });
const byFence = (code: string): Served => ({
  text: `I look.\n\`\`\`ts\n${code}\n\`\`\`\nOutput: imagined 42`,
  usage: { input: 1_000, output: 50 },
});

async function ask(server: ModelServer, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return cli(["ask", "How many requests failed?", ...args], {
    ...options,
    env: { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, OPENAI_API_KEY: KEY, OPENAI_BASE_URL: server.url, ...options.env },
  });
}

interface AskJson {
  readonly answer: unknown;
  readonly stop_reason: string;
  readonly partial: boolean;
  readonly iterations: number;
  readonly model: { readonly root: string; readonly sub: string };
  readonly usage: Record<string, number | null>;
  readonly session: string;
  readonly error?: { readonly code: string; readonly message: string };
}

function parsed({ stdout, stderr }: Ran): AskJson {
  expect(stdout.endsWith("\n"), stderr).toBe(true);
  expect(stdout.trimEnd()).not.toContain("\n");
  return JSON.parse(stdout) as AskJson;
}

function journalOf(stateDir: string): string {
  const [session = ""] = readdirSync(join(stateDir, "sessions"));
  return readFileSync(join(stateDir, "sessions", session, "journal.jsonl"), "utf8");
}

/** A longest common part of context and requests: the probe shows whole first and last lines, and nothing else may. */
function expectOnlyTheProbe(server: ModelServer): void {
  const roots = server.requests.filter(isRoot);
  expect(roots.length).toBeGreaterThanOrEqual(3);
  const probed = new Set([...LOG.split("\n").slice(0, 12), ...LOG.split("\n").slice(-8)].map((line) => line.slice(line.indexOf("token="))));
  for (const { body } of roots) {
    const text = JSON.stringify(body);
    expect(text.length).toBeLessThan(60_000);
    for (const [found] of text.matchAll(/token=tok\w+/g)) expect(probed).toContain(found);
  }
}

describe("ask over a context of more than 1 MB", () => {
  it("asks Anthropic's API ten prompts at a time, and answers what FINAL got", async () => {
    await using server = await serveAnthropic(player(CELLS, byTool));
    using files = folder({ "access.log": LOG });
    const ran = await ask(server, ["access.log", "--json", "-m", "anthropic"], { cwd: files.path });
    expect(ran.code, ran.stderr).toBe(0);
    const answer = parsed(ran);
    expect(Object.keys(answer).toSorted()).toEqual([
      "answer",
      "compactions",
      "iterations",
      "model",
      "nudges",
      "partial",
      "session",
      "stop_reason",
      "usage",
    ]);
    expect(answer).toMatchObject({ answer: EXPECTED, stop_reason: "final", partial: false, iterations: 3 });
    expect(server.peak).toBe(10);
    expect(server.requests).toHaveLength(3 + PIECES);
    expect(answer.usage).toMatchObject({
      calls: 53,
      input_tokens: 3 * 1_000 + PIECES * (100 + 11),
      output_tokens: 3 * 50 + PIECES * 7,
      cached_input_tokens: PIECES * 11,
    });
    expect(answer.usage["usd"]).toBeGreaterThan(0);
    expect(answer.model.root).toMatch(/^anthropic:/);
    expectOnlyTheProbe(server);
    expect(server.requests.filter((request) => request.root)).toHaveLength(3);
    // Sub-models are asked plainly: no tool, no system prompt of ours.
    for (const request of server.requests.filter(({ root }) => !root)) expect(request.turns).toHaveLength(1);
    expect(ran.stderr).toContain("anthropic:");
    expect(ran.stderr).not.toContain("turn 1");
  });

  it("asks OpenAI's API by fenced code, and drops what stands after it", async () => {
    await using server = await serveOpenAi(player(CELLS, byFence));
    using files = folder({ "access.log": LOG });
    const ran = await ask(server, ["access.log", "--json", "-m", "openai:local:7b", "--concurrency", "3"], { cwd: files.path });
    expect(ran.code, ran.stderr).toBe(0);
    const answer = parsed(ran);
    expect(answer).toMatchObject({ answer: EXPECTED, stop_reason: "final", model: { root: "openai:local:7b", sub: "openai:local:7b" } });
    // The price of such a model is unknown: told at the start, never guessed.
    expect(answer.usage).toMatchObject({ calls: 53, input_tokens: 3_000 + PIECES * 100, output_tokens: 150 + PIECES * 7, usd: null });
    expect(ran.stderr).toMatch(/price of openai:local:7b is unknown/);
    expect(server.peak).toBe(3);
    expect(server.requests[0]?.model).toBe("local:7b");
    expectOnlyTheProbe(server);
    for (const { body } of server.requests) expect(JSON.stringify(body)).not.toContain("imagined 42");
  });

  it("takes the number of calls at a time from RLM_SEMAPHORE_LIMIT, and a batch its own limit", async () => {
    await using server = await serveAnthropic(player(CELLS, byTool));
    using files = folder({ "access.log": LOG });
    const ran = await ask(server, ["access.log", "-q"], { cwd: files.path, env: { RLM_SEMAPHORE_LIMIT: "4" } });
    expect(ran.code, ran.stderr).toBe(0);
    expect(server.peak).toBe(4);
    expect(JSON.parse(ran.stdout)).toEqual(EXPECTED);

    await using slower = await serveAnthropic(
      player([COLLECT.replace("(prompts)", "(prompts.slice(0, 8), { limit: 2 })"), "FINAL('ok')"], byTool),
    );
    expect((await ask(slower, ["access.log", "-q"], { cwd: files.path })).stdout).toBe("ok\n");
    expect(slower.peak).toBe(2);
  });

  it("tells its progress on stderr and prints a string bare", async () => {
    await using server = await serveAnthropic(player(["print('seen by the model')", "FINAL('line one\\nline two')"], byTool));
    using files = folder({ "access.log": LOG });
    const ran = await ask(server, ["access.log"], { cwd: files.path });
    expect(ran).toMatchObject({ code: 0, stdout: "line one\nline two\n" });
    expect(ran.stderr).toContain("turn 1");
    expect(ran.stderr).toMatch(/2 turns, 2 model calls, 2,000 \+ 100 tokens, \$/);
    expect(ran.stderr).not.toContain("\u001b");
    expect(server.requests[1]?.last).toContain("seen by the model");
  });
});

describe("an ask that may not go on", () => {
  it("ends with a forced last turn, partial", async () => {
    await using server = await serveAnthropic((request) =>
      request.last.includes("last turn") || request.turns.length > 5 ? "forty-two, perhaps" : byTool("context.length"),
    );
    using files = folder({ "a.txt": "some text\n" });
    const ran = await ask(server, ["a.txt", "--json", "--max-iterations", "2"], { cwd: files.path });
    expect(ran.code, ran.stderr).toBe(3);
    expect(parsed(ran)).toMatchObject({ answer: null, stop_reason: "max_iterations", partial: true, iterations: 2 });
    expect(server.requests).toHaveLength(5);
  });

  it("takes a FINAL of the forced last turn as the answer, still partial", async () => {
    await using server = await serveAnthropic((request) => byTool(request.turns.length >= 5 ? "FINAL({ partly: 1 })" : "1"));
    const ran = await ask(server, ["--json", "--max-iterations", "2"]);
    expect(ran.code, ran.stderr).toBe(3);
    expect(parsed(ran)).toMatchObject({ answer: { partly: 1 }, stop_reason: "max_iterations", partial: true });
  });

  it("stops at --max-calls before it passes them", async () => {
    await using server = await serveAnthropic(player(["await llm_query('piece 1: x')", "await llm_query('piece 2: x')", "1"], byTool, 0));
    const ran = await ask(server, ["--json", "--max-calls", "3"]);
    expect(ran.code, ran.stderr).toBe(3);
    expect(parsed(ran)).toMatchObject({
      answer: null,
      stop_reason: "budget",
      partial: true,
      iterations: 1,
      usage: { calls: 3 },
    });
    expect(server.requests).toHaveLength(3);
  });

  it("refuses a batch out of reach before the first call of it, and the cell reads why", async () => {
    const cells = ["await llm_batch_query(Array.from({ length: 30 }, (_, i) => 'piece ' + i + ': x'))", "FINAL(_error.code)"];
    await using server = await serveAnthropic(player(cells, byTool));
    const ran = await ask(server, ["--json", "--max-calls", "20"]);
    expect(parsed(ran)).toMatchObject({ answer: "E_BUDGET", stop_reason: "final" });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.last).toContain("this batch of 30 calls");
  });

  it("never spends more than --max-cost", async () => {
    const cells = [
      `const r = []; for (let i = 0; i < 40; i++) r.push(await llm_query("x".repeat(40_000), { max_tokens: 10 }).catch((e) => e.code)); r.join()`,
      "FINAL(r.length)",
    ];
    await using server = await serveAnthropic(player(cells, byTool, 0));
    const ran = await ask(server, ["--json", "--max-cost", "0.05"]);
    const { usage, stop_reason: reason } = parsed(ran);
    expect(["budget", "final"]).toContain(reason);
    expect(usage["usd"]).toBeLessThanOrEqual(0.05);
    expect(server.requests.length).toBeLessThan(41);
  });

  it("does not take a promise to bound money it cannot keep", async () => {
    await using server = await serveOpenAi(() => "never asked");
    using files = folder({ "prices.json": JSON.stringify({ mine: { input: 1, output: 2 } }) });
    const refused = await ask(server, ["-m", "openai:mine", "--max-cost", "1"], { cwd: files.path });
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/--prices/);
    expect(server.requests).toHaveLength(0);

    await using priced = await serveOpenAi(player(["FINAL(1)"], byFence));
    const ran = await ask(priced, ["--json", "-m", "openai:mine", "--max-cost", "1", "--prices", "prices.json"], { cwd: files.path });
    expect(ran.code, ran.stderr).toBe(0);
    expect(parsed(ran).usage["usd"]).toBeCloseTo(1_000e-6 + 50 * 2e-6, 9);
  });
});

describe("what a provider does wrong", () => {
  it("does not repeat the key of a 401 anywhere", async () => {
    await using server = await serveAnthropic(() => ({
      status: 401,
      body: { type: "error", error: { type: "authentication_error", message: `invalid x-api-key: ${KEY}` } },
    }));
    using files = folder({ "a.txt": "text" });
    const state = join(files.path, "state");
    const ran = await ask(server, ["a.txt", "--json", "-v", "--state-dir", state], { cwd: files.path });
    expect(ran.code).toBe(5);
    expect(parsed(ran)).toMatchObject({ answer: null, stop_reason: "error", partial: true, error: { code: "E_LLM_AUTH" } });
    expect(ran.stdout + ran.stderr + journalOf(state)).not.toContain(KEY);
    expect(ran.stderr).not.toMatch(/^\s+at /m);

    const plain = await ask(server, ["a.txt"], { cwd: files.path });
    expect(plain).toMatchObject({ code: 5, stdout: "" });
    expect(plain.stderr).toMatch(/^rlm-repl: anthropic answered 401.*\(E_LLM_AUTH\)$/m);
    expect(plain.stderr).not.toContain(KEY);
  });

  it("gives a cell the error of its sub-call without the key, and goes on", async () => {
    await using server = await serveAnthropic((request) =>
      isRoot(request)
        ? byTool(
            request.turns.length < 3
              ? "try { await llm_query('x') } catch (e) { print(e.code, e.message, e.stack) }; throw await llm_query('y').catch((e) => e)"
              : "FINAL('went on')",
          )
        : { status: 401, body: { error: { message: `bad key ${KEY}` } } },
    );
    using files = folder({});
    const state = join(files.path, "state");
    const ran = await ask(server, ["--state-dir", state], { cwd: files.path });
    expect(ran).toMatchObject({ code: 0, stdout: "went on\n" });
    expect(server.requests.at(-1)?.last).toContain("E_LLM_AUTH");
    expect(JSON.stringify(server.requests.map(({ body }) => body)) + ran.stderr + journalOf(state)).not.toContain(KEY);
  });

  it("has a slot for each failure, and keeps the others", async () => {
    await using server = await serveAnthropic((request) => {
      if (isRoot(request))
        return byTool(request.turns.length < 3 ? "const r = await llm_batch_query(['a', 'broken', 'c']); r" : "FINAL(r)");
      return request.last === "broken" ? { status: 400, body: { error: { message: "no" } } } : `re: ${request.last}`;
    });
    const ran = await ask(server, ["--json"]);
    expect(parsed(ran)).toMatchObject({ answer: ["re: a", null, "re: c"], stop_reason: "final", usage: { calls: 4 } });
    expect(server.requests.filter((request) => !isRoot(request))).toHaveLength(3);
  });

  it("tries a 529 and a reset again", async () => {
    let failures = 0;
    await using server = await serveAnthropic((request) => {
      if (isRoot(request)) return byTool(request.turns.length < 3 ? "const r = await llm_batch_query(['a', 'b']); r" : "FINAL(r)");
      if (failures++ < 2) return failures === 1 ? { status: 529 } : { fault: "reset" };
      return `re: ${request.last}`;
    });
    expect(parsed(await ask(server, ["--json"]))).toMatchObject({ answer: ["re: a", "re: b"], usage: { calls: 4 } });
  });

  it("ends with 5 when the root model's provider cannot be reached", async () => {
    const gone = await serveAnthropic(() => "");
    await gone[Symbol.asyncDispose]();
    const ran = await ask(gone, []);
    expect(ran).toMatchObject({ code: 5, stdout: "" });
    expect(ran.stderr).toMatch(/E_LLM_NETWORK/);
  });

  it("ends a root that only writes prose", async () => {
    await using server = await serveAnthropic(() => "I think it is 7.");
    const ran = await ask(server, ["--json"]);
    expect(ran.code).toBe(3);
    expect(parsed(ran)).toMatchObject({ answer: null, stop_reason: "max_iterations", partial: true });
    expect(server.requests.length).toBeLessThan(8);
  });
});

describe("without a model", () => {
  it("says which there are, once, before anything else", async () => {
    const ran = await cli(["ask", "Why?"]);
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "rlm-repl: no model chosen: --model anthropic | openai:<name> | offline, or RLM_MODEL (E_NO_MODEL)\n",
    });
  });

  it("matters to -e only at the first model call", async () => {
    expect(await cli(["-e", "1 + 1"])).toMatchObject({ code: 0, stdout: "2\n", stderr: "" });
    const called = await cli(["-e", "await llm_query('x')"]);
    expect(called.code).toBe(2);
    expect(called.stderr).toContain("E_NO_MODEL");
    expect(await cli(["-e", "await llm_query('x').catch((e) => e.code)"])).toMatchObject({ code: 0, stdout: "E_NO_MODEL\n" });
  });

  it("chooses RLM_MODEL before a key, and a flag before both", async () => {
    await using server = await serveAnthropic(player(["FINAL(1)"], byTool));
    const ran = await ask(server, ["--json", "-m", "offline"], { env: { RLM_MODEL: "openai:x" } });
    expect(parsed(ran).model.root).toBe("offline");
    const byVariable = await ask(server, ["--json"], { env: { RLM_MODEL: "anthropic:some-model" } });
    expect(parsed(byVariable).model.root).toBe("anthropic:some-model");
    expect(byVariable.stderr).toContain("RLM_MODEL");
  });
});

describe("Ctrl-C in the middle of an ask", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s closes the sockets and leaves no process", async (signal) => {
    await using server = await serveAnthropic((request) =>
      isRoot(request) ? byTool("await llm_batch_query(Array.from({ length: 50 }, (_, i) => 'q' + i))") : { fault: "hang" },
    );
    using files = folder({ "a.txt": "text" });
    let children: readonly number[] = [];
    const ran = await ask(server, ["a.txt", "--json"], {
      cwd: files.path,
      onStart: (kill, _, pid) =>
        void server.whenAsked(11).then(() => {
          children = descendants(pid);
          kill(signal);
        }),
    });
    expect(ran.code).toBe(signal === "SIGINT" ? 130 : 143);
    await server.whenClosed(10);
    expect(server.closed).toBe(10);
    expect(server.requests).toHaveLength(11);
    expect(children.length).toBeGreaterThan(0);
    await expect.poll(() => children.filter(isRunning), { timeout: 5_000 }).toEqual([]);
    if (signal === "SIGINT") expect(parsed(ran)).toMatchObject({ answer: null, stop_reason: "interrupted", partial: true });
  });

  it.skipIf(process.platform !== "linux")("ends a search that runs", async () => {
    const slow = String.raw`\w*?(\w)?\w{1,5}(a|b|c|\s){0,20}\w+\w$`;
    await using server = await serveAnthropic((request) => (isRoot(request) ? byTool(`await rg_count(${JSON.stringify(slow)})`) : "no"));
    using files = folder({ "big.txt": "abc deface ghi jklabc mno pqacb stu\n".repeat(2_000_000) });
    let searches: readonly number[] = [];
    const ran = await ask(server, ["big.txt", "--json"], {
      cwd: files.path,
      onStart: (kill, _, pid) => {
        const watch = setInterval(() => {
          searches = (isRunning(pid) ? descendants(pid) : []).filter((child) => commandOf(child).endsWith("/rg"));
          if (searches.length === 0 && isRunning(pid)) return;
          clearInterval(watch);
          kill("SIGINT");
        }, 10);
      },
    });
    expect(ran.code).toBe(130);
    expect(searches).toHaveLength(1);
    await expect.poll(() => searches.filter(isRunning), { timeout: 5_000 }).toEqual([]);
    expect(parsed(ran)).toMatchObject({ stop_reason: "interrupted" });
  });

  it("interrupts a root call, and a cell that never yields", async () => {
    await using hanging = await serveAnthropic(() => ({ fault: "hang" }));
    const first = await ask(hanging, ["--json"], { onStart: (kill) => void hanging.whenAsked(1).then(() => kill("SIGINT")) });
    expect(first.code).toBe(130);
    expect(parsed(first)).toMatchObject({ stop_reason: "interrupted" });

    await using server = await serveAnthropic((request) => (isRoot(request) ? byTool("await llm_query('now'); for (;;);") : "go"));
    const second = await ask(server, ["--json"], {
      onStart: (kill) => void server.whenAsked(2).then(() => setTimeout(() => kill("SIGINT"), 300)),
    });
    expect(second.code).toBe(130);
    expect(parsed(second)).toMatchObject({ stop_reason: "interrupted", answer: null });
  });
});

describe("what ask takes", () => {
  it("makes one corpus of several paths, and a context of each -c", async () => {
    await using server = await serveAnthropic(
      player(["FINAL({ kind: typeof context, names: Object.keys(contexts), files: context.files?.map((f) => f.path) ?? null })"], byTool),
    );
    using files = folder({ "a.log": "1", "b.log": "2", "sub/a.log": "3" });
    const corpus = await ask(server, ["a.log", "b.log", "--json"], { cwd: files.path });
    expect(parsed(corpus).answer).toMatchObject({ kind: "object", files: ["a.log", "b.log"] });
    const named = await ask(server, ["-c", "a.log", "-c", "sub/a.log", "--json"], { cwd: files.path });
    expect(parsed(named).answer).toMatchObject({ kind: "string", names: ["a.log", "a.log#2"] });
  });

  it("keeps its file of prices where it is", async () => {
    using files = folder({});
    writeFileSync(join(files.path, "bad.json"), "{");
    const ran = await cli(["ask", "q", "-m", "offline", "--prices", "bad.json"], { cwd: files.path });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain("bad.json");
  });
});

/** Every process below this one, now. */
function descendants(pid: number): number[] {
  const own = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
  return own.flatMap((child) => [child, ...descendants(child)]);
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";
  } catch {
    return "";
  }
}

// The prompt as a person meets it: a real pseudo-terminal, keys in, a screen out.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serveAnthropic } from "../src/llm/servers.ts";
import { BIN, cli, folder } from "./cli.ts";
import { Terminal, type TerminalOptions } from "./terminal.ts";

const READY = /rlm>$/;
// oxlint-disable-next-line no-control-regex -- escape codes are what this looks for
const COLOR = /\u001b\[[\d;]*m/;
const OFFLINE = ["-m", "offline"] as const;

async function open(options: TerminalOptions = {}, args: readonly string[] = OFFLINE): Promise<Terminal> {
  const terminal = new Terminal(args, options);
  await terminal.shows(READY);
  return terminal;
}

describe("a cell at the prompt", () => {
  it("shows its value as Node does, coloured, and remembers it", async () => {
    await using terminal = await open();
    terminal.type("const xs = [1, 'two', null, { a: 3n }]; xs\r");
    await terminal.shows("[ 1, 'two', null, { a: 3n } ]");
    expect(terminal.raw).toContain("\u001b[32m'two'\u001b[39m");
    terminal.type("_.length + Out[1].length\r");
    await terminal.shows(/^8$/m);
    terminal.type("await Promise.resolve(41) + 1\r");
    await terminal.shows(/^42$/m);
    terminal.type("null.x\r");
    await terminal.shows("TypeError: Cannot read properties of null (reading 'x') at cell 4:1:6");
    terminal.type("_error.name\r");
    await terminal.shows(/^'TypeError'$/m);
    terminal.type("'y'.repeat(1e6)\r");
    await terminal.shows("998000 more characters");
  });

  it("goes on over lines until it is whole, and is recalled whole", async () => {
    await using terminal = await open();
    terminal.type("function twice(a) {\r  return `\r${a}${a}`\r}\r");
    terminal.type("twice(1).length\r");
    await terminal.shows(/^3$/m);
    terminal.type("\u001b[A\u001b[A");
    await terminal.shows(/rlm> function twice\(a\) \{\n\| {3}return `\n\| \$\{a\}\$\{a\}`\n\| \}$/);
    terminal.type("\r");
    await terminal.shows(READY);
    terminal.type("const s = {\r");
    await terminal.shows(/\|$/);
    terminal.type("\u0003");
    await terminal.shows(READY);
  });

  it("takes a paste of 200 lines in order, tabs included", async () => {
    await using terminal = await open();
    const lines = Array.from({ length: 40 }, (_, i) => [
      `function f${i}(a) {`,
      `\treturn a + ${i}`,
      "}",
      `order.push(f${i}(1))`,
      "",
    ]).flat();
    terminal.type(`let order = []\r${lines.join("\r")}order.join() === Array.from(order, (_, i) => i + 1).join() && order.length\r`);
    await terminal.shows(/^40$/m);
  });

  it("stops at Ctrl-C with every variable: in a wait, and in a slice, whose isolate is rebuilt", async () => {
    await using terminal = await open();
    terminal.type("let kept = 7\rawait new Promise((r) => setTimeout(r, 60_000))\r");
    await terminal.shows("60_000))");
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type("\u0003");
    await terminal.shows("Interrupted");
    terminal.type("kept\r");
    await terminal.shows(/^7$/m);
    terminal.type("for (;;) {}\r");
    await terminal.shows("for (;;) {}");
    await new Promise((resolve) => setTimeout(resolve, 500));
    terminal.type("ignored because typed ahead\r\u0003");
    await terminal.shows("rebuilt by replay");
    terminal.type("kept + 1\r");
    expect(await terminal.shows(/^8$/m)).not.toContain("ignored");
  });

  it("shows what comes from the background above what is being typed", async () => {
    await using terminal = await open();
    terminal.type("new Promise((r) => setTimeout(r, 10)); llm_query('quote me').then((text) => print('came', text.length > 0)); 0\r");
    await terminal.shows(/^0$/m);
    terminal.type("half a li");
    expect(await terminal.shows("came true")).not.toContain("half a lirlm");
    await terminal.shows(/^rlm> half a li$/m);
  });

  it("tells time and money of a cell that spent", async () => {
    await using terminal = await open();
    terminal.type("await llm_batch_query(['a', 'b'])\r");
    await terminal.shows(/\d\.\d s, 2 model calls, \$0\.00/);
  });
});

describe("Tab", () => {
  it("offers variables, the prelude, members and commands; getters never run", async () => {
    await using terminal = await open();
    terminal.type("const record = { alpha: 1, get beta() { globalThis.ran = true; return { inner: 1 } } }\r");
    await terminal.shows(READY);
    const completed = async (typed: string, wanted: string): Promise<void> => {
      terminal.type(typed);
      await new Promise((resolve) => setTimeout(resolve, 50));
      terminal.type("\t");
      await terminal.shows(new RegExp(`${wanted.replaceAll(/[.()?]/g, "\\$&")}$`));
      terminal.type("\u0015");
    };
    await completed("record.al", "rlm> record.alpha");
    await completed("parallel_sc", "rlm> parallel_scan");
    await completed("rec", "rlm> record");
    await completed("record?.al", "rlm> record?.alpha");
    await completed(".sa", "rlm> .save");
    terminal.type("record.beta.\t\t");
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type("\u0015typeof ran\r");
    await terminal.shows(/^'undefined'$/m);
  });
});

describe("commands", () => {
  it("each does what .help says", async () => {
    using files = folder({ "a.log": "error: one\nfine\n", "logs/b.log": "error: two\n" });
    await using terminal = await open({ cwd: files.path });
    terminal.type(".help\r");
    await terminal.shows(".ask QUESTION");
    terminal.type("const mine = 'here'\r.vars\r");
    await terminal.shows(/mine\s+string\s+4 {2}'here'/);
    terminal.type(".context a.log logs\r");
    await terminal.shows(/contexts\["a\.log"\] {2}a\.log, text, 16 bytes\ncontext {2}logs, corpus of 1 files, 11 bytes/);
    terminal.type("contexts['a.log'].length + context.files.length + mine.length\r");
    await terminal.shows(/^21$/m);
    terminal.type(".ask Which error is there?\r");
    await terminal.shows("error: two");
    await terminal.shows(/rlm-repl: \d+ turns, \d+ model calls/);
    terminal.type("typeof mine\r");
    await terminal.shows(/^'string'$/m);
    terminal.type(".cost\r");
    await terminal.shows(/\d+ model calls, [\d,]+ tokens in/);
    terminal.type(".limits\r");
    await terminal.shows("512 MB beside the context");
    terminal.type(".model offline\r");
    await terminal.shows("root offline, sub-calls offline");
    terminal.type(".save kept.ts\r");
    await terminal.shows(/\d cells in kept\.ts/);
    expect(readFileSync(join(files.path, "kept.ts"), "utf8")).toContain("// %%\nconst mine = 'here'\n");
    terminal.type(".context --none\r");
    await terminal.shows("no context:");
    terminal.type(".load kept.ts\r");
    await terminal.shows(READY);
    terminal.type(".context nowhere\r");
    await terminal.shows("no such context: nowhere");
    terminal.type(".exit\r");
    expect(await terminal.exit).toBe(0);
  });

  it("asks before it replaces a file, and what was typed ahead is no answer", async () => {
    using files = folder({ "kept.ts": "mine" });
    await using terminal = await open({ cwd: files.path });
    terminal.type("1\r");
    await terminal.shows(/^1$/m);
    terminal.type(".save kept.ts\ry");
    await terminal.shows("Replace it?");
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type("\r");
    await terminal.shows("is as it was");
    expect(readFileSync(join(files.path, "kept.ts"), "utf8")).toBe("mine");
    terminal.type(".save kept.ts\r");
    await terminal.shows(/Replace it\?[^]*Replace it\?/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type("\u0003");
    await terminal.shows(/is as it was[^]*is as it was/);
    terminal.type(".save --yes kept.ts\r");
    await terminal.shows("1 cell in kept.ts");
  });
});

describe("what costs or acts", () => {
  it("is asked about in the middle of a cell: no is E_DECLINED, yes goes on, Ctrl-C leaves the cell to the person", async () => {
    using files = folder({
      "tools.ts": `export default { act: { description: "Acts.", input: { type: "object" }, run: () => "done", sideEffects: true } };`,
    });
    await using terminal = await open({ cwd: files.path }, [...OFFLINE, "--tools", "tools.ts"]);
    for (const [key, shown] of [
      ["n", /E_DECLINED/],
      ["y", /^'done'$/m],
      ["\u0003", /E_DECLINED[^]*E_DECLINED/],
    ] as const) {
      const before = terminal.raw.split("Run it?").length;
      terminal.type("await act({ n: 1 })\r");
      await terminal.shows('act({"n":1}) has side effects. Run it?');
      await expect.poll(() => terminal.raw.split("Run it?").length).toBeGreaterThan(before);
      await new Promise((resolve) => setTimeout(resolve, 300));
      terminal.type(key);
      await terminal.shows(shown);
      await terminal.shows(READY);
    }
    terminal.type("1 + 1\r");
    await terminal.shows(/^2$/m);
  });

  it("is a dear batch, from 0.25 USD on", async () => {
    await using server = await serveAnthropic(() => "ok");
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", ANTHROPIC_BASE_URL: server.url };
    await using terminal = await open({ env }, ["-m", "anthropic"]);
    terminal.type("(await llm_batch_query(['a', 'b'])).length\r");
    await terminal.shows(/^2$/m);
    terminal.type("(await llm_batch_query(Array.from({ length: 100 }, (_, i) => i + 'x'.repeat(120_000)))).length\r");
    await terminal.shows(/this batch of 100 calls[^]*likely to cost[^]*Go on\?/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type("y");
    await terminal.shows(/^100$/m);
  });
});

describe("the first start", () => {
  it("asks for a model once, and keeps the answer in the user's file", async () => {
    const config = mkdtempSync(join(tmpdir(), "rlm-config-"));
    const env = { XDG_CONFIG_HOME: config, MY_KEY: "sk-not-shown-anywhere" };
    {
      await using terminal = new Terminal([], { env });
      await terminal.shows("Which model should answer");
      terminal.type("\r");
      await terminal.shows("come from");
      terminal.type("\r");
      await terminal.shows("Which variable?");
      terminal.type("\u0015");
      await new Promise((resolve) => setTimeout(resolve, 100));
      terminal.type("MY_KEY\r");
      expect(await terminal.shows(READY)).toContain("anthropic:");
      expect(terminal.raw).not.toContain("sk-not-shown");
    }
    const file = join(config, "rlm-repl", "rlm.config.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ model: "anthropic", key_from: "env:MY_KEY" });
    await using again = new Terminal([], { env });
    expect(await again.shows(READY)).not.toContain("Which model");
    rmSync(config, { recursive: true });
  });

  it("is left by Ctrl-C without a crash, and asks nobody elsewhere", async () => {
    await using terminal = new Terminal([], { env: { NO_COLOR: "1" } });
    await terminal.shows("Which model should answer");
    expect(terminal.raw).not.toMatch(COLOR);
    terminal.type("\u0003");
    expect(await terminal.shows(READY)).toContain("offline");
    terminal.type("2 + 2\r");
    await terminal.shows(/^4$/m);
    const config = mkdtempSync(join(tmpdir(), "rlm-config-"));
    const { code, stderr } = await cli(["-e", "await llm_query('x')"], { env: { XDG_CONFIG_HOME: config } });
    expect([code, stderr.trim()]).toEqual([2, expect.stringContaining("E_NO_MODEL")]);
    rmSync(config, { recursive: true });
  });
});

describe("leaving and coming back", () => {
  it("keeps the history, for its owner alone", async () => {
    const state = mkdtempSync(join(tmpdir(), "rlm-state-"));
    const env = { XDG_STATE_HOME: state };
    {
      await using terminal = await open({ env });
      terminal.type("const first = 'line'\r[\r1,\r2]\r");
      await terminal.shows("[ 1, 2 ]");
      terminal.type("\u0003");
      await terminal.shows("To exit, press Ctrl+C again");
      terminal.type("\u0003");
      expect(await terminal.exit).toBe(0);
    }
    expect(statSync(join(state, "rlm-repl", "history")).mode & 0o777).toBe(0o600);
    await using terminal = await open({ env });
    terminal.type("\u0012firs");
    await terminal.shows("bck-i-search");
    terminal.type("\r");
    await terminal.shows(READY);
    terminal.type("first\r");
    await terminal.shows(/^'line'$/m);
    terminal.type("\u0012[");
    await terminal.shows(/bck-i-search: \[/);
    terminal.type("\r");
    await terminal.shows("[ 1, 2 ]");
    rmSync(state, { recursive: true });
  });

  it("keeps nothing with --ephemeral", async () => {
    const state = mkdtempSync(join(tmpdir(), "rlm-state-"));
    await using terminal = await open({ env: { XDG_STATE_HOME: state } }, [...OFFLINE, "--ephemeral"]);
    terminal.type("1 + 1\r");
    await terminal.shows(/^2$/m);
    terminal.type("\u0004");
    expect(await terminal.exit).toBe(0);
    expect(existsSync(join(state, "rlm-repl"))).toBe(false);
    rmSync(state, { recursive: true });
  });

  it("ends with the signal's code, and takes its kernel along", async () => {
    await using terminal = await open();
    const [kernel] = readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, "utf8").trim().split(" ");
    expect(existsSync(`/proc/${kernel}`)).toBe(true);
    process.kill(terminal.pid, "SIGTERM");
    expect(await terminal.exit).toBe(143);
    await expect.poll(() => existsSync(`/proc/${kernel}`), { timeout: 10_000 }).toBe(false);
  });
});

describe("another terminal", () => {
  it.each<[string, TerminalOptions]>([
    ["NO_COLOR", { env: { NO_COLOR: "1" } }],
    ["TERM=dumb", { env: { TERM: "dumb" } }],
    ["no home folder", { env: { HOME: "/nonexistent", XDG_STATE_HOME: "", XDG_CONFIG_HOME: "" } }],
    ["an empty HOME", { env: { HOME: "", XDG_STATE_HOME: "", XDG_CONFIG_HOME: "" } }],
    ["40 columns", { columns: 40 }],
  ])("%s", async (_, options) => {
    await using terminal = await open(options);
    terminal.type("progress(1, 2, 'a text of more than forty characters in all'); ['a', 1]\r");
    await terminal.shows("[ 'a', 1 ]");
    terminal.type("for (;;);\r");
    await terminal.shows("for (;;);");
    await new Promise((resolve) => setTimeout(resolve, 500));
    terminal.type("\u0003");
    await terminal.shows("Interrupted");
    await terminal.shows(READY);
    terminal.resize(60, 20);
    terminal.type("6 * 7\r");
    await terminal.shows(/^42$/m);
    if (options.env !== undefined && !("HOME" in options.env)) expect(terminal.raw).not.toMatch(COLOR);
  });

  it("a hostile line of a log is only text", async () => {
    using files = folder({ "bad.log": "\u001b]52;c;aGk=\u0007\u001b[2J\u202eevil\r\n" });
    await using terminal = await open({ cwd: files.path }, [...OFFLINE, "-c", "bad.log"]);
    terminal.type("print(context); context\r");
    await terminal.shows("\\x1b]52;c;aGk=\\x07\\x1b[2J\\u202eevil\\x0d");
    for (const code of ["\u001b]52", "\u001b[2J", "\u202e"]) expect(terminal.raw).not.toContain(code);
  });

  it("none: standard input is a notebook", async () => {
    expect(await cli([], { stdin: "const a = 20\n// %%\na + 1\n" })).toMatchObject({ code: 0, stdout: "21\n" });
    expect(await cli(["--json"], { stdin: "1\n// %%\nthrow 2" })).toMatchObject({ code: 1 });
    expect(existsSync(BIN)).toBe(true);
  });
});

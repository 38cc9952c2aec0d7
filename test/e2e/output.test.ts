// What a command writes where: values on stdout, the rest on stderr, bounded, raw in a pipe and visible at a terminal; and how it exits.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, cli, folder, notebook, type Ran } from "./cli.ts";
import { atTerminal } from "./terminal.ts";

const MiB = 1024 * 1024;

describe("a value in a pipe", () => {
  it.each([
    ["'plain'", "plain\n"],
    ["'ends in a line\\n'", "ends in a line\n"],
    ["'\\u001b[31mraw\\u0007'", "\u001b[31mraw\u0007\n"],
    ["''", "\n"],
    ["({ a: [1, null, 'é\\u2028'], b: { c: true } })", `{"a":[1,null,"é\u2028"],"b":{"c":true}}\n`],
    ["null", "null\n"],
    ["false", "false\n"],
    ["-1", "-1\n"],
    ["1e21", "1e+21\n"],
    ["NaN", "NaN\n"],
    ["2n**64n", "18446744073709551616n\n"],
    ["() => 1", "[Function (anonymous)]\n"],
    ["Symbol('s')", "Symbol(s)\n"],
    ["undefined", ""],
    ["void 'nothing'", ""],
    ["const only = 'declared'", ""],
    ["'a' + 'b'", "ab\n"],
    ["!0", "true\n"],
    ["typeof 3", "number\n"],
    ["try { null.x } catch { -1 }", "-1\n"],
  ])("%s", async (code, stdout) => {
    expect(await cli(["-e", code])).toEqual({ code: 0, signal: null, stdout, stderr: "" });
  });

  it.each([
    ["'x'.repeat(3_000_000)", "x".repeat(3_000_000)],
    // Its JSON is over 8 MiB, its text is not.
    ["'\\n\"'.repeat(3_000_000)", '\n"'.repeat(3_000_000)],
    ["'\\u0000'.repeat(5_000)", "\0".repeat(5_000)],
  ])("%s is whole", async (code, text) => {
    const { stdout, stderr } = await cli(["-e", code]);
    expect(stderr).toBe("");
    expect(stdout.length).toBe(text.length + 1);
    expect(stdout === `${text}\n`).toBe(true);
  });

  it("is whole as JSON up to 8 MiB, and past it a preview with the true length told", async () => {
    const within = await cli(["-e", "Array.from({ length: 1_000_000 }, (_, i) => i)"]);
    expect((JSON.parse(within.stdout) as number[]).length).toBe(1_000_000);
    const past = await cli(["-e", "Array.from({ length: 1_500_000 }, (_, i) => i)"]);
    expect(past.code).toBe(0);
    expect(past.stdout.length).toBeLessThan(2_500);
    expect(past.stderr).toMatch(/^rlm-repl: only a preview is shown; its true length is 1,500,000 items/);
    const long = await cli(["-e", "'é'.repeat(5 * 1024 * 1024)"]);
    expect(long.stdout.length).toBeLessThan(2_500);
    expect(long.stderr).toContain("5,242,880 characters");
    expect((await cli(["-e", "'é'.repeat(5 * 1024 * 1024)", "-q"])).stderr).toBe("");
  });

  it.each(["new Map([[1, { a: [2] }]])", "[undefined]", "({ f() {} })", "({ n: NaN })"])("%s is a preview, and says so", async (code) => {
    const { code: exit, stdout, stderr } = await cli(["-e", code]);
    expect(exit).toBe(0);
    expect(stdout).not.toBe("");
    expect(stderr).toContain("only a preview");
  });

  it("ends quietly when the reader has read enough", async () => {
    for (const code of ["Array.from({ length: 1e6 }, (_, i) => i)", "for (let i = 0; i < 2e5; i++) print(i); 'x'.repeat(8e6)"]) {
      const { stdout, stderr } = await shell(`"$0" "$1" -e "$2" | head -c 5; echo " \${PIPESTATUS[0]}"`, [code]);
      expect(stdout).toMatch(/^.{5} 0\n$/s);
      expect(stderr).not.toMatch(/EPIPE|Error/);
    }
    using files = folder({ "nb.ts": Array(50).fill("// %%\n'x'.repeat(100_000)").join("\n") });
    const { stdout } = await shell(`"$0" "$1" run "$2" --json | head -1 | cut -c1-9; echo " \${PIPESTATUS[0]}"`, [
      join(files.path, "nb.ts"),
    ]);
    expect(stdout).toBe('{"cell":1\n 0\n');
  });
});

describe("what is large", () => {
  it.each([
    ["a list of five million", "const list = Array(5e6).fill('abc'); list", "SHOW_VARS().map((v) => v.size)", [5e6]],
    ["one inside an object", "const o = { list: Array(5e6).fill(1) }; o", "o.list.length", 5e6],
    ["one that is printed", "const p = Array(5e6).fill(1); print(p); console.table(p); p.length", "p.length", 5e6],
    ["one that is thrown", "const t = Array(5e6).fill(1); throw t", "t.length", 5e6],
    ["bytes", "const b = new Uint8Array(5e7); b", "b.length", 5e7],
  ])("%s is shown, and costs no variable", async (_, first, second, value) => {
    const [shown, after] = await notebook([first, second]);
    expect(["ok", "threw"]).toContain(shown?.outcome);
    expect(after).toMatchObject({ outcome: "ok", value });
    expect(after).not.toHaveProperty("state");
  });

  it("is bounded: 500 MB of string, 300 MB of message", async () => {
    const [text, message, thrown, after] = await notebook([
      "const kept = 1; 'x'.repeat(5e8)",
      "throw new Error('m'.repeat(3e8))",
      "throw 'z'.repeat(3e8)",
      "kept",
    ]);
    expect(text).toMatchObject({ outcome: "ok" });
    expect(text).not.toHaveProperty("value");
    expect(text?.preview).toMatch(/^'x{2000}'\.\.\. 499998000 more characters$/);
    expect(message?.error?.message).toMatch(/^m{8192}… \(299991808 more characters\)$/);
    expect(thrown?.error?.message).toContain("more characters");
    expect(after).toMatchObject({ value: 1 });
  });

  it("never shows half a character, nor a preview that escapes made long", async () => {
    const [half, escaped] = await notebook(["'a'.repeat(1_999) + '😀'.repeat(10)", "'\\u0001'.repeat(9_000)"]);
    expect(half?.preview.isWellFormed()).toBe(true);
    expect(escaped?.value).toBe("\u0001".repeat(9_000));
    expect(escaped?.preview.length).toBeLessThan(2_100);
    expect(escaped?.preview).toMatch(/more characters$/);
  });

  it("a million lines are kept as head and tail, and the host stays small", async () => {
    using files = folder({ "nb.ts": "for (let i = 0; i < 1e6; i++) console.log('line', i)" });
    let peak = 0;
    let timer: NodeJS.Timeout | undefined;
    const { stdout } = await cli(["run", join(files.path, "nb.ts"), "--json"], {
      onStart: (_, __, pid) => {
        timer = setInterval(() => (peak = Math.max(peak, residentMb(pid))), 20);
      },
    });
    clearInterval(timer);
    const { output } = JSON.parse(stdout) as { output: string };
    expect(output.length).toBeLessThan(MiB + 200);
    expect(output.startsWith("line 0\nline 1\n")).toBe(true);
    expect(output.endsWith("line 999998\nline 999999\n")).toBe(true);
    const [, missing = ""] = /… ([\d,]+) characters left out …/.exec(output) ?? [];
    const whole = Array.from({ length: 1_000_000 }, (_, i) => `line ${i}\n`).reduce((sum, line) => sum + line.length, 0);
    expect(Number(missing.replaceAll(",", "")) + output.replace(/\n… .* …\n/, "").length).toBe(whole);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(200);
  });

  it("a million lines on stderr are head and tail too", async () => {
    const { stderr, stdout } = await cli(["-e", "for (let i = 0; i < 1e6; i++) console.log('line', i); 'done'"]);
    expect(stdout).toBe("done\n");
    expect(stderr.length).toBeLessThan(MiB + 300);
    expect(stderr).toContain("line 0\n");
    expect(stderr).toContain("characters left out");
    expect(stderr.endsWith("line 999999\n")).toBe(true);
  });
});

describe("run --json", () => {
  it("has exactly its fields", async () => {
    const [ok, nothing, threw] = await notebook([
      "const a = 1; let b; print('said'); await list_files(); await new Promise((r) => setTimeout(r, 1)); ({ a })",
      "",
      "\n  null.x",
    ]);
    expect(Object.keys(ok ?? {})).toEqual(["cell", "outcome", "value", "preview", "output", "ms", "calls", "vars", "warnings"]);
    // A timer is no call.
    expect(ok).toMatchObject({ cell: 1, outcome: "ok", value: { a: 1 }, preview: "{ a: 1 }", output: "said\n", calls: 1, warnings: [] });
    expect(ok?.vars.toSorted()).toEqual(["a", "b"]);
    expect(Object.keys(nothing ?? {})).not.toContain("value");
    expect(nothing?.preview).toBe("undefined");
    expect(Object.keys(threw ?? {})).toEqual(["cell", "outcome", "preview", "output", "error", "ms", "calls", "vars", "warnings"]);
    expect(Object.keys(threw?.error ?? {})).toEqual(["name", "message", "line", "column"]);
    expect(threw?.error).toMatchObject({ name: "TypeError", line: 2, column: 8 });
  });

  it("has a value exactly where JSON keeps it", async () => {
    const cells: readonly (readonly [code: string, kept: boolean])[] = [
      ["null", true],
      ["'x'.repeat(8 * 1024 * 1024 - 2)", true],
      ["'x'.repeat(8 * 1024 * 1024 + 1)", false],
      ["Array(2_500_000).fill(1)", true],
      ["Array(4_500_000).fill(1)", false],
      ["undefined", false],
      ["NaN", false],
      ["1n", false],
      ["[1, , 2]", false],
      ["({ a: undefined })", false],
      ["new Date(0)", false],
      ["const loop = {}; loop.self = loop; loop", false],
      ["({ toJSON() { return 'mine' } })", false],
      ["Object.create(null)", true],
      ['JSON.parse(\'{"__proto__": {"x": 1}}\')', true],
    ];
    const outcomes = await notebook(cells.map(([code]) => code));
    expect(outcomes.map((outcome, i) => [cells[i]?.[0], "value" in outcome])).toEqual(cells);
    expect(JSON.stringify(outcomes.at(-1)?.value)).toBe('{"__proto__":{"x":1}}');
  });

  it("tells what is missing in `state`, and only then", async () => {
    const [, cut, after] = await notebook(["const kept = 1", "for (;;);", "kept"], ["--cell-timeout", "0.5"]);
    expect(cut).toMatchObject({ outcome: "timeout", state: "partial" });
    expect(after).toMatchObject({ value: 1 });
    expect(after).not.toHaveProperty("state");
  });
});

describe("the exit code", () => {
  const SCRIPT = JSON.stringify({ rules: [{ match: "busy", error: { code: "E_LLM_RATE", message: "busy" } }], default: "ok" });

  it.each([
    ["1", [], 0],
    ["FINAL(1)", [], 0],
    ["throw 1", [], 1],
    ["const x = {", [], 1],
    ["await read_file('not-there.txt')", [], 1],
    ["await llm_query('x')", [], 2],
    ["await llm_query('a'); await llm_query('b')", ["-m", "script:s.json", "--max-calls", "1"], 3],
    ["await llm_query('busy')", ["-m", "script:s.json"], 5],
    ["await llm_query('busy').catch(() => 1)", ["-m", "script:s.json"], 0],
    ["for (;;);", ["--cell-timeout", "0.3"], 4],
    ["await new Promise((r) => setTimeout(r, 60_000))", ["--cell-timeout", "0.3"], 4],
    ["const a = []; for (;;) a.push(new Array(1e6).fill(a.length))", ["--memory", "64"], 4],
    ["throw Object.assign(new Error('pretends'), { code: 'E_BUDGET' })", [], 3],
  ] as const)("of %s with %j is %i", async (code, args, exit) => {
    using files = folder({ "s.json": SCRIPT });
    const ran = await cli(["-e", code, ...args], { cwd: files.path });
    expect(ran.code, ran.stderr).toBe(exit);
    expect(ran.stderr).not.toMatch(/dist\/|node:internal|<isolated-vm>|rlm:prelude/);
  });

  it("is that of the first cell that failed; the others run all the same", async () => {
    using files = folder({
      "nb.ts": ["// %%", "1", "// %%", "for (;;);", "// %%", "throw new Error('later')", "// %%", "'last'"].join("\n"),
    });
    const args = ["run", "nb.ts", "--cell-timeout", "0.3"];
    expect(await cli(args, { cwd: files.path })).toMatchObject({ code: 4, stdout: "last\n" });
    const stopped = await cli([...args, "--stop"], { cwd: files.path });
    expect(stopped).toMatchObject({ code: 4, stdout: "" });
    expect(stopped.stderr).not.toContain("later");
  });

  it("is 0 after a FINAL, which ends the notebook, unless a cell before it failed", async () => {
    using files = folder({ "good.ts": "// %%\nFINAL({ a: 1 })\n// %%\nthrow 1", "bad.ts": "// %%\nthrow 1\n// %%\nFINAL('x')" });
    expect(await cli(["run", "good.ts"], { cwd: files.path })).toMatchObject({ code: 0, stdout: '{"a":1}\n' });
    expect(await cli(["run", "bad.ts"], { cwd: files.path })).toMatchObject({ code: 1, stdout: "x\n" });
  });

  it("is 130 after Ctrl-C, in a slice as well as in a wait", async () => {
    for (const code of ["print('go'); for (;;);", "print('go'); await new Promise((r) => setTimeout(r, 60_000))"]) {
      const ran = await cli(["-e", code], { onStart: (kill, _, pid) => whenBusy(pid, () => kill("SIGINT")) });
      expect(ran).toMatchObject({ code: 130, stdout: "" });
    }
  });
});

describe("at a terminal", () => {
  it("control characters are visible escapes, wherever they come from", async () => {
    const shown = await atTerminal(["-e", "print('\\u001b]52;c;x\\u0007'); '\\u001b[31mred\\u202e\\r'"]);
    expect(shown).toContain("\\x1b]52;c;x\\x07");
    expect(shown).toContain("\\x1b[31mred\\u202e\\x0d");
    expect(shown).not.toContain("\u001b[31m");
    const thrown = await atTerminal(["-e", "progress(1, 2, '\\u001b[2J'); throw new Error('\\u001b]0;title\\u0007')"]);
    expect(thrown).toContain("\\x1b]0;title\\x07");
    expect(thrown).not.toContain("\u001b[2J");
    expect(thrown).not.toContain("\u001b]0;");
  });

  it("a value is its preview, a string bare, all bounded", async () => {
    expect(await atTerminal(["-e", "({ a: 1, b: ['x'] })"])).toContain("{ a: 1, b: [ 'x' ] }");
    const long = await atTerminal(["-e", "'y'.repeat(5_000)"]);
    expect(long).toMatch(/^y{2000}… \(3,000 more characters\)/);
    expect(await atTerminal(["-e", "undefined"])).toBe("");
  });

  it.each([60, 200])("an ask fits into %i columns, breaks between words, and tells its answer once", async (columns) => {
    using files = folder({ "a.txt": "the anchor is heavy\n" });
    const args = ["ask", "What weighs the heavy anchor?", "a.txt", "-m", "offline"];
    const shown = await atTerminal(args, { cwd: files.path, columns, env: { NO_COLOR: "1" } });
    const lines = shown.split("\n").map((line) => line.slice(line.lastIndexOf("\r") + 1).trimEnd());
    // The answer itself is written as it is.
    expect(lines.filter((line) => line.length > columns && !line.includes("carry the question's words"))).toEqual([]);
    expect(shown.replaceAll(/\s+/g, " ")).toContain(
      "it quotes lines and understands nothing; --model anthropic | openai:<name> asks a real one",
    );
    expect(shown).toContain("the context is text of 20 characters");
    expect(shown.match(/context:1: the anchor is heavy/g)).toHaveLength(1);
  });

  it("offline is the model when no other is chosen, and says so", async () => {
    const shown = await atTerminal(["-e", "(await llm_query('Which line has an error?\\nall is well\\nan error here')).length > 0"]);
    expect(shown).toContain("offline");
    expect(shown).toContain("true");
  });
});

describe("a source", () => {
  it.each([
    ["CRLF", "const a = 1\r\nthrow new Error('here')\r\n", { line: 2, column: 7 }],
    ["lone CR", "const a = 1\rthrow new Error('here')", { line: 2, column: 7 }],
    ["a byte-order mark", "\uFEFFthrow new Error('here')", { line: 1, column: 8 }],
  ])("with %s has the positions an editor shows", async (_, source, at) => {
    using files = folder({ "nb.ts": source });
    const { stdout } = await cli(["run", "nb.ts", "--json"], { cwd: files.path });
    expect((JSON.parse(stdout) as { error: object }).error).toMatchObject(at);
  });

  it("is one cell from stdin, and many from a file", async () => {
    expect(await cli(["-"], { stdin: "const a = 20\na + 1\n" })).toMatchObject({ code: 0, stdout: "21\n" });
    expect(await cli(["-"], { stdin: "" })).toMatchObject({ code: 0, stdout: "" });
    using files = folder({});
    writeFileSync(join(files.path, "nb.ts"), "const zero = 0\n// %% first\nzero + 1\n// %%\n\n// %%[markdown]\nzero + 2");
    const { stdout } = await cli(["run", "nb.ts", "--json"], { cwd: files.path });
    expect(stdout.trimEnd().split("\n")).toHaveLength(4);
  });
});

/** A line for bash, with Node and the command as `$0` and `$1`. */
function shell(line: string, args: readonly string[]): Promise<Pick<Ran, "stdout" | "stderr">> {
  return new Promise((resolve) => {
    execFile("bash", ["-c", line, process.execPath, BIN, ...args], { env: plainEnvironment(), maxBuffer: 100 * MiB }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

function plainEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME };
}

/** Calls a moment after the process has its first child: a kernel that runs a cell by then. */
function whenBusy(pid: number, act: () => void): void {
  const timer = setInterval(() => {
    if (!hasChild(pid)) return;
    clearInterval(timer);
    setTimeout(act, 700);
  }, 20);
}

function hasChild(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim() !== "";
  } catch {
    return true;
  }
}

function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

// What goes wrong before any cell runs: one clear line, no stack trace, the right exit code.
import { describe, expect, it } from "vitest";
import { cli, folder } from "./cli.ts";

describe("a command that cannot be carried out", () => {
  it.each([
    [["--nonsense"], "--nonsense"],
    [["frobnicate"], "frobnicate"],
    [["run"], "file"],
    [["run", "missing.ts"], "missing.ts"],
    [["run", "."], "folder"],
    [["-e", "1", "-c", "logs/app.log"], "no such context: logs/app.log"],
    [["-e", "1", "-c", "bin.dat"], "binary"],
    [["-e", "1", "-c", ".env"], "deny list"],
    [["-e", "1", "-c", "nothing/*.log"], "nothing/*.log"],
    [["-e", "1", "-w", "missing"], "missing"],
    [["-e", "1", "-c", "broken.json"], "not valid JSON"],
    [["-e", "1", "--max-workers", "0"], "--max-workers"],
    [["-e", "1", "--concurrency", "x"], "--concurrency"],
    [["-e", "1", "--cell-timeout", "soon"], "--cell-timeout"],
    [["-e", "1", "--memory", "1"], "--memory"],
    [["-e", "1", "--max-cost", "-1"], "--max-cost"],
    [["-e", "1", "--max-calls", "1.5"], "--max-calls"],
    [["-e", "1", "--tz", "Mars"], "--tz"],
    [["-e", "1", "--locale", "!"], "--locale"],
    [["-e", "1", "--prices", "nope.json"], "nope.json"],
    [["demo", "nope"], "no folder nope"],
    [["run", "latin1.ts"], "UTF-8"],
    [["ask", "", "a.log"], "question"],
    [["ask", "why?", "a.log"], "no model chosen"],
    [["ask", "why?", "a.log", "--model", "clippy"], "clippy"],
    [["ask", "why?", "a.log", "--model", "anthropic"], "ANTHROPIC_API_KEY"],
    [["-e", "await llm_query('x')"], "no model chosen"],
  ])("%j names %j", async (args, named) => {
    using files = folder({
      "a.log": "line\n",
      "bin.dat": new Uint8Array([0, 1, 2, 3]),
      ".env": "KEY=1\n",
      "broken.json": "{",
      "latin1.ts": new Uint8Array([0x22, 0xe9, 0x22]),
    });
    const { code, stdout, stderr } = await cli(args, { cwd: files.path });
    expect(stderr).toContain(named);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n\s+at .*(?:\.ts|\.js|node:)/);
  });

  it.each([
    ["RLM_MAX_WORKERS", "lots"],
    ["RLM_SEMAPHORE_LIMIT", "0"],
    ["RLM_MAX_WORKERS", "2.5"],
  ])("%s=%s is named with the remedy", async (name, value) => {
    const { code, stderr } = await cli(["-e", "1"], { env: { [name]: value } });
    expect(code).toBe(2);
    expect(stderr).toContain(`${name}=${value} is not a whole number ≥ 1; unset it for automatic`);
  });

  it("an empty context is an empty string", async () => {
    using files = folder({ "empty.log": "" });
    expect(await cli(["-e", "context === ''", "-c", "empty.log"], { cwd: files.path })).toMatchObject({ code: 0, stdout: "true\n" });
  });
});

describe("what a value becomes on stdout", () => {
  it.each([
    ["'raw ' + 'x'.repeat(100_000)", `raw ${"x".repeat(100_000)}\n`],
    ["({ a: [1, null] })", '{"a":[1,null]}\n'],
    ["undefined", ""],
    ["2n ** 64n", "18446744073709551616n\n"],
    ["new Map([[1, 2]])", "Map(1) { 1 => 2 }\n"],
    ["null", "null\n"],
  ])("%s", async (source, stdout) => {
    expect(await cli(["-e", source])).toMatchObject({ code: 0, stdout });
  });

  it("says the true length of what it cannot show whole", async () => {
    const { stdout, stderr } = await cli(["-e", "'x'.repeat(20e6)"]);
    expect(stdout.length).toBeLessThan(10_000);
    expect(stderr).toContain("20,000,000 characters");
  });

  it("exits with the code of the first cell that failed", async () => {
    using files = folder({
      "n.ts": "throw 1\n// %%\nprint('went on')\n// %%\nfor(;;){}\n",
      "stop.ts": "throw 1\n// %%\nprint('went on')\n",
    });
    const all = await cli(["run", "n.ts", "--cell-timeout", "0.3"], { cwd: files.path });
    expect(all.code).toBe(1);
    expect(all.stderr).toContain("went on");
    const stopped = await cli(["run", "stop.ts", "--stop"], { cwd: files.path });
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).not.toContain("went on");
  });

  it("keeps head and tail of a flood, and counts it", async () => {
    const { stderr, code } = await cli(["-e", "for (let i = 0; i < 300_000; i++) console.log('line ' + i)"]);
    expect(code).toBe(0);
    expect(stderr).toContain("line 0\n");
    expect(stderr).toContain("line 299999\n");
    expect(stderr).toMatch(/… [\d,]+ characters left out …/);
    expect(stderr.length).toBeLessThan(1_200_000);
  });
});

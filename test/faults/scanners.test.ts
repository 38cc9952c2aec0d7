// What files do to the scanners: parsers that crash or never return, trees too deep, too large, too many, and text that is none.
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import type { Part } from "../../src/scan/engine.ts";
import { ScanPool } from "../../src/scan/pool.ts";
import { readUserRules } from "../../src/scan/rules.ts";
import { cli, folder } from "../e2e/cli.ts";
import { isRunning, LINUX, processesBelow } from "./setup.ts";

const NONE = new AbortController().signal;
const EVAL = "app.post('/run', (req, res) => { eval(req.body.code); });\n";
/** Compares two trees with a function that calls itself for each level. */
const CRASHES = "id: same\nlanguage: TypeScript\nrule: {pattern: 'f($A, $A)'}\n";
/** Looks through all that is below, for each level. */
const HANGS = "id: slow\nlanguage: TypeScript\nrule: {kind: call_expression, has: {kind: regex, stopBy: end}}\n";
const deep = (n: number): string => `${"(".repeat(n)}1${")".repeat(n)}`;
const crash: Part = { path: "crash.ts", text: `f(${deep(50_000)}, ${deep(50_000)})` };
const hang: Part = { path: "hang.ts", text: `a${".b()".repeat(150_000)}` };
const well = (i: number): Part => ({ path: `well${i}.js`, text: EVAL });

describe("a text that", () => {
  const rules = (): ReturnType<typeof readUserRules>["rules"] => {
    using files = folder({ "own/r.yml": `${CRASHES}---\n${HANGS}` });
    return readUserRules([join(files.path, "own")], files.path).rules;
  };
  const scanners = ["own", "find_command_injection"];

  it("crashes its parser is a trouble of its own, whoever was with it", async () => {
    using pool = new ScanPool({ rules: rules(), threads: 2 });
    const groups = [[well(0), crash, well(1)], [well(2)], [well(3)], [crash]];
    const results = await Promise.all(groups.map((parts) => pool.run({ scanners, parts }, NONE)));
    const troubles = results.flat().map(({ trouble }) => trouble);
    expect(troubles).toEqual([undefined, "its parser crashed", undefined, undefined, undefined, "its parser crashed"]);
    expect(results.flat().map(({ findings }) => findings.length)).toEqual([1, 0, 1, 1, 1, 0]);
  });

  it("takes its parser too long is too, and the process that hangs ends", async () => {
    using pool = new ScanPool({ rules: rules(), threads: 2, deadlineMs: 1_500 });
    const groups = [[well(0), hang], [well(1)], [hang]];
    const results = await Promise.all(groups.map((parts) => pool.run({ scanners, parts }, NONE)));
    expect(results.flat().map(({ findings, trouble }) => [findings.length, trouble])).toEqual([
      [1, undefined],
      [0, "took over 1.5 s"],
      [1, undefined],
      [0, "took over 1.5 s"],
    ]);
  });
});

it("a tree with everything in it is scanned: 50 MB minified, deep nesting, invalid UTF-8, binary, links", async () => {
  using files = folder({
    "good.js": EVAL,
    "big.min.js": `${"function(a){return a.b(c,d)};".repeat(1_800_000)}\nvar t="${["ghp", "abcdefghijABCDEFGHIJabcdefghijABCDEF"].join("_")}";\n`,
    "deep.js": `x = ${deep(100_000)};\n${EVAL}`,
    "deep.py": `x = ${"[".repeat(20_000)}${"]".repeat(20_000)}\n`,
    "latin1.js": Buffer.from(`// caf\xe9 \xff\xfe\n${EVAL}`, "latin1"),
    "open.js": "(".repeat(200_000),
    "binary.js": Buffer.from([0, 1, 2, 3]),
    "empty.js": "",
    "one-line.py": `x = ${"1 + ".repeat(100_000)}1\n`,
  });
  const { code, stdout } = await cli(["scan", ".", "--json", "-q", "--only", "all"], { cwd: files.path });
  expect(code).toBe(0);
  const told = JSON.parse(stdout) as { findings: { file: string; line: number; rule: string }[]; notes: { file: string; why: string }[] };
  const lines = (rule: RegExp): unknown[] =>
    told.findings.filter((found) => rule.test(found.rule)).map(({ file, line }) => `${file}:${line}`);
  expect(lines(/^js-code-from-request$/)).toEqual(expect.arrayContaining(["good.js:1", "latin1.js:2"]));
  expect(lines(/^secret-github$/)).toEqual(["big.min.js:2"]);
  expect(told.notes).toContainEqual({ file: "big.min.js", why: expect.stringMatching(/larger than 2 MiB/) });
}, 120_000);

it("20,000 files are scanned, each once, and in order", async () => {
  using files = folder({});
  for (let i = 0; i < 20_000; i++) {
    if (i % 200 === 0) mkdirSync(join(files.path, String(i / 200)));
    writeFileSync(join(files.path, String(Math.floor(i / 200)), `${i}.js`), i % 1_000 === 7 ? EVAL : `export const n${i} = ${i};\n`);
  }
  const { code, stdout } = await cli(["scan", ".", "--json", "-q"], { cwd: files.path });
  expect(code).toBe(0);
  const told = JSON.parse(stdout) as { findings: { file: string }[]; files: number; notes: unknown[] };
  expect([told.findings.length, told.files, told.notes]).toEqual([20, 20_000, []]);
  expect(told.findings.map(({ file }) => file)).toEqual(told.findings.map(({ file }) => file).toSorted());
}, 120_000);

it.skipIf(!LINUX)(
  "a scan that is interrupted ends, with all of its processes",
  async () => {
    using files = folder({ "own/r.yml": HANGS, "hang.ts": hang.text });
    let left: number[] = [];
    const ran = await cli(["scan", "hang.ts", "--rules", "own"], {
      cwd: files.path,
      onStart: (kill, _, pid) => {
        void setTimeout(2_500).then(() => {
          left = processesBelow(pid);
          kill("SIGINT");
        });
      },
    });
    expect(ran.code).toBe(130);
    expect(left.length).toBeGreaterThan(0);
    await expect.poll(() => left.filter(isRunning), { timeout: 10_000 }).toEqual([]);
  },
  60_000,
);

it.skipIf(!LINUX)(
  "a host that is killed leaves no scan process, whatever its threads are in",
  async () => {
    using files = folder({ "own/r.yml": HANGS, "hang.ts": hang.text });
    let left: number[] = [];
    await cli(["scan", "hang.ts", "--rules", "own"], {
      cwd: files.path,
      onStart: (_, __, pid) => {
        void setTimeout(2_500).then(() => {
          left = processesBelow(pid);
          process.kill(pid, "SIGKILL");
        });
      },
    });
    expect(left.length).toBeGreaterThan(0);
    await expect.poll(() => left.filter(isRunning), { timeout: 10_000 }).toEqual([]);
  },
  60_000,
);

it("a cell that is cut while a scan runs loses nothing, and the next scan works", async () => {
  using files = folder({ "own/r.yml": HANGS, "hang.ts": hang.text, "a.js": EVAL });
  await using session = await openSession({ ephemeral: true, rules: [join(files.path, "own")], workspace: [files.path] });
  await session.run("var kept = 1");
  const cut = new AbortController();
  void setTimeout(1_500).then(() => cut.abort());
  const result = await session.run("await tools.own()", { signal: cut.signal });
  expect(result.outcome).toBe("interrupted");
  expect(await session.run("[kept, (await tools.find_command_injection({ files: ['a.js'] })).length]")).toMatchObject({ value: [1, 1] });
}, 60_000);

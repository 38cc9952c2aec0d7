// The built-in scanners: in cells, beside functions in parallel_scan, journaled, with rules of the user's own, and at the command line.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folder, notebook } from "./cli.ts";

const TOKEN = ["ghp", "abcdefghijABCDEFGHIJabcdefghijABCDEF"].join("_");
const FILES = {
  "app/routes.js": `const { exec } = require("child_process");\napp.get("/ping", (req, res) => {\n  exec("ping " + req.query.host);\n});\n`,
  "app/db.py": `def find(cursor, name):\n    cursor.execute(f"SELECT * FROM users WHERE name = '{name}'")\n    # TODO: paging\n`,
  "app/page.tsx": "export const Page = ({ html }) => <div dangerouslySetInnerHTML={{ __html: html }} />;\n",
  "config.txt": `token ${TOKEN}\n`,
  "README.md": "# nothing\n",
};
const OWN = {
  "rules/no-moment/moment.yml":
    "id: no-moment\nlanguage: TypeScript\nseverity: error\nmessage: Use Temporal instead of $A.\nrule:\n  pattern: moment($A)\nfix: Temporal.from($A)\n",
  "rules/no-moment/moment-test.yml": "id: no-moment\nvalid: [a]\ninvalid: [moment(1)]\n",
};

describe("in a cell", () => {
  it("each is called, or handed to parallel_scan beside functions, and keeps its order", async () => {
    using files = folder(FILES);
    const [ran] = await notebook(
      [
        `const results = await parallel_scan(tools, [tools.find_xss, (context) => context.files.length, tools.find_sql_injection, tools.find_secrets]);
         const commands = await tools.find_command_injection();
         [results.map((r) => [r.name, r.ok, Array.isArray(r.value) ? r.value.map((f) => [f.file, f.line, f.severity]) : r.value]), commands.map((f) => [f.file, f.line, f.column])]`,
      ],
      ["-c", files.path],
    );
    expect(ran).toMatchObject({
      outcome: "ok",
      value: [
        [
          ["find_xss", true, [["app/page.tsx", 1, "medium"]]],
          ["function 1", true, 5],
          ["find_sql_injection", true, [["app/db.py", 2, "high"]]],
          ["find_secrets", true, [["config.txt", 1, "high"]]],
        ],
        [["app/routes.js", 3, 3]],
      ],
    });
  });

  it("the great scans read each file once for all, by file and line; files and confidence narrow them", async () => {
    using files = folder(FILES);
    const [all, narrow, none, quality] = await notebook(
      [
        "(await tools.run_security_scan({ max_workers: 2 })).map((f) => f.file)",
        "(await tools.run_security_scan({ files: ['app'], min_confidence: 'high' })).map((f) => [f.file, f.confidence])",
        "await tools.find_xss({ files: ['README.md'] })",
        "(await tools.run_quality_scan()).map((f) => [f.file, f.rule])",
      ],
      ["-w", files.path],
    );
    expect(all?.value).toEqual(["app/db.py", "app/page.tsx", "app/routes.js", "config.txt"]);
    expect(narrow?.value).toEqual([
      ["app/db.py", "high"],
      ["app/routes.js", "high"],
    ]);
    expect(none?.value).toEqual([]);
    expect(quality?.value).toContainEqual(["app/db.py", "py-todo"]);
  });

  it("over files of a Corpus each file has results of its own", async () => {
    using files = folder(FILES);
    const [ran] = await notebook(
      [
        "(await parallel_scan([tools.find_sql_injection], { over: context.files })).map((r) => [r.name, r.value.length])",
        "parallel_scan([tools.find_sql_injection], { over: ['app/db.py'] }).catch((e) => [e.code, e.message])",
      ],
      ["-c", files.path],
    );
    expect(ran?.value).toContainEqual(["find_sql_injection[app/db.py]", 1]);
    expect(ran?.value).toContainEqual(["find_sql_injection[app/routes.js]", 0]);
  });

  it("a context that is one text is read as what its name says", async () => {
    using files = folder(FILES);
    const [ran] = await notebook(
      ["(await tools.find_sql_injection()).map((f) => [f.file, f.line])"],
      ["-c", join(files.path, "app/db.py")],
    );
    expect(ran?.value).toEqual([["context", 2]]);
  });

  it.each([
    ["tools.find_xss({ file: 'a' })", "E_BAD_ARGUMENT", /no option "file"; there are files, min_confidence/],
    ["tools.find_xss({ files: 'a' })", "E_BAD_ARGUMENT", /files takes a list of paths, not a string/],
    ["tools.find_xss({ files: ['../x'] })", "E_OUTSIDE_WORKSPACE", /outside/],
    ["tools.find_xss({ files: ['.env'] })", "E_DENIED", /\.env/],
    ["tools.find_secrets({ files: ['.env'] })", "E_DENIED", /\.env/],
    ["tools.find_xss({ files: ['nowhere.js'] })", "E_NOT_FOUND", /nowhere\.js/],
    ["tools.find_xss({ min_confidence: 'sure' })", "E_BAD_ARGUMENT", /min_confidence is "sure", not one of high, medium, low/],
    ["tools.run_security_scan({ max_workers: 0 })", "E_BAD_ARGUMENT", /max_workers is 0/],
  ])("%s is %s", async (call, code, message) => {
    using files = folder({ ...FILES, ".env": `TOKEN=${TOKEN}\n` });
    const [ran] = await notebook([`await ${call}.catch((e) => [e.code, e.message])`], ["-w", files.path]);
    expect(ran?.value).toEqual([code, expect.stringMatching(message)]);
  });

  it("what goes wrong with one of a parallel_scan stays its own; inside a function there are none", async () => {
    using files = folder(FILES);
    const [ran, inside, taken, frozen] = await notebook(
      [
        "(await parallel_scan([tools.find_xss, () => 1, () => { throw new Error('own') }])).map((r) => r.ok)",
        "(await parallel_scan([() => tools.find_xss()])).map((r) => [r.ok, r.error.code, r.error.message])",
        "const tools = 5; tools",
        "typeof globalThis.tools",
      ],
      ["-w", files.path],
    );
    expect(ran?.value).toEqual([true, true, false]);
    expect(inside?.value).toEqual([[false, "E_NOT_IN_SCAN", expect.stringContaining("parallel_scan")]]);
    expect(taken?.value).toBe(5);
    expect(frozen?.outcome).toBe("ok");
  });

  it("a session that goes on does not scan again", async () => {
    const base = mkdtempSync(join(tmpdir(), "rlm-scan-"));
    try {
      mkdirSync(join(base, "src"));
      writeFileSync(join(base, "src/a.py"), FILES["app/db.py"]);
      const go = (code: string): ReturnType<typeof cli> =>
        cli(["-e", code, "--session", "s", "--state-dir", join(base, "state"), "-w", "src"], { cwd: base });
      expect((await go("var found = await tools.find_sql_injection(); found.length")).stdout).toBe("1\n");
      writeFileSync(join(base, "src/a.py"), "x = 1\n");
      expect((await go("[found.length, (await tools.find_sql_injection()).length]")).stdout).toBe("[1,0]\n");
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  });
});

describe("rules of the user's own", () => {
  it("are scanners in cells, named as their folder, and are told to help", async () => {
    using files = folder({ ...OWN, "src/a.ts": "const t = moment(now);\n" });
    const [found, told] = await notebook(
      ["await tools.no_moment()", "help('tools.no_moment')"],
      ["--rules", join(files.path, "rules/no-moment"), "-w", join(files.path, "src")],
    );
    expect(found?.value).toEqual([
      {
        rule: "no-moment",
        severity: "high",
        confidence: "medium",
        file: "a.ts",
        line: 1,
        column: 11,
        end_line: 1,
        code: "const t = moment(now);",
        message: "Use Temporal instead of now.",
        fix: "Temporal.from(now)",
      },
    ]);
    expect(told?.value).toMatch(/Use Temporal instead/);
  });

  it.each([
    ["id: a\nlanguage: Cobol\nrule: {pattern: a}\n", /rule a: the language "Cobol" is none of typescript/],
    ["id: a\nlanguage: TypeScript\nrule: {kind: no_such_kind}\n", /rule a: .*no_such_kind/],
    ["id: a\nlanguage: TypeScript\nseverity: bad\nrule: {pattern: a}\n", /rule a: the severity "bad" is none of error, warning/],
    ["language: TypeScript\nrule: {pattern: a}\n", /a rule has no id/],
    ["id: a\n\tlanguage: x\n", /r\.yml: /],
    ["id: a\n", /there is no rule in it/],
    ["id: a\nlanguage: Python\nrule: {pattern: a}\n---\nid: a\nlanguage: Python\nrule: {pattern: b}\n", /two rules have the id "a"/],
  ])("that are wrong are told before anything runs: %j", async (rule, message) => {
    using files = folder({ "own/r.yml": rule, "a.ts": "a" });
    for (const args of [
      ["scan", "a.ts", "--rules", "own"],
      ["-e", "1", "--rules", "own"],
    ]) {
      const ran = await cli(args, { cwd: files.path });
      expect([ran.code, ran.stdout]).toEqual([2, ""]);
      expect(ran.stderr).toMatch(message);
    }
  });
});

describe("rlm-repl scan", () => {
  it("tells each finding with its place, and what it did", async () => {
    using files = folder(FILES);
    const { code, stdout, stderr } = await cli(["scan"], { cwd: files.path });
    expect(code).toBe(0);
    expect(stdout).toContain("app/routes.js:3:3: critical: ");
    expect(stdout).toContain('exec("ping " + req.query.host);');
    expect(stdout).not.toContain(TOKEN);
    expect(stderr).toMatch(/4 findings \(1 critical, 2 high, 1 medium\) in 5 files, \d+ bytes, \d+\.\d s\n$/);
  });

  it("ends with 1 when something as severe as asked was found", async () => {
    using files = folder(FILES);
    const codes = await Promise.all(
      [
        ["--fail-on", "critical"],
        ["app/page.tsx", "--fail-on", "high"],
        ["app/page.tsx", "--fail-on", "medium"],
        ["README.md", "--fail-on", "info"],
      ].map(async (args) => (await cli(["scan", ...args], { cwd: files.path })).code),
    );
    expect(codes).toEqual([1, 0, 1, 0]);
  });

  it("says it in JSON, by the scanners asked for", async () => {
    using files = folder(FILES);
    const { stdout } = await cli(["scan", "app", "config.txt", "--json", "--only", "find_todos,find_imports"], { cwd: files.path });
    const told = JSON.parse(stdout) as { findings: { file: string; line: number; rule: string }[]; scanners: string[]; files: number };
    expect(told).toMatchObject({ scanners: ["find_todos", "find_imports"], files: 4, notes: [] });
    expect(told.findings.map(({ file, line }) => [file, line])).toEqual([
      ["app/db.py", 3],
      ["app/routes.js", 1],
    ]);
  });

  it("says it in SARIF, with the rules that found something", async () => {
    using files = folder({ ...FILES, ...OWN, "a b#.ts": "moment(x)\n" });
    const { stdout } = await cli(["scan", ".", "--sarif", "--rules", "rules/no-moment"], { cwd: files.path });
    const [run] = JSON.parse(stdout).runs;
    expect(JSON.parse(stdout)).toMatchObject({ version: "2.1.0", $schema: expect.stringContaining("sarif-2.1.0") });
    expect(run.results.map((result: { ruleIndex: number; ruleId: string }) => run.tool.driver.rules[result.ruleIndex].id)).toEqual(
      run.results.map((result: { ruleId: string }) => result.ruleId),
    );
    const own = run.results.find((result: { ruleId: string }) => result.ruleId === "no-moment");
    expect(own).toMatchObject({
      level: "error",
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "a%20b%23.ts", uriBaseId: "%SRCROOT%" },
            region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 10 },
          },
        },
      ],
      fixes: [{ artifactChanges: [{ replacements: [{ insertedContent: { text: "Temporal.from(x)" } }] }] }],
    });
    expect(stdout).not.toContain(TOKEN);
  });

  it("leaves out what ignore files leave out, unless it is asked for", async () => {
    using files = folder({ ...FILES, ".gitignore": "app\n" });
    execFileSync("git", ["init", "-q"], { cwd: files.path });
    const count = async (...args: string[]): Promise<number> =>
      JSON.parse((await cli(["scan", ...args, "--json", "-q"], { cwd: files.path })).stdout).findings.length;
    expect([await count("."), await count(".", "--no-ignore"), await count("app/db.py")]).toEqual([1, 4, 1]);
  });

  it("reads a denied file for secrets alone, and when it is named alone", async () => {
    using files = folder({
      "src/a.js": "1\n",
      "src/.env": `TOKEN=${TOKEN}\n# TODO more\n`,
      ".env.js": `eval(location.hash); const t = "${TOKEN}";\n`,
    });
    const scan = async (...args: string[]): Promise<string[]> => {
      const { stdout } = await cli(["scan", ...args, "--json", "-q", "--only", "all"], { cwd: files.path });
      return JSON.parse(stdout).findings.map(({ file, rule }: { file: string; rule: string }) => `${file} ${rule}`);
    };
    expect(await scan("src")).toEqual([]);
    expect(await scan("src/.env")).toEqual(["src/.env secret-github"]);
    expect(await scan(".env.js")).toEqual([".env.js secret-github"]);
    symlinkSync(join(files.path, "src/.env"), join(files.path, "link.txt"));
    expect(await scan("link.txt")).toEqual(["link.txt secret-github"]);
  });

  it.each([
    [["scan", ""], /a path to scan is empty/],
    [["scan", "nowhere"], /nowhere cannot be scanned: ENOENT/],
    [["scan", "--fail-on", "bad"], /--fail-on "bad" is none of critical, high, medium, low, info/],
    [["scan", "--min-confidence", "x"], /--min-confidence "x" is none of high, medium, low/],
    [["scan", "--only", "find_nothing"], /--only "find_nothing" is no scanner; there are security, quality, all, find_secrets/],
    [["scan", "--json", "--sarif"], /--json and --sarif/],
    [["scan", "--rules", "nowhere"], /--rules nowhere: ENOENT/],
  ])("%j is told", async (args, message) => {
    using files = folder({});
    const ran = await cli(args, { cwd: files.path });
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

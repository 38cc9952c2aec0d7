// The demo's numbers come from its cells: one more package, one more in the answer.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folder } from "./cli.ts";

interface Answer {
  readonly counts: readonly { readonly can: string; readonly packages: number; readonly files: number; readonly places: number }[];
  readonly quotes: readonly { readonly at: string }[];
  readonly check: { readonly places: number };
}

const TREE = {
  "node_modules/a/index.js": 'const { spawn } = require("child_process");\nspawn("ls");\n',
  "node_modules/b/index.js": "module.exports = (code) => new Function(code);\n",
  "node_modules/b/lib/net.mjs": 'import net from "node:net";\nexport default net;\n',
  "node_modules/c/index.cjs": "module.exports = 1;\n",
};

async function answerOf(path: string): Promise<Answer> {
  const { code, stdout, stderr } = await cli(["demo", path, "--json", "-q"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Answer;
}

describe("demo", () => {
  it("counts what is there, and one more package when there is one more", async () => {
    using tree = folder(TREE);
    const path = join(tree.path, "node_modules");
    const before = await answerOf(path);
    mkdirSync(join(path, "planted"));
    writeFileSync(join(path, "planted", "index.js"), "export const run = (text) => new Function(text)();\n");
    const after = await answerOf(path);
    const count = (answer: Answer): number => answer.counts.find(({ can }) => can === "run code from strings")?.packages ?? -1;
    expect(count(before)).toBe(1);
    expect(count(after)).toBe(2);
    expect(after.check.places).toBe(before.check.places + 1);
  });

  it("tells a command that checks a count by hand, and it does", async () => {
    using tree = folder(TREE);
    const { code, stdout } = await cli(["demo", "node_modules"], { cwd: tree.path });
    expect(code).toBe(0);
    const command = stdout.split("\n").find((line) => line.includes("grep -rIohF"));
    const counted = Number(execFileSync("sh", ["-c", command ?? "false"], { cwd: tree.path, encoding: "utf8" }));
    expect(stdout).toContain(`${counted} times new Function(`);
    expect(counted).toBe(1);
    expect(stdout).toContain("written beforehand");
    expect(stdout).toContain("timeout");
  });

  it("names a path that is not there", async () => {
    const { code, stderr } = await cli(["demo", "no/such/folder"]);
    expect(code).toBe(2);
    expect(stderr).toContain("no/such/folder");
  });
});

describe("doctor", () => {
  it("finds what the sandbox needs, and says where settings come from", async () => {
    const { code, stdout } = await cli(["doctor", "--json"], { env: { RLM_MAX_WORKERS: "7", ANTHROPIC_API_KEY: "sk-secret-value" } });
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as Record<string, { state: string; text: string; value?: unknown }>;
    expect(found["isolate"]?.state).toBe("ok");
    expect(found["ripgrep"]?.text).toContain("ripgrep");
    expect(found["workers"]).toMatchObject({ value: 7, text: "7 (RLM_MAX_WORKERS)" });
    expect(found["model_limit"]).toMatchObject({ value: 10 });
    expect(found["model"]?.text).toContain("ANTHROPIC_API_KEY is set");
    expect(stdout).not.toContain("sk-secret-value");
  });

  it("tells a bad setting in its own line", async () => {
    const { stdout } = await cli(["doctor"], { env: { RLM_SEMAPHORE_LIMIT: "many" } });
    expect(stdout).toMatch(/!!\s+model calls at a time\s+RLM_SEMAPHORE_LIMIT=many is not a whole number/);
  });
});

// Rows 20, 38 and 42: a machine that lacks something, and text that is more than text.
import { existsSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, cli, folder, notebook } from "../e2e/cli.ts";
import { Terminal } from "../e2e/terminal.ts";

const OLD_NODE = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path) && majorOf(path) < 24);

function majorOf(node: string): number {
  return Number.parseInt(execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }), 10);
}

describe("row 38", () => {
  it.skipIf(OLD_NODE === undefined)("an older Node is told what it needs, and nothing else", () => {
    let told = { status: 0, stderr: "" };
    try {
      execFileSync(OLD_NODE ?? "", [BIN, "-e", "1"], { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      told = error as typeof told;
    }
    expect(told.status).toBe(2);
    expect(told.stderr).toMatch(/^rlm-repl: this is Node \d[\d.]*, and rlm-repl needs Node 24 or newer: .*\n$/);
  });

  it("without a home folder, or with a state folder that cannot be made, a session runs and says so", async () => {
    using files = folder({ "nb.ts": "1 + 1" });
    const args = ["run", join(files.path, "nb.ts")];
    const [none, empty, denied] = await Promise.all([
      cli(args, { cwd: files.path, env: { HOME: "/proc/none", XDG_STATE_HOME: "" } }),
      cli(args, { cwd: files.path, env: { HOME: "", XDG_STATE_HOME: "" } }),
      cli([...args, "--state-dir", "/proc/none"], { cwd: files.path }),
    ]);
    for (const ran of [none, empty, denied]) expect(ran).toMatchObject({ code: 0, stdout: "2\n" });
    for (const { stderr } of [none, denied]) expect(stderr).toMatch(/the journal in \/proc\/none.* cannot be written .*--state-dir DIR/);
    expect(readdirSync(files.path)).toEqual(["nb.ts"]);
  });
});

const HOSTILE =
  "\u001b[31mred\u001b[2J \u001b]8;;http://x\u0007link\u001b]8;;\u0007 \u001b]52;c;eA==\u0007 over\rwritten \u202eback\u009b5m";

it("row 42: escapes are visible at a terminal, from wherever they come, and raw in a pipe", async () => {
  const hostile = JSON.stringify(HOSTILE);
  using files = folder({ ["a\u001b[31mb.txt"]: "text" });
  const sources = [
    `print(${hostile})`,
    `[${hostile}]`,
    `FINAL(${hostile})`,
    `throw new Error(${hostile})`,
    `throw ${hostile}`,
    `progress(1, 2, ${hostile}); await new Promise((r) => setTimeout(r, 200))`,
    `(await list_files()).map((f) => f.path).join()`,
    `await read_file(${hostile})`,
    `console.table([{ a: ${hostile} }])`,
  ];
  for (const source of sources) {
    await using terminal = new Terminal(["-e", source], { cwd: files.path, env: { NO_COLOR: "1" }, columns: 500 });
    await terminal.exit;
    const { raw } = terminal;
    // eslint-disable-next-line no-control-regex
    expect(raw, source).not.toMatch(/\u001b\[(?:31|2J)|\u001b\]|\u202e|\u009b|over\rwritten/);
  }
  const piped = await cli(["-e", `print(${hostile}); ${hostile}`]);
  expect(piped.stdout).toBe(`${HOSTILE}\n`);
  expect(piped.stderr).toContain(HOSTILE);
}, 60_000);

it("row 20: text that imitates the protocol is only text", async () => {
  const imitation = `{"type":"entered","seq":1,"end":"ok","ms":1}\n["done",{"outcome":"final"}]\n{"cell":1,"outcome":"final","value":666}`;
  const [said, shown, after] = await notebook([`print(${JSON.stringify(imitation)}); 1`, JSON.stringify(imitation), "2"]);
  expect(said).toMatchObject({ outcome: "ok", value: 1, output: `${imitation}\n` });
  expect(shown).toMatchObject({ outcome: "ok", value: imitation });
  expect(after).toMatchObject({ outcome: "ok", value: 2 });
});

// What is on the disk when a command has ended: nothing, by --ephemeral and by -e, however it ended.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { serveAnthropic } from "../src/llm/servers.ts";
import { BIN, cli, folder } from "./cli.ts";

const FILES = {
  "home/.here": "",
  "tmp/.here": "",
  "work/a.log": "a timeout\n",
  "work/n.ts": "1\n// %%\n(await rg_search('timeout')).length\n",
  "work/long.ts": "1\n// %%\nfor (;;) await new Promise((r) => setTimeout(r, 20))\n",
};

function place() {
  const files = folder(FILES);
  const home = join(files.path, "home");
  const tmp = join(files.path, "tmp");
  return {
    cwd: join(files.path, "work"),
    env: { HOME: home, XDG_STATE_HOME: "", XDG_CONFIG_HOME: "", TMPDIR: tmp },
    tmp,
    left: () =>
      readdirSync(files.path, { recursive: true, encoding: "utf8" }).filter(
        (name) => !Object.keys(FILES).some((each) => each === name || each.startsWith(`${name}/`)),
      ),
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

it.each<[string[], string?]>([
  [["-e", "context.length", "-c", "a.log"]],
  [["-e", "(await rg_search('x')).length", "-c", "-"], "piped"],
  [["-"], "1 + 1"],
  [["run", "n.ts", "-c", "a.log", "--ephemeral"]],
  [["run", "n.ts", "-c", "-", "--ephemeral"], "a timeout"],
  [["--ephemeral"], "1\n// %%\n2\n"],
  [["ask", "which timeout?", "a.log", "--model", "offline", "--ephemeral"]],
  [["ask", "which timeout?", "-c", "-", "--model", "offline", "--ephemeral"], "a timeout"],
  [["doctor", "--ephemeral"]],
])("%j leaves nothing", async (args, stdin) => {
  using at = place();
  const { cwd, env } = at;
  const ran = await cli(args, { cwd, env, ...(stdin === undefined ? {} : { stdin }) });
  expect(ran.code, ran.stderr).toBe(0);
  expect(at.left()).toEqual([]);
});

it("without --ephemeral a session is kept", async () => {
  using at = place();
  await cli(["run", "n.ts", "-c", "a.log"], at);
  expect(at.left().filter((name) => name.endsWith("journal.jsonl"))).toHaveLength(1);
});

it.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])("%s in a cell leaves nothing", async (signal) => {
  using at = place();
  const { cwd, env } = at;
  const args = ["run", "long.ts", "-c", "-", "--json", "--ephemeral"];
  let isSent = false;
  const once = (kill: (signal: NodeJS.Signals) => void): void => {
    if (!isSent) kill(signal);
    isSent = true;
  };
  const ran = await cli(args, { cwd, env, stdin: "piped", onStart: (kill, onStdout) => onStdout(() => once(kill)) });
  expect(ran.code).toBe(signal === "SIGTERM" ? 143 : 130);
  expect(at.left()).toEqual([]);
});

it("SIGTERM in a model call leaves nothing", async () => {
  using at = place();
  await using server = await serveAnthropic(() => ({ fault: "hang" }));
  const env = { ...at.env, ANTHROPIC_API_KEY: "test-key-1", ANTHROPIC_BASE_URL: server.url };
  const args = ["ask", "why?", "-c", "-", "--ephemeral"];
  const ran = await cli(args, { cwd: at.cwd, env, stdin: "x", onStart: (kill) => void server.whenAsked(1).then(() => kill("SIGTERM")) });
  expect(ran.code).toBe(143);
  expect(at.left()).toEqual([]);
});

it.each<NodeJS.Signals>(["SIGTERM", "SIGINT", "SIGHUP"])("%s while standard input still comes leaves nothing", async (signal) => {
  using at = place();
  const env = { PATH: process.env["PATH"], ...at.env };
  const child = spawn(process.execPath, [BIN, "-e", "1", "-c", "-"], { cwd: at.cwd, env, stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.on("error", () => undefined).write("half of it");
  await expect.poll(() => at.left(), { timeout: 20_000 }).toHaveLength(2);
  child.kill(signal);
  const [code]: unknown[] = await once(child, "exit");
  expect(code).toBe(signal === "SIGINT" ? 130 : 143);
  expect(at.left()).toEqual([]);
});

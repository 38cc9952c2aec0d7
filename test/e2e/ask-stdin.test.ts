// What `ask` takes from standard input when it is told of no context, and that nothing else reads it unasked.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { BIN, cli, folder } from "./cli.ts";
import { Terminal } from "./terminal.ts";

const SCRIPT = JSON.stringify({ root: [{ code: "FINAL([typeof context, context ?? null, Object.keys(contexts)])" }] });
const ASK = ["ask", "What is it?", "-m", "script:root.json"];
const WAITING = "rlm-repl: reading the context from standard input …";

describe("ask without PATH and -c", () => {
  it("takes a pipe as its context, and says so when its first byte is late", async () => {
    using files = folder({ "root.json": SCRIPT });
    const quick = await cli(ASK, { cwd: files.path, stdin: "some\ntext\n" });
    expect(JSON.parse(quick.stdout), quick.stderr).toEqual(["string", "some\ntext\n", ["stdin"]]);

    const late = await askFrom("pipe", files.path, (stdin) => stdin?.end("late"));
    expect(JSON.parse(late.stdout)).toEqual(["string", "late", ["stdin"]]);
    expect(late.stderr.split("\n")[0]).toBe(WAITING);
  });

  it("takes a file behind standard input, and says when it was empty", async () => {
    using files = folder({ "root.json": SCRIPT, "in.txt": "from a file", "empty.txt": "" });
    expect(JSON.parse((await askFrom(join(files.path, "in.txt"), files.path)).stdout)).toEqual(["string", "from a file", ["stdin"]]);
    const empty = await askFrom(join(files.path, "empty.txt"), files.path);
    expect(JSON.parse(empty.stdout)).toEqual(["string", "", ["stdin"]]);
    expect(empty.stderr).toContain("rlm-repl: standard input was empty, and so is the context\n");
  });

  it("reads neither /dev/null nor a terminal", async () => {
    using files = folder({ "root.json": SCRIPT });
    expect(JSON.parse((await askFrom("/dev/null", files.path)).stdout)).toEqual(["undefined", null, []]);
    await using terminal = new Terminal(ASK, { cwd: files.path });
    expect(await terminal.exit).toBe(0);
    expect(await terminal.screen()).toMatch(/"undefined",\s+null/);
  });

  it("leaves it alone when it is told of a context", async () => {
    using files = folder({ "root.json": SCRIPT, "a.txt": "a" });
    for (const args of [["a.txt"], ["-c", "a.txt"]]) {
      const stdin = new PassThrough();
      const { stdout, stderr } = await cli([...ASK, ...args], { cwd: files.path, stdin });
      stdin.end();
      expect(stderr).not.toContain(WAITING);
      expect(JSON.parse(stdout)).toEqual(["string", "a", ["a.txt"]]);
    }
  });

  it("ends at Ctrl-C while it waits, and leaves nothing in the temporary folder", async () => {
    using files = folder({ "root.json": SCRIPT });
    const temporary = join(files.path, "tmp");
    mkdirSync(temporary);
    const stdin = new PassThrough();
    stdin.write("the first part");
    const ran = await cli(ASK, {
      cwd: files.path,
      stdin,
      env: { TMPDIR: temporary },
      onStart: (kill) => {
        const watch = setInterval(() => {
          if (!readdirSync(temporary).some((name) => name.startsWith("rlm-repl-"))) return;
          clearInterval(watch);
          kill("SIGINT");
        }, 20);
      },
    });
    expect(ran).toMatchObject({ code: 130, stdout: "" });
    expect(readdirSync(temporary).filter((name) => name.startsWith("rlm-repl-"))).toEqual([]);
  });
});

it.each([[["-e", "typeof context"]], [["run", "nb.ts"]]])("%j reads standard input only with -c -", async (args) => {
  using files = folder({ "nb.ts": "typeof context" });
  const open = new PassThrough();
  expect(await cli(args, { cwd: files.path, stdin: open })).toMatchObject({ code: 0, stdout: "undefined\n" });
  open.end();
  expect(await cli([...args, "-c", "-"], { cwd: files.path, stdin: "in" })).toMatchObject({ code: 0, stdout: "string\n" });
});

/** `ask … < file`: the file itself is the descriptor, as a shell has it. Or a pipe, written to once it is told that it is waited for. */
async function askFrom(
  file: string,
  cwd: string,
  onWaiting?: (stdin: Writable | null) => void,
): Promise<{ stdout: string; stderr: string }> {
  const descriptor = file === "pipe" ? "pipe" : openSync(file, "r");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [BIN, ...ASK], {
    cwd,
    env: { PATH, HOME, XDG_STATE_HOME: join(cwd, "state") },
    stdio: [descriptor, "pipe", "pipe"],
  });
  if (typeof descriptor === "number") closeSync(descriptor);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (stderr.includes(WAITING)) onWaiting?.(child.stdin);
  });
  await once(child, "close");
  return { stdout, stderr };
}

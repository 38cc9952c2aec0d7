// What the kernel's process is shut into. bubblewrap is tried for real: where this machine does not let it run, its own tests are
// skipped with the reason, and what holds without it is tested everywhere.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bubblewrap, spawnKernel } from "../../sandbox/index.ts";
import { endProcess } from "../../sandbox/spawn.ts";
import { BIN, cli, folder } from "../e2e/cli.ts";
import { openKernel } from "./setup.ts";

const outer = bubblewrap();
const why = outer.state === "off" ? outer.reason : outer.state;

/** What a program comes to that stands where the kernel does, without the permission model in its way. */
function inside(script: string): unknown {
  if (outer.state !== "on") throw new Error("bubblewrap is off");
  const [file = "", ...args] = outer.wrap([process.execPath, "-e", script], [process.execPath]);
  const { stdout, stderr } = spawnSync(file, args, { env: { TZ: "UTC" }, encoding: "utf8", timeout: 30_000 });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

/** Command names of what runs in these process groups; what has ended and was not yet fetched is none. */
function runningOf(groups: ReadonlySet<number>): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const [, name = "", state, group] = /\((.*)\) (\S) \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return groups.has(Number(group)) && state !== "Z" ? [name] : [];
    } catch {
      return [];
    }
  });
}

const lines = (path: string): string[] => readFileSync(path, "utf8").split("\0").filter(Boolean);

describe.runIf(outer.state === "on")(`bubblewrap (${why})`, () => {
  it("shows no file, no process and no environment of ours, and can write nowhere", () => {
    const found = inside(`
      const tried = (work) => { try { return work(); } catch (error) { return error.code; } };
      console.log(JSON.stringify({
        etc: tried(() => fs.readFileSync("/etc/passwd", "utf8")),
        home: tried(() => fs.readdirSync(${JSON.stringify(process.env["HOME"] ?? "/root")})),
        tmp: tried(() => fs.writeFileSync("/tmp/x", "")),
        root: tried(() => fs.writeFileSync("/x", "")),
        self: tried(() => fs.appendFileSync(process.execPath, "")),
        beside: fs.readdirSync(require("path").dirname(process.execPath)),
        pids: fs.readdirSync("/proc").filter((name) => Number(name) > 0).length,
        env: Object.keys(process.env).filter((name) => name !== "PWD"),
        spawn: require("child_process").spawnSync("/bin/sh", ["-c", "true"]).error?.code,
      }))`);
    expect(found).toEqual({
      etc: "ENOENT",
      home: "ENOENT",
      // Made where this project lies below it.
      tmp: expect.stringMatching(/^(?:ENOENT|EROFS)$/),
      root: "EROFS",
      self: expect.stringMatching(/^(?:EROFS|EACCES|ETXTBSY)$/),
      beside: ["node"],
      pids: 2,
      env: ["TZ"],
      spawn: "ENOENT",
    });
  });

  it("has no network, not even to this machine", async () => {
    let heard = 0;
    const server = createServer(() => heard++).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const found = inside(`
      const socket = require("net").connect(${port}, "127.0.0.1");
      socket.on("error", (error) => console.log(JSON.stringify(error.code))).on("connect", () => console.log('"connected"'));`);
    server.close();
    expect([found, heard]).toEqual(["ECONNREFUSED", 0]);
  });

  it("stands around every kernel, whichever of its processes is ended", async () => {
    using opened = await openKernel();
    const { pid = 0 } = opened.kernel;
    expect(lines(`/proc/${pid}/cmdline`)[0]).toBe(process.execPath);
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^CapEff:\s+0+$[\s\S]*^NoNewPrivs:\s+1$/m);
    expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).not.toMatch(/ \/(?:etc|home|root|tmp|usr\/bin) /);
    opened.kernel.kill("closed");
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    using second = await openKernel();
    process.kill(second.kernel.pid ?? 0, "SIGUSR2");
    await expect.poll(() => second.deaths, { timeout: 10_000 }).toEqual(["memory"]);
  });

  it("leaves nothing behind when a kernel is ended while it still comes up", async () => {
    const groups = new Set<number>();
    for (let i = 0; i < 120; i++) {
      const started = spawnKernel({ zone: "UTC", locale: "en-US", jitless: false });
      started.socket.on("error", () => undefined);
      groups.add(started.child.pid ?? 0);
      const until = performance.now() + (i % 30) * 0.2;
      while (performance.now() < until);
      endProcess(started);
    }
    await expect.poll(() => runningOf(groups), { timeout: 10_000 }).toEqual([]);
  });

  it("leaves nothing behind when the host is killed in the middle of a loop", async () => {
    let kernel = 0;
    const ran = await cli(["-e", "for (;;);"], {
      onStart: (kill, _, pid) => {
        const looking = setInterval(() => {
          kernel = innermost(pid);
          if (kernel === 0) return;
          clearInterval(looking);
          setTimeout(() => kill("SIGKILL"), 500);
        }, 20);
      },
    });
    expect([ran.signal, kernel > 0]).toEqual(["SIGKILL", true]);
    await expect.poll(() => existsSync(`/proc/${kernel}`), { timeout: 10_000 }).toBe(false);
  });
});

/** The last of the chain below a process that is a kernel. */
function innermost(pid: number): number {
  if (!existsSync(`/proc/${pid}/task/${pid}`)) return 0;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  if (lines(`/proc/${pid}/cmdline`).some((argument) => argument === "--permission") && children.length === 0) return pid;
  return children.map(innermost).find((found) => found > 0) ?? 0;
}

describe("where bubblewrap does not run", () => {
  const NONE = { PATH: "/nonexistent" };

  it("the other layers hold, and doctor says why", async () => {
    using broken = folder({ bwrap: "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n" });
    spawnSync("/bin/chmod", ["+x", join(broken.path, "bwrap")]);
    const { stdout } = await cli(["doctor", "--json"], { env: { PATH: broken.path } });
    expect(JSON.parse(stdout)).toMatchObject({
      layer_bubblewrap: { state: "off", value: "off", text: "off: bwrap: No permissions to create new namespace" },
      layer_permission: { state: "ok", value: "on" },
    });
    expect(await cli(["-e", "6 * 7"], { env: { PATH: broken.path } })).toMatchObject({ code: 0, stdout: "42\n" });
  });

  it("--require-bwrap refuses, with the reason", async () => {
    const refusal = { code: 4, stdout: "", stderr: expect.stringMatching(/bubblewrap is required.*no bwrap on the PATH.*\(E_KERNEL\)/) };
    expect(await cli(["-e", "1", "--require-bwrap"], { env: NONE })).toMatchObject(refusal);
    expect(await cli(["-e", "1"], { env: { ...NONE, RLM_REQUIRE_BWRAP: "1" } })).toMatchObject(refusal);
    expect((await cli(["doctor", "--require-bwrap"], { env: NONE })).code).toBe(4);
  });
});

it.runIf(outer.state === "on")(`--require-bwrap runs where it does (${why})`, async () => {
  expect(await cli(["-e", "6 * 7", "--require-bwrap"])).toMatchObject({ code: 0, stdout: "42\n" });
});

it("--paranoid takes V8's compilers away", async () => {
  using opened = await openKernel({ process: spawnKernel({ zone: "UTC", locale: "en-US", jitless: true }) });
  expect(await opened.run(1, "let n = 0; for (let i = 0; i < 1e5; i++) n += /a+b/.test('aab') ? 1 : 0; return n")).toMatchObject({
    end: "ok",
  });
  expect(JSON.parse(opened.posts[0] ?? "")).toMatchObject(["done", { value: { json: "100000" } }]);
  if (process.platform === "linux") expect(lines(`/proc/${opened.kernel.pid}/cmdline`)).toContain("--jitless");
  expect(await cli(["-e", "1", "--paranoid"])).toMatchObject({ code: 0, stdout: "1\n" });
});

it.runIf(process.platform === "linux")("the permission model denies the kernel every file but four, processes and workers", () => {
  // The flags are those of a kernel; only the script that asks is another.
  const flags = ["--permission", "--allow-addons", `--allow-fs-read=${BIN}`];
  const script = `
    const tried = (work) => { try { work(); return "done"; } catch (error) { return error.code; } };
    console.log(JSON.stringify([
      tried(() => fs.readFileSync("/etc/passwd")), tried(() => fs.writeFileSync("/tmp/x", "")), tried(() => fs.readFileSync(${JSON.stringify(BIN)})),
      tried(() => require("child_process").spawnSync("true")), tried(() => new (require("worker_threads").Worker)("1", { eval: true })),
    ]))`;
  const { stdout } = spawnSync(process.execPath, [...flags, "-e", script], { encoding: "utf8", env: {} });
  expect(JSON.parse(stdout)).toEqual(["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED", "done", "ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"]);
});

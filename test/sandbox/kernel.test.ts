// A kernel process held by the host: what it is given, how entries end, what its death means. All real processes.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { cacheOf, SCRIPT_NAME, V8_FLAGS } from "../../sandbox/script-cache.ts";
import { openKernel } from "./setup.ts";

const linux = process.platform === "linux";

describe("a kernel process", () => {
  it.runIf(linux)("has an environment of TZ and LC_ALL alone", async () => {
    process.env["RLM_TEST_SECRET"] = "s3cret";
    using opened = await openKernel();
    const environment = readFileSync(`/proc/${opened.kernel.pid}/environ`, "utf8").split("\0").filter(Boolean);
    // bubblewrap says where it starts its command.
    expect(environment.filter((entry) => entry !== "PWD=/").toSorted()).toEqual(["LC_ALL=en_US.UTF-8", "TZ=UTC"]);
  });

  it.runIf(linux)("runs under the permission model, which lets it read our files alone", async () => {
    using opened = await openKernel();
    const line = readFileSync(`/proc/${opened.kernel.pid}/cmdline`, "utf8").split("\0");
    expect(line).toContain("--permission");
    const readable = line.filter((flag) => flag.startsWith("--allow-fs-read="));
    expect(readable).toHaveLength(6);
    expect(readable.every((flag) => /\.(?:cjs|js|cache|node)$/.test(flag))).toBe(true);
    expect(line.filter((flag) => /allow-(?:child-process|worker|fs-write|wasi)/.test(flag))).toEqual([]);
  });

  it.each(["prelude.js", "scan.js"])("does not compile %s: V8 takes what the build made of it", (name) => {
    const code = `const { Isolate, ExternalCopy } = require("isolated-vm"); const { readFileSync } = require("node:fs");
      const [script, cache, filename] = process.argv.slice(1);
      const cachedData = new ExternalCopy(new Uint8Array(readFileSync(cache)).buffer);
      console.log(new Isolate().compileScriptSync(readFileSync(script, "utf8"), { filename, cachedData }).cachedDataRejected);`;
    const script = join("dist", name);
    const said = execFileSync(process.execPath, ["--no-node-snapshot", V8_FLAGS, "-e", code, script, cacheOf(script), SCRIPT_NAME], {
      encoding: "utf8",
    });
    expect(said).toBe("false\n");
  });

  it("posts what a cell came to before its entry ends", async () => {
    using opened = await openKernel();
    expect(await opened.run(1, "return 1 + 1")).toMatchObject({ end: "ok" });
    expect(opened.posts).toHaveLength(1);
    expect(JSON.parse(opened.posts[0] ?? "")).toMatchObject(["done", { outcome: "ok", value: { json: "2" } }]);
  });

  it("ends a loop at its timeout and lives on", async () => {
    using opened = await openKernel();
    expect(await opened.run(1, "for(;;){}", 200)).toMatchObject({ end: "timeout" });
    expect(await opened.run(2, "await 0; for(;;) await 0", 200)).toMatchObject({ end: "timeout" });
    expect(await opened.run(3, "return 3")).toMatchObject({ end: "ok" });
  });

  it("ends what a loop left behind with it", async () => {
    using opened = await openKernel();
    const left = "void Promise.resolve().then(() => { globalThis.ran = (globalThis.ran ?? 0) + 1; for(;;); });";
    expect(await opened.run(1, `${left.repeat(3)} for(;;){}`, 200)).toMatchObject({ end: "timeout" });
    expect(await opened.run(2, "return ran", 5_000)).toMatchObject({ end: "ok" });
    const again = "const go = () => void Promise.resolve().then(() => { go(); for (;;); }); go(); for (;;);";
    expect(["timeout", "disposed"]).toContain((await opened.run(3, again, 200)).end);
  });

  it("does not believe an error that says it is a timeout", async () => {
    using opened = await openKernel();
    const ended = await opened.run(1, 'void Promise.reject(new Error("Script execution timed out."))');
    expect(ended).toMatchObject({ end: "threw", message: "Script execution timed out." });
  });

  it("tells an exhausted heap", async () => {
    using opened = await openKernel({ heapMb: 32 });
    const ended = await opened.run(1, "const hog = []; for (;;) hog.push(new Array(1e5).fill(hog.length))", 20_000);
    expect(ended.end === "memory" || (ended.end === "dead" && ended.death === "memory")).toBe(true);
  });

  it("ends code that survives its timeout", async () => {
    using opened = await openKernel();
    const ended = await opened.run(1, "throw new Proxy({}, { get() { for(;;); }, getPrototypeOf() { for(;;); } })", 200);
    expect(["timeout", "disposed", "dead"]).toContain(ended.end);
  });

  it("is noticed when it is killed from outside, in the middle of an entry and between entries", async () => {
    using first = await openKernel();
    const entry = first.run(1, "for(;;){}", 30_000);
    await sleep(100);
    process.kill(first.kernel.pid ?? 0, "SIGKILL");
    expect(await entry).toMatchObject({ end: "dead", death: "died" });
    using second = await openKernel();
    process.kill(second.kernel.pid ?? 0, "SIGKILL");
    await expect.poll(() => second.deaths).toEqual(["died"]);
    expect(await second.run(1, "return 1")).toMatchObject({ end: "dead" });
  });

  it("is ended when it stops answering", async () => {
    using opened = await openKernel();
    process.kill(opened.kernel.pid ?? 0, "SIGSTOP");
    await expect.poll(() => opened.deaths, { timeout: 30_000 }).toEqual(["silent"]);
  });

  it("says what kept it from starting", async () => {
    await expect(openKernel({ setup: "not JSON" })).rejects.toThrow(/did not|ended before it was ready/);
  });
});

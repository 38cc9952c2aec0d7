// Rows 22 to 25: processes that stop, die and are killed. Real ones, by their ids.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { cli, folder } from "../e2e/cli.ts";
import { isRunning, kernelsBelow, LINUX, processesBelow } from "./setup.ts";

describe.runIf(LINUX)("on Linux", () => {
  it("row 22: a stopped kernel is ended by its heartbeat; the other session, and this one, go on", async () => {
    await using other = await openSession({ ephemeral: true });
    const before = new Set(kernelsBelow(process.pid));
    await using session = await openSession({ ephemeral: true });
    await other.run("const mine = 1");
    const kernel = kernelsBelow(process.pid).find((pid) => !before.has(pid)) ?? 0;
    const cell = session.run("await new Promise((r) => setTimeout(r, 30_000))");
    await sleep(100);
    process.kill(kernel, "SIGSTOP");
    const stopped = performance.now();
    const result = await cell;
    expect(result).toMatchObject({ outcome: "killed", state: "lost" });
    expect(result.error?.message).toContain("stopped answering");
    expect(performance.now() - stopped).toBeLessThan(25_000);
    expect(isRunning(kernel)).toBe(false);
    expect(await session.run("1 + 1")).toMatchObject({ outcome: "ok", value: 2 });
    expect(await other.run("mine")).toMatchObject({ outcome: "ok", value: 1 });
  });

  it("rows 21 and 23: a killed kernel is noticed at once; the fourth death in a minute ends the session, its journal whole", async () => {
    using state = folder({});
    await using other = await openSession({ ephemeral: true });
    await other.run("const mine = 1");
    const before = new Set(kernelsBelow(process.pid));
    await using session = await openSession({ stateDir: state.path });
    const own = (): number[] => kernelsBelow(process.pid).filter((pid) => !before.has(pid));
    for (let i = 0; i < 4; i++) {
      expect(await session.run("globalThis.kept = 1")).toMatchObject({ outcome: "ok" });
      // In a slice, in a wait, and between cells; a spare dies along the way.
      const cell = i === 2 ? undefined : session.run(i % 2 === 0 ? "for (;;);" : "await new Promise((r) => setTimeout(r, 30_000))");
      await sleep(100);
      const killed = performance.now();
      for (const pid of own()) process.kill(pid, "SIGKILL");
      if (cell === undefined) await sleep(500);
      const result = await (cell ?? session.run("typeof kept"));
      expect(performance.now() - killed).toBeLessThan(5_000);
      expect(result).toMatchObject(i === 2 ? { outcome: "ok", value: "undefined", state: "lost" } : { outcome: "killed", state: "lost" });
    }
    await expect(session.run("1")).rejects.toMatchObject({ code: "E_RESTART_LIMIT" });
    await expect(session.run("1")).rejects.toMatchObject({ code: "E_RESTART_LIMIT" });
    expect(own()).toEqual([]);
    expect(await other.run("mine")).toMatchObject({ value: 1 });
    const journal = readFileSync(join(state.path, "sessions", session.id, "journal.jsonl"), "utf8");
    const records = journal
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; outcome?: string });
    expect(records.filter(({ type }) => type === "cell")).toHaveLength(8);
    expect(records.filter(({ type }) => type === "end")).toHaveLength(8);
    expect(records.filter(({ outcome }) => outcome === "killed")).toHaveLength(3);
  }, 60_000);

  it.each<["SIGKILL" | "SIGTERM" | "SIGINT", number | null]>([
    ["SIGKILL", null],
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ])(
    "rows 24 and 25: after %s to the host nothing of it is left",
    async (signal, code) => {
      using files = folder(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}.txt`, "abcdefgh ".repeat(500_000)])));
      const cells = [
        "for (;;);",
        "for (;;) await 0",
        "JSON.parse('[' + '[],'.repeat(2e7) + '1]')",
        "await Promise.all(Array.from({ length: 500 }, () => rg_count('(?:[a-z ]{1,50}q?){8}zzz')))",
        "await parallel_scan([() => { for (;;); }, () => { for (;;); }])",
        "await new Promise((r) => setTimeout(r, 60_000))",
      ];
      for (const cell of cells) {
        let below: number[] = [];
        let sent = 0;
        const ran = await cli(["-e", `print('go'); ${cell}`, "-c", files.path], {
          onStart: (kill, _, pid) => {
            // Past the time a spare is started.
            void whenBusy(pid).then(() => {
              below = processesBelow(pid);
              sent = performance.now();
              kill(signal);
            });
          },
        });
        expect(ran).toMatchObject(code === null ? { signal } : { code });
        expect(below.length, cell).toBeGreaterThan(0);
        while (below.some(isRunning) && performance.now() - sent < 20_000) await sleep(20);
        expect(below.filter(isRunning), cell).toEqual([]);
      }
    },
    60_000,
  );
});

/** A while after a kernel is there: longer than it takes to start a spare. */
async function whenBusy(pid: number): Promise<void> {
  while (kernelsBelow(pid).length === 0) await sleep(20);
  await sleep(900);
}

// Rows 22 to 25: processes that stop, die and are killed. Real ones, by their ids.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { cli, folder } from "../e2e/cli.ts";
import { isRunning, kernelsBelow, LINUX, processesBelow } from "./setup.ts";

describe.runIf(LINUX)("on Linux", () => {
  it("row 22: a stopped kernel is ended by its heartbeat; the other session, and this one with its cell, go on", async () => {
    await using other = await openSession({ ephemeral: true });
    const before = new Set(kernelsBelow(process.pid));
    await using session = await openSession({ ephemeral: true });
    await other.run("const mine = 1");
    const kernel = kernelsBelow(process.pid).find((pid) => !before.has(pid)) ?? 0;
    const cell = session.run("const kept = 7; await new Promise((r) => setTimeout(r, 5_000)); kept");
    await sleep(100);
    process.kill(kernel, "SIGSTOP");
    const stopped = performance.now();
    const result = await cell;
    expect(result).toMatchObject({ outcome: "ok", value: 7, state: "rebuilt" });
    expect(performance.now() - stopped).toBeLessThan(25_000);
    expect(isRunning(kernel)).toBe(false);
    expect(await session.run("kept")).toMatchObject({ outcome: "ok", value: 7 });
    expect(await other.run("mine")).toMatchObject({ outcome: "ok", value: 1 });
  });

  it("rows 21 and 23: a killed kernel is noticed at once; the fourth death in a minute ends the session, its journal whole", async () => {
    using state = folder({});
    await using other = await openSession({ ephemeral: true });
    await other.run("const mine = 1");
    // With its spare.
    await expect.poll(() => kernelsBelow(process.pid).length).toBe(2);
    const before = new Set(kernelsBelow(process.pid));
    await using session = await openSession({ stateDir: state.path, cellTimeout: 2 });
    const own = (): number[] => kernelsBelow(process.pid).filter((pid) => !before.has(pid));
    // In a slice, in a wait, between cells, and once more.
    const cells = ["for (;;);", "await new Promise((r) => setTimeout(r, 300)); 'late'", undefined, "for (;;);"] as const;
    const ends = [
      { outcome: "timeout", state: "rebuilt" },
      { outcome: "ok", value: "late", state: "rebuilt" },
      { outcome: "ok", value: 1, state: "rebuilt" },
      { outcome: "killed" },
    ];
    for (const [i, source] of cells.entries()) {
      expect(await session.run("globalThis.kept = 1")).toMatchObject({ outcome: "ok" });
      const cell = source === undefined ? undefined : session.run(source);
      await sleep(100);
      const killed = performance.now();
      // The oldest is the one that works; a spare may stand by.
      for (const pid of own().slice(0, 1)) process.kill(pid, "SIGKILL");
      if (cell === undefined) await sleep(500);
      expect(await (cell ?? session.run("kept"))).toMatchObject(ends[i] ?? {});
      expect(performance.now() - killed).toBeLessThan(10_000);
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
    expect(records.filter(({ outcome }) => outcome === "killed")).toHaveLength(1);
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

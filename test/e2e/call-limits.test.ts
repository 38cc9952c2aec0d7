// What may cross in one go is bounded in the guest, before it crosses; what comes back is bounded in the host. The session lives on.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folder, notebook } from "./cli.ts";

const SCRIPT = { "s.json": '{"default":"reply"}' };
const ARGS = ["-m", "script:s.json", "-w", "."];

describe("a million calls in one go", () => {
  it.each([
    ["await Promise.all(Array.from({ length: 1e6 }, () => llm_query('a')))", "10000 host calls are in flight"],
    ["for (let i = 0; i < 1e6; i++) void read_file('a.txt').catch(() => 1)", "10000 host calls are in flight"],
    ["await Promise.allSettled([...Array(1e6)].map(() => list_files()))", "10000 host calls are in flight"],
    ["for (let i = 0; i < 1e6; i++) setTimeout(() => 1, 0)", "this cell has made 100000 host calls"],
  ])("%s ends at the first one too many", async (source, said) => {
    using files = folder(SCRIPT);
    const [, flood, after] = await notebook(["const kept = 1", source, "await 0; kept"], ARGS, {
      cwd: files.path,
    });
    expect(flood).toMatchObject({ outcome: "threw", error: { code: "E_TOO_MANY_CALLS" } });
    expect(flood?.error?.message).toContain(said);
    expect(flood).not.toHaveProperty("state");
    expect(after).toMatchObject({ outcome: "ok", value: 1 });
  });

  it.skipIf(process.platform !== "linux")("is never a million processes", async () => {
    using files = folder({ "a.txt": "one error\n".repeat(50_000) });
    let peak = 0;
    let timer: NodeJS.Timeout | undefined;
    const source = "(await Promise.all(Array.from({ length: 60 }, () => rg_count('er+or')))).every((c) => c['a.txt'] === 50_000)";
    const { stdout } = await cli(["-e", source, "-w", files.path, "--max-workers", "3"], {
      onStart: (_, __, pid) => {
        timer = setInterval(() => (peak = Math.max(peak, searchesOf(pid))), 5);
      },
    });
    clearInterval(timer);
    expect(stdout).toBe("true\n");
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThanOrEqual(3);
  });
});

/** Ripgreps that run below a process. */
function searchesOf(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children.filter((child) => child !== "" && readFileSync(join("/proc", child, "comm"), "utf8") === "rg\n").length;
  } catch {
    return 0;
  }
}

// Two sessions side by side in one process, and what a machine tells of processes: what every row of faults is tested with.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect } from "vitest";
import { openSession, type CellResult, type SessionOptions } from "../../src/index.ts";

export const LINUX = process.platform === "linux";

/** What a row says of a cell, and what is left of its session after it. */
export interface Fault {
  readonly cell: string;
  readonly outcome: string | RegExp;
  /** Code or name of its error. */
  readonly error?: string;
  /** Its sandbox stays; otherwise the variables are rebuilt, and that is told. */
  readonly keeps: boolean;
}

/** Runs each fault after a variable was made, and asserts its outcome, what its sandbox became, the variable, and that the other session is well. */
export async function faults(table: readonly Fault[], options: SessionOptions = {}): Promise<CellResult[]> {
  await using hostile = await openSession({ ephemeral: true, cellTimeout: 1, model: () => Promise.resolve("reply"), ...options });
  await using other = await openSession({ ephemeral: true });
  await other.run("let count = 0; const text = 'mine'");
  const results: CellResult[] = [];
  for (const [i, { cell, outcome, error, keeps }] of table.entries()) {
    await hostile.run(`globalThis.kept = ${i}`);
    const result = await hostile.run(cell);
    results.push(result);
    const said = `${cell}\n${JSON.stringify(result.error)}`;
    expect(result.outcome, said).toMatch(outcome);
    if (error !== undefined) expect([result.error?.code, result.error?.name], said).toContain(error);
    expect(keeps ? [undefined, "partial"] : ["rebuilt"], said).toContain(result.state);
    const after = await hostile.run("kept");
    expect(after, said).toMatchObject({ outcome: "ok", value: i });
    expect(after, said).not.toHaveProperty("state");
    expect(await other.run("text + ++count"), said).toMatchObject({ outcome: "ok", value: `mine${i + 1}` });
  }
  return results;
}

/** Processes below one, of any depth; those that have ended are none. */
export function processesBelow(pid: number, name = /./): number[] {
  return childrenOf(pid).flatMap((child) => [...(name.test(commandOf(child)) ? [child] : []), ...processesBelow(child, name)]);
}

export function kernelsBelow(pid: number): number[] {
  return processesBelow(pid, /kernel\.cjs/).filter((each) => !commandOf(each).includes("bwrap"));
}

export function isRunning(pid: number): boolean {
  return commandOf(pid) !== "";
}

export function residentMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

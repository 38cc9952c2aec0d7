// What a kernel holds of its context: while it is loaded, and with scan isolates that share it. Linux alone says.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { optimalWorkers } from "../config/workers.ts";
import type { MemoryRow } from "./measure.ts";
import { expectOk, open } from "./session.ts";
import type { ReplSession } from "../library/session.ts";

const MB = 1_000_000;
const LINE = "a line of a log with some words in it\n";
/** As many as run here at a time. */
const ISOLATES = Math.min(optimalWorkers(), availableParallelism());

export async function memoryRows(isQuick: boolean): Promise<MemoryRow[]> {
  if (process.platform !== "linux") return [];
  const mb = isQuick ? 10 : 100;
  const bare = await held(await open({}));
  const full = await held(await open({ context: { name: "big.log", text: LINE.repeat(Math.ceil((mb * MB) / LINE.length)) } }));
  const loading = full.most - bare.most;
  const scanned = full.now - bare.now;
  return [
    { name: `${mb} MB of text, while it is loaded`, mb: loading, copies: loading / mb },
    { name: `${mb} MB of text, with ${ISOLATES} scan isolates`, mb: scanned, copies: scanned / mb },
  ];
}

async function held(session: ReplSession): Promise<{ readonly now: number; readonly most: number }> {
  await using opened = session;
  await expectOk(opened, "typeof context");
  const { most } = largestKernel();
  await expectOk(
    opened,
    `(await parallel_scan(Array.from({ length: ${ISOLATES * 2} }, (_, k) => (text) => { let n = 0; for (let i = 0; i < 3e7; i++) n = (n ^ i) + k | 0; return n + (text ?? "").length }))).length`,
  );
  return { now: largestKernel().now, most };
}

/** Of the kernels below this process the largest: others are spare ones. In MB. */
function largestKernel(): { readonly now: number; readonly most: number } {
  const parents = new Map<string, string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1];
    if (parent !== undefined) parents.set(pid, parent);
  }
  const isBelow = (pid: string | undefined): boolean => pid !== undefined && (pid === String(process.pid) || isBelow(parents.get(pid)));
  let largest = { now: 0, most: 0 };
  for (const pid of parents.keys()) {
    const status = read(`/proc/${pid}/status`);
    const megabytes = (field: string): number => (Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) * 1_024) / MB;
    if (!isBelow(pid) || pid === String(process.pid) || megabytes("VmRSS") <= largest.now) continue;
    largest = { now: megabytes("VmRSS"), most: megabytes("VmHWM") };
  }
  return largest;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

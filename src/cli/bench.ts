// `bench`: how fast this machine is, each figure beside what it cannot be faster than, and beside what the predecessor's guide claims.
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { floorRows } from "../bench/floors.ts";
import { guideRows } from "../bench/guide.ts";
import type { MemoryRow, Other, Row } from "../bench/measure.ts";
import { memoryRows } from "../bench/memory.ts";
import { poolRows } from "../bench/pools.ts";
import { optimalWorkers } from "../config/workers.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";

export async function bench(isQuick: boolean, { out, err, settings }: CommandContext): Promise<number> {
  const rows: Row[] = [];
  const onRow = (row: Row): void => {
    rows.push(row);
    if (settings.json !== true) void out.raw(`${line(row)}\n`);
    else if (settings.quiet !== true) void err.raw(`${err.dim(row.name)}\n`);
  };
  const machine = {
    cpus: availableParallelism(),
    model: cpus()[0]?.model ?? "unknown",
    memory_gb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    optimal_workers: optimalWorkers(),
  };
  if (settings.json !== true) {
    await out.raw(
      `${machine.cpus} CPUs (${machine.model}), ${machine.optimal_workers} workers (expected: 4 to 16), Node ${machine.node}\n`,
    );
    await out.raw(`medians${isQuick ? " of one round" : ""}; × over one worker, then × over what it cannot be faster than\n\n${HEAD}\n`);
  }
  const rounds = isQuick ? 1 : 5;
  await guideRows({ rounds, isQuick, onRow });
  await floorRows({ rounds, isQuick, onRow, program: fileURLToPath(new URL("../src/launcher/bin.cjs", import.meta.url)) });
  await poolRows({ rounds, isQuick, onRow });
  const memory = await memoryRows(isQuick);
  if (settings.json === true)
    await out.raw(`${JSON.stringify({ machine, quick: isQuick, rows: rows.map(asJson), memory: memory.map(memoryJson) })}\n`);
  else for (const each of memory) await out.raw(`${memoryLine(each)}\n`);
  return EXIT.ok;
}

const NAME = 58;
const HEAD = `${"".padEnd(NAME)}${"ms".padStart(9)}${"items".padStart(7)}${"items/s".padStart(10)}${"workers".padStart(9)}${"× one".padStart(7)}  floor, claim`;

function line({ name, ms, items, workers, oneWorkerMs, floor, instead, claim }: Row): string {
  const over = oneWorkerMs === null ? "" : (oneWorkerMs / ms).toFixed(2);
  const beside = (other: Other | null): string =>
    other === null ? "" : `${(ms / other.ms).toFixed(2)} × ${other.name} (${other.ms.toFixed(1)} ms)`;
  const said = claim === null ? "" : `claimed: ${claim}`;
  const perSecond = Math.round((items / ms) * 1_000).toLocaleString("en-US");
  const figures = `${ms.toFixed(1).padStart(9)}${String(items).padStart(7)}${perSecond.padStart(10)}${String(workers).padStart(9)}${over.padStart(7)}`;
  return `${name.padEnd(NAME)}${figures}  ${[beside(floor), beside(instead), said].filter((each) => each !== "").join("; ")}`.trimEnd();
}

function asJson({ name, ms, items, workers, oneWorkerMs, floor, instead, claim }: Row): object {
  const beside = (other: Other | null): object | null =>
    other === null ? null : { name: other.name, ms: rounded(other.ms), ratio: rounded(ms / other.ms) };
  return {
    name,
    ms: rounded(ms),
    items,
    items_per_s: rounded((items / ms) * 1_000),
    workers,
    over_one_worker: oneWorkerMs === null ? null : rounded(oneWorkerMs / ms),
    floor: beside(floor),
    instead: beside(instead),
    claim,
  };
}

function memoryLine({ name, mb, copies }: MemoryRow): string {
  return `${name.padEnd(NAME)}${mb.toFixed(0).padStart(6)} MB  ${copies.toFixed(2)} copies`;
}

function memoryJson({ name, mb, copies }: MemoryRow): object {
  return { name, mb: rounded(mb), copies: rounded(copies) };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

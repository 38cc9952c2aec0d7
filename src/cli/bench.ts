// `bench`: how fast this machine is, each figure beside what it cannot be faster than, and beside what the predecessor's guide claims.
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { floorRows } from "../bench/floors.ts";
import { guideRows } from "../bench/guide.ts";
import type { Row } from "../bench/measure.ts";
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
  if (settings.json === true) await out.raw(`${JSON.stringify({ machine, quick: isQuick, rows: rows.map(asJson) })}\n`);
  return EXIT.ok;
}

const NAME = 58;
const HEAD = `${"".padEnd(NAME)}${"ms".padStart(9)}${"items".padStart(7)}${"items/s".padStart(10)}${"workers".padStart(9)}${"× one".padStart(7)}  floor, claim`;

function line({ name, ms, items, workers, oneWorkerMs, floor, claim }: Row): string {
  const over = oneWorkerMs === null ? "" : (oneWorkerMs / ms).toFixed(2);
  const against = floor === null ? "" : `${(ms / floor.ms).toFixed(2)} × ${floor.name} (${floor.ms.toFixed(1)} ms)`;
  const said = claim === null ? "" : `claimed: ${claim}`;
  const perSecond = Math.round((items / ms) * 1_000).toLocaleString("en-US");
  const figures = `${ms.toFixed(1).padStart(9)}${String(items).padStart(7)}${perSecond.padStart(10)}${String(workers).padStart(9)}${over.padStart(7)}`;
  return `${name.padEnd(NAME)}${figures}  ${[against, said].filter((each) => each !== "").join("; ")}`.trimEnd();
}

function asJson({ name, ms, items, workers, oneWorkerMs, floor, claim }: Row): object {
  return {
    name,
    ms: rounded(ms),
    items,
    items_per_s: rounded((items / ms) * 1_000),
    workers,
    over_one_worker: oneWorkerMs === null ? null : rounded(oneWorkerMs / ms),
    floor: floor === null ? null : { name: floor.name, ms: rounded(floor.ms), ratio: rounded(ms / floor.ms) },
    claim,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

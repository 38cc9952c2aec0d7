// How long a start takes, against Node's own: `node test/bench/start.ts [ROUNDS]` after a build. Medians of runs that take turns, so that
// what else the machine does falls on all of them.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../src/launcher/bin.cjs", import.meta.url));
const ROUNDS = Number(process.argv[2] ?? 21);
const COMMANDS = { "node -e 1": ["-e", "1"], "rlm-repl --version": [BIN, "--version"], "rlm-repl -e 1": [BIN, "-e", "1"] };

const taken = Object.entries(COMMANDS).map(([name, args]) => ({ name, args, ms: [] as number[] }));
for (let round = 0; round < ROUNDS; round++) {
  for (const { args, ms } of taken) {
    const started = performance.now();
    spawnSync(process.execPath, args, { stdio: "ignore" });
    ms.push(performance.now() - started);
  }
}

const median = (ms: readonly number[]): number => ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN;
const base = median(taken[0]?.ms ?? []);
for (const { name, ms } of taken)
  process.stdout.write(`${name.padEnd(20)}${median(ms).toFixed(0).padStart(5)} ms  ${(median(ms) / base).toFixed(1)} ×\n`);

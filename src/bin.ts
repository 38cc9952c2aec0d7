#!/usr/bin/env node
// The executable: arguments in, exit code out. No top-level await: the launcher loads it by `require`.
import { startEarly } from "../sandbox/early.ts";

/** What a cell follows, nearly always. */
const COMMANDS: ReadonlySet<string | undefined> = new Set(["-e", "-", "run", "ask"]);

async function run(): Promise<void> {
  const args = process.argv.slice(2);
  // A kernel takes longer to come up than all else: it does while the program loads.
  if (COMMANDS.has(args[0])) startEarly();
  const { main } = await import("./cli/main.ts");
  process.exitCode = await main(args);
}

void run();

#!/usr/bin/env node
// The executable: arguments in, exit code out. No top-level await: the launcher loads it by `require`.
import { main } from "./cli/main.ts";

async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2));
}

void run();

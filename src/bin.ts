#!/usr/bin/env node
// The executable: arguments in, exit code out. What an older Node cannot even load is imported only where it can.
import { EXIT } from "./cli/exit.ts";

const LEAST_NODE = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < LEAST_NODE) {
  process.stderr.write(
    `rlm-repl: this is Node ${node}, ${LEAST_NODE} or newer is needed: npx -y -p node@${LEAST_NODE} -p rlm-repl rlm-repl\n`,
  );
  process.exitCode = EXIT.usage;
} else {
  const { main } = await import("./cli/main.ts");
  process.exitCode = await main(process.argv.slice(2));
}

// One command from arguments to exit code. No stack trace reaches a user but for a defect of ours.
import { readFileSync } from "node:fs";
import { stopTransform } from "../../sandbox/index.ts";
import { HostError } from "../errors.ts";
import { ask } from "./ask.ts";
import { runCode, runFile, runStdin, type Streams } from "./cells.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { EXIT, exitOfError } from "./exit.ts";
import { parseArguments, type Request } from "./program.ts";
import type { Host } from "./setup.ts";
import { carriesText } from "./stdin.ts";
import { Output, visible } from "./terminal.ts";

export async function main(argv: readonly string[]): Promise<number> {
  const { env } = process;
  const streams: Streams = { out: new Output(process.stdout, env), err: new Output(process.stderr, env) };
  // A reader that has read enough ends us quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.defect));
  process.stderr.on("error", () => undefined);
  const host: Host = {
    cwd: process.cwd(),
    env,
    stdin: process.stdin,
    stdinCarriesText: carriesText(0),
    stderrIsTerminal: streams.err.isTerminal,
  };
  try {
    return await perform(parseArguments(argv, version()), host, streams);
  } catch (error) {
    return await explain(error, streams);
  } finally {
    await stopTransform();
  }
}

async function perform(request: Request, host: Host, streams: Streams): Promise<number> {
  switch (request.command) {
    case "say":
      await streams.out.raw(request.text);
      return EXIT.ok;
    case "eval":
      return await runCode(request.code, request.settings, host, streams);
    case "stdin":
      return await runStdin(request.settings, host, streams);
    case "run":
      return await runFile(request.file, request.settings, host, streams);
    case "ask":
      return await ask(request.question, request.paths, request.settings, host, streams);
    case "demo":
      return await demo(request.path, request.settings, host, streams);
    case "doctor":
      return await doctor(request.settings, host, streams);
  }
}

async function explain(error: unknown, { err }: Streams): Promise<number> {
  if (error instanceof HostError && error.code !== "E_DEFECT") await err.raw(`rlm-repl: ${visible(error.message)}\n`);
  else
    await err.raw(
      `rlm-repl: a defect of rlm-repl; please report it with this text:\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  return exitOfError(error);
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
}

// One command from arguments to exit code. No stack trace reaches a user but for a defect of ours.
import { readFileSync } from "node:fs";
import { stopTransform } from "../../sandbox/index.ts";
import { resolveSettings } from "../config/resolve.ts";
import { HostError } from "../errors.ts";
import { ask } from "./ask.ts";
import { runCode, runFile, runStdin } from "./cells.ts";
import type { CommandContext, Process, Streams } from "./command.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { EXIT, exitOfError } from "./exit.ts";
import { help } from "./help.ts";
import { endBySignal } from "./interrupt.ts";
import { parseArguments, type Given, type Request } from "./program.ts";
import { Output, visible } from "./terminal.ts";

export async function main(argv: readonly string[]): Promise<number> {
  const { env, stdin } = process;
  const streams: Streams = { out: new Output(process.stdout, env), err: new Output(process.stderr, env) };
  // A reader that has read enough ends us quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.defect));
  process.stderr.on("error", () => undefined);
  endBySignal();
  try {
    return await perform(parseArguments(argv, version()), { cwd: process.cwd(), env, stdin }, streams);
  } catch (error) {
    return await explain(error, streams);
  } finally {
    await stopTransform();
  }
}

async function perform(request: Request, process: Process, streams: Streams): Promise<number> {
  const context = (given: Given): CommandContext => {
    const resolved = resolveSettings({ given, as: "flag", env: process.env, cwd: process.cwd });
    return { ...streams, process, resolved, settings: resolved.values };
  };
  switch (request.command) {
    case "say":
      await streams.out.raw(request.text);
      return EXIT.ok;
    case "help":
      return await help(request.topic, streams);
    case "eval":
      return await runCode(request.code, context(request.given));
    case "stdin":
      return await runStdin(context(request.given));
    case "run":
      return await runFile(request.file, request.stop, context(request.given));
    case "ask":
      return await ask(request.question, request.paths, context(request.given));
    case "demo":
      return await demo(request.path, context(request.given));
    case "doctor":
      return await doctor(request.given, { ...streams, process });
    case "bench": {
      const { bench } = await import("./bench.ts");
      return await bench(request.isQuick, context(request.given));
    }
    case "evaluate": {
      const { evalCommand } = await import("./eval.ts");
      return await evalCommand(request.request, context(request.given));
    }
    case "scan": {
      const { scanCommand } = await import("./scan.ts");
      return await scanCommand(request.asked, context(request.given), version());
    }
    case "sessions": {
      const { sessions } = await import("./sessions.ts");
      return await sessions(request.request, context(request.given));
    }
    case "prompt": {
      const { prompt } = await import("./prompt/prompt.ts");
      return await prompt(context(request.given));
    }
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

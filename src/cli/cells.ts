// The commands that run cells somebody wrote: `-e CODE`, `-`, and `run FILE.ts`.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Outcome } from "../../sandbox/outcome.ts";
import { HostError, messageOf } from "../errors.ts";
import { readNotebook } from "../notebook/cells.ts";
import { openEverything } from "../session/open.ts";
import { exitOfOutcome } from "./exit.ts";
import { catchSignals, endOnSignals } from "./interrupt.ts";
import type { Settings } from "./options.ts";
import { Reporter } from "./reporter.ts";
import { CELLS, NOTEBOOK, openOptions, type Host, type Kind } from "./setup.ts";
import { outcomeJson, showError, valueText } from "./show.ts";
import type { Output } from "./terminal.ts";

export interface Streams {
  readonly out: Output;
  readonly err: Output;
}

/** `-e CODE`: one cell, no session kept. */
export function runCode(code: string, settings: Settings, host: Host, streams: Streams): Promise<number> {
  return runAll([code], settings, CELLS, host, streams);
}

/** `-`: a cell from standard input. */
export async function runStdin(settings: Settings, host: Host, streams: Streams): Promise<number> {
  if (host.stdin.isTTY === true)
    throw new HostError("E_USAGE", "- reads a cell from standard input, and that is a terminal: pipe something in, or use -e CODE");
  if (settings.context.includes("-"))
    throw new HostError("E_USAGE", "standard input is the cell here, it cannot be a context too: use -e CODE with -c -");
  const chunks: Uint8Array[] = [];
  for await (const chunk of host.stdin) chunks.push(chunk);
  return runAll([decode(Buffer.concat(chunks), "standard input")], settings, CELLS, { ...host, stdin: nothing() }, streams);
}

/** `run FILE.ts`: every cell up to a FINAL, whatever the ones before did; `--stop` ends at the first failure. */
export async function runFile(file: string, settings: Settings, host: Host, streams: Streams): Promise<number> {
  const path = resolve(host.cwd, file);
  const bytes = await readFile(path).catch((error: unknown) => {
    const reason = messageOf(error).includes("EISDIR")
      ? "it is a folder"
      : messageOf(error).includes("ENOENT")
        ? `there is no such file (looked in ${host.cwd})`
        : messageOf(error);
    throw new HostError("E_USAGE", `cannot run ${file}: ${reason}`, { cause: error });
  });
  return runAll(
    readNotebook(decode(bytes, file)).map(({ source }) => source),
    settings,
    NOTEBOOK,
    host,
    streams,
  );
}

async function runAll(sources: readonly string[], settings: Settings, kind: Kind, host: Host, { out, err }: Streams): Promise<number> {
  const reporter = new Reporter(err, { quiet: settings.quiet, verbose: settings.verbose, console: !settings.json, turns: false });
  using opening = endOnSignals();
  await using opened = await openEverything(openOptions(settings, kind, host, reporter.emit));
  const { session } = opened;
  await session.ready();
  opening[Symbol.dispose]();
  using signals = catchSignals(() => void session.close());
  let exit = 0;
  for (const [i, source] of sources.entries()) {
    const outcome = await session.run(source, { signal: signals.signal });
    reporter.end();
    await show(outcome, source, settings, { out, err }, i === sources.length - 1);
    if (exit === 0) exit = exitOfOutcome(outcome);
    const stops = outcome.outcome === "final" || outcome.outcome === "interrupted" || (settings.stop && exit !== 0);
    if (stops) break;
  }
  return signals.exitCode() ?? exit;
}

async function show(outcome: Outcome, source: string, settings: Settings, { out, err }: Streams, isLast: boolean): Promise<void> {
  if (settings.json) return await out.raw(`${outcomeJson(outcome)}\n`);
  for (const warning of outcome.warnings) await err.write(`warning: ${warning}\n`);
  if (outcome.error !== undefined) return showError(outcome, source, err);
  if (outcome.state !== undefined && !settings.quiet) await err.write(`rlm-repl: ${stateInWords(outcome.state)}\n`);
  // Of a notebook's cells only the last one's value is its result; the others speak by print.
  if (!isLast && outcome.outcome !== "final") return;
  const { text, notice } = valueText(outcome.value, out.isTerminal);
  if (notice !== undefined && !settings.quiet) await err.write(`rlm-repl: ${notice}\n`);
  if (text !== "") await out.write(text);
}

export function stateInWords(state: NonNullable<Outcome["state"]>): string {
  switch (state) {
    case "partial":
      return "the cell was stopped half-way; what it assigned before is kept";
    case "rebuilt":
      return "the session was rebuilt by replay";
    case "lost":
      return "the sandbox had to be replaced: the variables of earlier cells are lost";
  }
}

/** A source that is not UTF-8 would run as something else than was written. */
function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new HostError("E_USAGE", `${name} is not valid UTF-8; save it as UTF-8`, { cause: error });
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // Standard input was read already.
}

// The commands that run cells somebody wrote: `-e CODE`, `-`, and `run FILE.ts`.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { HostError, messageOf } from "../errors.ts";
import { CELLS, ONE_CELL, type Kind } from "../library/open.ts";
import type { CellResult } from "../library/result.ts";
import type { ReplSession } from "../library/session.ts";
import { readNotebook } from "../notebook/cells.ts";
import { openFor, type CommandContext } from "./command.ts";
import { exitOfResult } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import { Reporter } from "./reporter.ts";
import { showResult } from "./show.ts";

/** `-e CODE`: one cell, no session kept. */
export function runCode(code: string, context: CommandContext): Promise<number> {
  return runAll([code], ONE_CELL, context);
}

/** `-`: a cell from standard input. */
export async function runStdin(context: CommandContext): Promise<number> {
  const { stdin } = context.process;
  if (stdin.isTTY)
    throw new HostError("E_USAGE", "- reads a cell from standard input, and that is a terminal: pipe something in, or use -e CODE");
  return runAll([await readStdin(context)], ONE_CELL, context, { stdin: null });
}

/** Standard input as a notebook, where there is no terminal and nothing was asked for. */
export async function runScript(context: CommandContext): Promise<number> {
  const source = await readStdin(context);
  return runAll(sourcesOf(source), CELLS, context, { stdin: null });
}

/** `run FILE.ts`: every cell up to a FINAL, whatever the ones before did; `--stop` ends at the first failure. */
export async function runFile(file: string, stop: boolean, context: CommandContext): Promise<number> {
  return runAll(sourcesOf(await readSource(file, context.process.cwd)), CELLS, context, { stop });
}

/** Text of a notebook. Throws E_USAGE saying why it cannot be read. */
export async function readSource(file: string, cwd: string): Promise<string> {
  const bytes = await readFile(resolve(cwd, file)).catch((error: unknown) => {
    const reason = messageOf(error).includes("EISDIR")
      ? "it is a folder"
      : messageOf(error).includes("ENOENT")
        ? `there is no such file (looked in ${cwd})`
        : messageOf(error);
    throw new HostError("E_USAGE", `cannot run ${file}: ${reason}`, { cause: error });
  });
  return decode(bytes, file);
}

function sourcesOf(notebook: string): string[] {
  return readNotebook(notebook).map(({ source }) => source);
}

async function readStdin({ process, settings }: CommandContext): Promise<string> {
  if (settings.context?.includes("-") === true)
    throw new HostError("E_USAGE", "standard input is the cell here, it cannot be a context too: use -e CODE with -c -");
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return decode(Buffer.concat(chunks), "standard input");
}

async function runAll(
  sources: readonly string[],
  kind: Kind,
  context: CommandContext,
  { stop = false, ...handed }: { readonly stop?: boolean; readonly stdin?: null } = {},
): Promise<number> {
  const { settings, out, err } = context;
  const { json = false, quiet = false, verbose = false } = settings;
  const reporter = new Reporter(err, { quiet, verbose, console: !json, turns: false });
  await using session = await openFor(context, kind, reporter.emit, handed);
  using signals = catchSignals(() => void session.close());
  let exit = 0;
  const isLast = ({ outcome }: CellResult): boolean => outcome === "final" || outcome === "interrupted" || (stop && exit !== 0);
  const shown = { out, err, json, quiet };
  const before = kind.keep ? cellsBefore(session, sources) : 0;
  if (before > 0) reporter.emit({ type: "notice", text: `${before} of ${sources.length} cells ran before: going on after them` });
  const resumed = session.resumedCell;
  if (resumed !== undefined) {
    signals.signal.addEventListener("abort", resumed.interrupt, { once: true });
    const result = await resumed.result;
    reporter.end();
    if (before === 0) reporter.emit({ type: "notice", text: `cell ${result.cell}, which went on, ended: ${result.outcome}` });
    else {
      await showResult(result, resumed.source, { ...shown, isLast: before === sources.length });
      exit = exitOfResult(result);
    }
    if (signals.exitCode() !== undefined || (before > 0 && isLast(result))) return signals.exitCode() ?? exit;
  }
  for (const [i, source] of sources.entries()) {
    if (i < before) continue;
    const result = await session.run(source, { signal: signals.signal });
    reporter.end();
    await showResult(result, source, { ...shown, isLast: i === sources.length - 1 });
    if (exit === 0) exit = exitOfResult(result);
    if (isLast(result)) break;
  }
  return signals.exitCode() ?? exit;
}

/**
 * How many cells of a notebook its session has had, where an earlier run of it came to its middle; one that was interrupted runs again.
 * What else a session had, and a notebook that was run to its end or to a FINAL, is no beginning of this run.
 */
function cellsBefore({ earlier, resumedCell }: ReplSession, sources: readonly string[]): number {
  const ended = earlier.at(-1)?.outcome === "interrupted" && resumedCell === undefined ? earlier.slice(0, -1) : earlier;
  const had = [...ended.map(({ source }) => source), ...(resumedCell === undefined ? [] : [resumedCell.source])];
  const isWhole = (had.length === sources.length || earlier.at(-1)?.outcome === "final") && resumedCell === undefined;
  return isWhole || had.some((source, i) => source.trim() !== sources[i]?.trim()) ? 0 : had.length;
}

/** A source that is not UTF-8 would run as something else than was written. */
function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new HostError("E_USAGE", `${name} is not valid UTF-8; save it as UTF-8`, { cause: error });
  }
}

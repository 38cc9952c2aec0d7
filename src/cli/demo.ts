// `demo [PATH]`: a whole run over real files for somebody who has just arrived. The root's cells were written beforehand
// (examples/dependencies.ts); everything they call is real, and so is every number.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HostError } from "../errors.ts";
import type { Kind } from "../library/open.ts";
import type { CellResult } from "../library/result.ts";
import { readNotebook, type NotebookCell } from "../notebook/cells.ts";
import { openFor, type CommandContext } from "./command.ts";
import { answerLines, readAnswer } from "./demo-answer.ts";
import { EXIT, exitOfResult } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import { Reporter } from "./reporter.ts";
import { stateInWords } from "./show.ts";
import { counted, visible, type Output } from "./terminal.ts";

const QUESTION = "What in these packages can run programs, run code from strings, or open the network?";
/** The demo stops a loop; a newcomer should not wait half a minute for it. */
const DEMO: Kind = { keep: false, isAsk: false, cellTimeout: 3 };

export async function demo(path: string | undefined, context: CommandContext): Promise<number> {
  const { settings, out, err, process } = context;
  const { json = false, quiet = false, verbose = false, model = "offline" } = settings;
  const folder = path ?? ownDependencies(process.cwd);
  const reporter = new Reporter(err, { quiet, verbose, console: false, turns: false });
  const screen = json ? err : out;
  const say = async (text: string): Promise<void> => {
    reporter.end();
    if (!quiet || screen === out) await screen.raw(`${screen.wrapped(text)}\n`);
  };
  if (!existsSync(resolve(process.cwd, folder)))
    throw new HostError(
      "E_USAGE",
      `there is no folder ${folder} (looked in ${process.cwd}); without a path the demo looks at its own dependencies`,
    );
  await say(screen.bold(screen.wrapped(`\nQuestion: ${QUESTION}`)));
  await say(`Files:    ${visible(folder)}`);
  await say(
    `The cells below were written beforehand, where a root model would write them. Everything they call is real:\nthe sandbox, ripgrep, threads, and sub-model calls (answered by ${visible(model)}).\n`,
  );
  await using session = await openFor(context, DEMO, reporter.emit, { contexts: [folder], model });
  using signals = catchSignals(() => void session.close());
  for (const [i, cell] of notebook().entries()) {
    await say(screen.bold(screen.wrapped(`[${i + 1}] ${cell.title}`)));
    await say(screen.dim(codeLines(cell.source, verbose, screen)));
    const result = await session.run(cell.source, { signal: signals.signal });
    reporter.end();
    if (result.outcome === "final") {
      if (json) await out.raw(`${JSON.stringify(result.value)}\n`);
      else await out.raw(`${answerLines(readAnswer(result.value), folder, out).join("\n")}\n`);
      return EXIT.ok;
    }
    await say(`${resultLines(result)}\n`);
    if (result.outcome === "interrupted") return signals.exitCode() ?? EXIT.interrupted;
    if (result.outcome === "threw" || result.outcome === "rejected") return exitOfResult(result);
  }
  throw new HostError("E_DEFECT", "the demo's cells ended without an answer");
}

/** What a cell printed, and how it ended. */
function resultLines({ output, outcome, ms, calls, error, state }: CellResult): string {
  const text = visible(output.trimEnd());
  const shown = text === "" ? [] : text.split("\n").map((line) => `  ${line}`);
  const failed = error === undefined ? "" : `: ${visible(error.message)}`;
  const kept = state === undefined ? "" : ` (${stateInWords(state)})`;
  const served = calls === 0 ? "" : `, ${counted(calls, "host call")}`;
  return [...shown, `  → ${outcome} in ${Math.round(ms).toLocaleString("en-US")} ms${served}${failed}${kept}`].join("\n");
}

const MAX_LINES = 9;
const MARGIN = "  │ ";

/** Code as it was written; a line longer than the terminal is cut, not wrapped. */
function codeLines(source: string, all: boolean, screen: Output): string {
  const room = screen.isTerminal && !all ? screen.columns - MARGIN.length : Number.POSITIVE_INFINITY;
  const lines = visible(source.trim()).split("\n");
  const kept = all ? lines : lines.slice(0, MAX_LINES);
  const more = lines.length > kept.length ? [`… ${counted(lines.length - kept.length, "more line")} (-v shows all)`] : [];
  return [...kept, ...more].map((line) => `${MARGIN}${line.length > room ? `${line.slice(0, room - 1)}…` : line}`.trimEnd()).join("\n");
}

function notebook(): NotebookCell[] {
  return readNotebook(readFileSync(new URL("../examples/dependencies.ts", import.meta.url), "utf8"));
}

/** The folder this project's dependencies are in: beside it in a checkout, above it where it is installed. */
function ownDependencies(cwd: string): string {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const own = join(root, "node_modules");
  const found = existsSync(own) ? own : above(root);
  if (found === undefined) throw new HostError("E_USAGE", `no node_modules beside or above ${root}: name a folder, rlm-repl demo PATH`);
  const near = relative(cwd, found);
  return near === "" || near.startsWith("..") ? found : near;
}

function above(folder: string): string | undefined {
  const up = dirname(resolve(folder));
  if (up === resolve(folder)) return undefined;
  return basename(up) === "node_modules" ? up : above(up);
}

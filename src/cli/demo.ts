// `demo [PATH]`: a whole run over real files for somebody who has just arrived. The root's cells were written beforehand
// (examples/dependencies.ts); everything they call is real, and so is every number.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outcome } from "../../sandbox/outcome.ts";
import { HostError } from "../errors.ts";
import { readNotebook, type NotebookCell } from "../notebook/cells.ts";
import { openEverything } from "../session/open.ts";
import { stateInWords, type Streams } from "./cells.ts";
import { answerLines, readAnswer } from "./demo-answer.ts";
import { EXIT, exitOfOutcome } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import type { Settings } from "./options.ts";
import { Reporter } from "./reporter.ts";
import { CELLS, openOptions, type Host } from "./setup.ts";
import { counted, visible, type Output } from "./terminal.ts";

const QUESTION = "What in these packages can run programs, run code from strings, or open the network?";
/** The demo stops a loop; a newcomer should not wait half a minute for it. */
const SLICE_S = 3;

export async function demo(path: string | undefined, settings: Settings, host: Host, { out, err }: Streams): Promise<number> {
  const folder = path ?? ownDependencies(host.cwd);
  const reporter = new Reporter(err, { quiet: settings.quiet, verbose: settings.verbose, console: false, turns: false });
  const screen = settings.json ? err : out;
  const say = async (text: string): Promise<void> => {
    reporter.end();
    if (!settings.quiet || screen === out) await screen.raw(`${screen.wrapped(text)}\n`);
  };
  const model = settings.model ?? host.env["RLM_MODEL"] ?? "offline";
  const options = openOptions({ ...settings, model, context: [folder] }, CELLS, host, reporter.emit);
  const limits = { ...options.limits, sliceMs: Math.min(options.limits.sliceMs, SLICE_S * 1000) };
  await say(screen.bold(screen.wrapped(`\nQuestion: ${QUESTION}`)));
  await say(`Files:    ${visible(folder)}`);
  await say(
    `The cells below were written beforehand, where a root model would write them. Everything they call is real:\nthe sandbox, ripgrep, threads, and sub-model calls (answered by ${visible(model)}).\n`,
  );
  await using opened = await openEverything({ ...options, limits });
  await opened.session.ready();
  using signals = catchSignals(() => void opened.session.close());
  for (const [i, cell] of notebook().entries()) {
    await say(screen.bold(screen.wrapped(`[${i + 1}] ${cell.title}`)));
    await say(screen.dim(codeLines(cell.source, settings.verbose, screen)));
    const outcome = await opened.session.run(cell.source, { signal: signals.signal });
    reporter.end();
    if (outcome.outcome === "final") return await finish(outcome, folder, settings, { out, err });
    await say(`${outcomeLines(outcome)}\n`);
    if (outcome.outcome === "interrupted") return signals.exitCode() ?? EXIT.interrupted;
    if (outcome.outcome === "threw" || outcome.outcome === "rejected") return exitOfOutcome(outcome);
  }
  throw new HostError("E_DEFECT", "the demo's cells ended without an answer");
}

async function finish(outcome: Outcome, folder: string, settings: Settings, { out }: Streams): Promise<number> {
  const json = outcome.value?.json ?? "null";
  if (settings.json) await out.raw(`${json}\n`);
  else await out.raw(`${answerLines(readAnswer(json), folder, out).join("\n")}\n`);
  return EXIT.ok;
}

/** What a cell printed, and how it ended. */
function outcomeLines({ output, outcome, ms, calls, error, state }: Outcome): string {
  const text = visible(output.text.trimEnd());
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

// `ask QUESTION [PATH…]`: the whole loop; live progress on stderr, the answer on stdout.
import { HostError } from "../errors.ts";
import type { EventSink } from "../events.ts";
import type { AskResult } from "../library/ask-result.ts";
import { ASK } from "../library/open.ts";
import { dollars } from "../pool/cost.ts";
import { treeJson, type Usage } from "../pool/usage.ts";
import { openFor, type CommandContext, type Streams } from "./command.ts";
import { EXIT, exitOfCode } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import { Reporter } from "./reporter.ts";
import { carriesText, tellingWhenLate } from "./stdin.ts";
import { counted } from "./terminal.ts";

/** Without a question, the one that the session was asked last goes on. */
export async function ask(question: string | undefined, paths: readonly string[], context: CommandContext): Promise<number> {
  if (question?.trim() === "") throw new HostError("E_USAGE", "the question is empty: rlm-repl ask 'your question' PATH…");
  const { settings, out, err } = context;
  const { json = false, quiet = false, verbose = false } = settings;
  const reporter = new Reporter(err, { quiet, verbose, console: verbose, turns: !json });
  await using session = await openFor(context, ASK, reporter.emit, handedOf(paths, context, reporter.emit));
  const { isPriced } = await session.models();
  const { usd, calls, tokens, seconds } = session.askBounds;
  const bounds = [
    ...(calls === null ? [] : [`${calls} model calls`]),
    ...(usd === null || !isPriced ? [] : [dollars(usd, "down")]),
    ...(tokens === null ? [] : [`${tokens.toLocaleString("en-US")} tokens`]),
    ...(seconds === null ? [] : [`${seconds} s`]),
  ];
  reporter.emit({ type: "notice", text: `at most ${bounds.join(" and ")} (--max-calls, --max-cost), session ${session.id}` });
  using signals = catchSignals(() => void session.close());
  const { signal } = signals;
  const result = await (question === undefined ? session.resumeAsk({ signal }) : session.ask(question, { signal }));
  reporter.end();
  if (json) await out.raw(`${JSON.stringify(askJson(result))}\n`);
  else await showAnswer(result, quiet, { out, err });
  return signals.exitCode() ?? exitOf(result);
}

/** PATHs make one context; each -c is one of its own; with neither, standard input is it where something is piped in. */
function handedOf(paths: readonly string[], { settings, process }: CommandContext, emit: EventSink): Parameters<typeof openFor>[3] {
  const own = settings.context ?? [];
  const named = [...own, ...paths];
  const stdin = tellingWhenLate(process.stdin, () => emit({ type: "notice", text: "reading the context from standard input …" }));
  return { contexts: named.length === 0 && carriesText(0) ? ["-"] : named, combined: own.length === 0, stdin };
}

/** The fixed fields of `ask --json`. */
function askJson({ answer, stopReason, partial, iterations, nudges, compactions, model, tree, session, error }: AskResult): object {
  return {
    answer,
    stop_reason: stopReason,
    partial,
    iterations,
    nudges,
    compactions,
    model,
    usage: treeJson(tree),
    session,
    ...(error === undefined ? {} : { error }),
  };
}

export async function showAnswer(result: AskResult, quiet: boolean, { out, err }: Streams): Promise<void> {
  const { answer, stopReason, error, usage, iterations, nudges } = result;
  if (error !== undefined) await err.write(`rlm-repl: ${error.message}\n`);
  if (stopReason === "interrupted") await err.write("rlm-repl: interrupted before there was an answer\n");
  const what = answer === null ? "there is no answer" : "this answer is partial";
  if (stopReason === "max_iterations") await err.write(`rlm-repl: no FINAL within ${iterations} turns; ${what} (raise --max-iterations)\n`);
  if (stopReason === "budget" && error === undefined)
    await err.write(
      `rlm-repl: the budget was used up after ${iterations} turns; ${what} (raise --max-cost, --max-calls, --max-tokens or --max-time)\n`,
    );
  if (answer !== null || stopReason === "final")
    await out.write(`${typeof answer === "string" ? answer : JSON.stringify(answer, null, 2)}\n`);
  if (quiet) return;
  const money = usage.usd === null ? "price unknown" : dollars(usage.usd, "up");
  const mended = Object.values(nudges).reduce((sum, count) => sum + count, 0);
  const turns = `${counted(iterations, "turn")}${mended === 0 ? "" : ` (${mended} that came to nothing)`}`;
  const told = `rlm-repl: ${turns}, ${counted(usage.calls, "model call")}, ${tokensInWords(usage)}, ${money}${savedInWords(usage)}`;
  await err.raw(`${err.dim(err.wrapped(told))}\n`);
}

/** `12,345 + 678 tokens (9,000 of them cached)`. */
function tokensInWords({ inputTokens, outputTokens, cachedInputTokens }: Usage): string {
  const cached = cachedInputTokens === 0 ? "" : ` (${cachedInputTokens.toLocaleString("en-US")} of them cached)`;
  return `${inputTokens.toLocaleString("en-US")} + ${outputTokens.toLocaleString("en-US")} tokens${cached}`;
}

/** What identical calls saved, as the end of a sentence. */
export function savedInWords({ memo, savedUsd }: Usage): string {
  if (memo === 0) return "";
  const saved = savedUsd === null || savedUsd === 0 ? "" : `, ${dollars(savedUsd, "down")} saved`;
  return `; ${counted(memo, "identical call")} not made again${saved}`;
}

function exitOf({ stopReason, error }: AskResult): number {
  switch (stopReason) {
    case "final":
      return EXIT.ok;
    case "max_iterations":
    case "budget":
      return EXIT.budget;
    case "interrupted":
      return EXIT.interrupted;
    case "error":
      return exitOfCode(error?.code) === EXIT.cell ? EXIT.provider : exitOfCode(error?.code);
  }
}

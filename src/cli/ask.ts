// `ask QUESTION [PATH…]`: the whole loop; live progress on stderr, the answer on stdout.
import { HostError } from "../errors.ts";
import { askIn, type Asked } from "../loop/ask.ts";
import { dollars } from "../pool/cost.ts";
import { usageJson } from "../pool/usage.ts";
import type { EventSink } from "../events.ts";
import { openEverything, type OpenOptions } from "../session/open.ts";
import type { Streams } from "./cells.ts";
import { EXIT, exitOfCode } from "./exit.ts";
import { catchSignals, endOnSignals } from "./interrupt.ts";
import type { Settings } from "./options.ts";
import { Reporter } from "./reporter.ts";
import { ASK, DEFAULT_ITERATIONS, openOptions, type Host } from "./setup.ts";
import { tellingWhenLate } from "./stdin.ts";

export async function ask(
  question: string,
  paths: readonly string[],
  settings: Settings,
  host: Host,
  { out, err }: Streams,
): Promise<number> {
  if (question.trim() === "") throw new HostError("E_USAGE", "the question is empty: rlm-repl ask 'your question' PATH…");
  const reporter = new Reporter(err, {
    quiet: settings.quiet,
    verbose: settings.verbose,
    console: settings.verbose,
    turns: !settings.json,
  });
  const options = askOptions(paths, settings, host, reporter.emit);
  using opening = endOnSignals();
  await using opened = await openEverything(options);
  const { model } = await opened.models.chosen();
  const bounds = [`${options.maxCalls} model calls`, ...(model.price === undefined ? [] : [`$${options.maxUsd?.toFixed(2)}`])];
  reporter.emit({ type: "notice", text: `at most ${bounds.join(" and ")} (--max-calls, --max-cost), session ${opened.session.id}` });
  await opened.session.ready();
  opening[Symbol.dispose]();
  using signals = catchSignals(() => void opened.session.close());
  const maxIterations = settings.maxIterations ?? DEFAULT_ITERATIONS;
  const asked = await askIn(opened, {
    question,
    limits: { maxIterations, modelCallMs: options.limits.modelCallMs },
    signal: signals.signal,
    emit: reporter.emit,
  });
  reporter.end();
  if (settings.json) await out.raw(`${JSON.stringify(askJson(asked, opened.session.id))}\n`);
  else await show(asked, settings, { out, err });
  return signals.exitCode() ?? exitOf(asked);
}

/** PATHs make one context; each -c is one of its own; with neither, standard input is it where something is piped in. */
function askOptions(paths: readonly string[], settings: Settings, host: Host, emit: EventSink): OpenOptions {
  const named = [...settings.context, ...paths];
  const stdin = tellingWhenLate(host.stdin, () => emit({ type: "notice", text: "reading the context from standard input …" }));
  return openOptions(
    { ...settings, context: named.length === 0 && host.stdinCarriesText ? ["-"] : named },
    { ...ASK, combined: settings.context.length === 0 },
    { ...host, stdin: Object.assign(stdin, { isTTY: host.stdin.isTTY === true }) },
    emit,
  );
}

function askJson({ answer, stop_reason, partial, iterations, model, usage, error }: Asked, session: string): object {
  return {
    answer,
    stop_reason,
    partial,
    iterations,
    model,
    usage: usageJson(usage),
    session,
    ...(error === undefined ? {} : { error }),
  };
}

async function show(asked: Asked, settings: Settings, { out, err }: Streams): Promise<void> {
  const { answer, stop_reason, error, usage, iterations } = asked;
  if (error !== undefined) await err.write(`rlm-repl: ${error.message}\n`);
  if (stop_reason === "max_iterations")
    await err.write(`rlm-repl: no FINAL within ${iterations} turns; this answer is partial (raise --max-iterations)\n`);
  if (answer !== null || stop_reason === "final")
    await out.write(`${typeof answer === "string" ? answer : JSON.stringify(answer, null, 2)}\n`);
  if (settings.quiet) return;
  const money = usage.usd === null ? "price unknown" : dollars(usage.usd, "up");
  await err.raw(
    err.dim(
      `rlm-repl: ${iterations} turns, ${usage.calls} model calls, ${usage.inputTokens.toLocaleString("en-US")} + ${usage.outputTokens.toLocaleString("en-US")} tokens, ${money}\n`,
    ),
  );
}

function exitOf({ stop_reason, error }: Asked): number {
  switch (stop_reason) {
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

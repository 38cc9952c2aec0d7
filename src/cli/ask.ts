// `ask QUESTION [PATH…]`: the whole loop; live progress on stderr, the answer on stdout.
import { HostError } from "../errors.ts";
import { askIn, type Asked } from "../loop/ask.ts";
import { dollars } from "../pool/cost.ts";
import { usageJson } from "../pool/usage.ts";
import { openEverything } from "../session/open.ts";
import type { Streams } from "./cells.ts";
import { EXIT, exitOfCode } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import type { Settings } from "./options.ts";
import { Reporter } from "./reporter.ts";
import { ASK, DEFAULT_ITERATIONS, openOptions, type Host } from "./setup.ts";
import { counted } from "./terminal.ts";

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
  // PATHs make one context; each -c is one of its own.
  const options = openOptions(
    { ...settings, context: [...settings.context, ...paths] },
    { ...ASK, combined: settings.context.length === 0 },
    host,
    reporter.emit,
  );
  await using opened = await openEverything(options);
  const { model } = await opened.models.chosen();
  const bounds = [`${options.maxCalls} model calls`, ...(model.price === undefined ? [] : [`$${options.maxUsd?.toFixed(2)}`])];
  reporter.emit({ type: "notice", text: `at most ${bounds.join(" and ")} (--max-calls, --max-cost), session ${opened.session.id}` });
  await opened.session.ready();
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
  const told = `rlm-repl: ${counted(iterations, "turn")}, ${counted(usage.calls, "model call")}, ${usage.inputTokens.toLocaleString("en-US")} + ${usage.outputTokens.toLocaleString("en-US")} tokens, ${money}`;
  await err.raw(`${err.dim(err.wrapped(told))}\n`);
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

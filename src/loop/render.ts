// An outcome as the root model reads it: bounded, with the true lengths, and with what it needs for the next cell.
import type { CellError, CellValue, Outcome } from "../../sandbox/outcome.ts";
import { writeOutcomeHead } from "../llm/transcript.ts";
import type { BudgetLeft } from "../pool/budget.ts";
import { headAndTail } from "./cut.ts";

/** Of a value beside what was printed. */
const LEAST_VALUE = 200;
const MAX_MESSAGE = 2_000;
const MAX_STACK = 1_000;
const MAX_WARNINGS = 10;
const MAX_NAMES = 40;

const STATES = {
  partial: "the cell was cut in the middle: what it assigned before is there, the rest is not",
  rebuilt: "the session was rebuilt without the cut part of this cell; all earlier variables are there",
  lost: "the sandbox was replaced: all variables are gone, only the context is there. Start again from what you know",
} as const;

/** `most`: UTF-16 units of what it printed and of its value together. */
export function renderOutcome(outcome: Outcome, left: BudgetLeft, most: number): string {
  const { cell, output, value, error, vars, warnings, state } = outcome;
  const parts = [
    `${writeOutcomeHead(cell, outcome.outcome)} (${facts(outcome)})`,
    ...(output.length > 0 ? [`printed:\n${headAndTail(output.text, most, output.length).replace(/\n$/, "")}`] : []),
    ...(value === undefined || value.type === "undefined" ? [] : [renderValue(value, Math.max(LEAST_VALUE, most - output.length))]),
    ...(error === undefined ? [] : [renderError(error)]),
    ...(vars.length > 0 ? [`defined: ${names(vars)}`] : []),
    ...warnings.slice(0, MAX_WARNINGS).map((warning) => `warning: ${headAndTail(warning, MAX_MESSAGE)}`),
    ...(warnings.length > MAX_WARNINGS ? [`${warnings.length - MAX_WARNINGS} more warnings`] : []),
    ...(state === undefined ? [] : [`state: ${STATES[state]}`]),
    ...(outcome.outcome === "ok" && output.length === 0 && value?.type === "undefined"
      ? ["nothing was printed; print(…) what you want to read"]
      : []),
    leftLine(left),
  ];
  return parts.join("\n");
}

function facts({ ms, calls }: Outcome): string {
  return calls === 0 ? duration(ms) : `${duration(ms)}, ${calls} host ${calls === 1 ? "call" : "calls"}`;
}

/** An answer that does not fit its schema: the run goes on. */
export function renderUnfit(outcome: Outcome, error: string, left: BudgetLeft): string {
  return [
    `${writeOutcomeHead(outcome.cell, "answer refused")} (${facts(outcome)})`,
    `FINAL got a value that does not fit the schema of the answer:\n${headAndTail(error, MAX_MESSAGE)}\nThe run goes on: mend the value, and call FINAL again.`,
    leftLine(left),
  ].join("\n");
}

function renderValue({ long, type, length }: CellValue, most: number): string {
  const size = length === undefined ? "" : ` of ${length.toLocaleString("en-US")} ${type === "string" ? "characters" : "items"}`;
  return `value, ${type}${size}:\n${headAndTail(long, most)}`;
}

function renderError({ name, message, code, line, column, stack }: CellError): string {
  const place = line === undefined ? "" : ` (line ${line}${column === undefined ? "" : `, column ${column}`})`;
  const said = `${name}${place}: ${headAndTail(message, MAX_MESSAGE)}${code === undefined || message.includes(code) ? "" : ` (${code})`}`;
  const frames = (stack ?? "").split("\n").filter((frame) => /^\s+at /.test(frame));
  return frames.length > 1 ? `${said}\n${headAndTail(frames.join("\n"), MAX_STACK)}` : said;
}

function names(vars: readonly string[]): string {
  const shown = vars.slice(0, MAX_NAMES).join(", ");
  return vars.length > MAX_NAMES ? `${shown} and ${vars.length - MAX_NAMES} more` : shown;
}

function leftLine({ iterations, calls, usd, tokens, seconds }: BudgetLeft): string {
  const parts = [
    ...(iterations === null ? [] : [`${iterations} ${iterations === 1 ? "turn" : "turns"}`]),
    ...(calls === null ? [] : [`${calls} model calls`]),
    ...(usd === null ? [] : [`$${usd.toFixed(2)}`]),
    ...(tokens === null ? [] : [`${tokens.toLocaleString("en-US")} tokens`]),
    ...(seconds === null ? [] : [`${Math.floor(seconds)} s`]),
  ];
  return `left: ${parts.join(", ") || "no limit"}`;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

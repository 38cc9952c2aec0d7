// Outcomes on stdout: the value for a person or a pipe, or one JSON object a line.
import type { CellValue, Outcome } from "../../sandbox/outcome.ts";
import { MAX_PREVIEW } from "../../sandbox/limits.ts";
import type { Output } from "./terminal.ts";

/** The fixed fields of `run --json`. */
export function outcomeJson(outcome: Outcome): string {
  const { cell, value, output, error, ms, calls, vars, warnings, state } = outcome;
  return JSON.stringify({
    cell,
    outcome: outcome.outcome,
    ...(value?.json === undefined ? {} : { value: JSON.parse(value.json) as unknown }),
    preview: value?.preview ?? "undefined",
    output: output.text,
    ...(error === undefined
      ? {}
      : { error: { name: error.name, message: error.message, code: error.code, line: error.line, column: error.column } }),
    ms,
    calls,
    vars,
    warnings,
    ...(state === undefined ? {} : { state }),
  });
}

/** What stdout gets of a value, with its line end, and what stderr is told; undefined prints nothing. */
export function valueText(value: CellValue | undefined, isTerminal: boolean): { readonly text: string; readonly notice?: string } {
  if (value === undefined || value.type === "undefined") return { text: "" };
  if (isTerminal) return { text: `${terminalText(value)}\n` };
  if (value.json === undefined) {
    // A preview of an object leaves out what is deep or wide.
    const isCut = value.type === "object" || value.length !== undefined || value.preview.length >= MAX_PREVIEW;
    return {
      text: `${value.preview}\n`,
      ...(isCut ? { notice: `only a preview is shown${trueLength(value)}: JSON cannot keep the value, or it is over 8 MiB` } : {}),
    };
  }
  const parsed: unknown = JSON.parse(value.json);
  return { text: typeof parsed === "string" ? ensureLine(parsed) : `${value.json}\n` };
}

/** The bounded preview; a string bare. */
function terminalText(value: CellValue): string {
  if (value.type !== "string" || value.json === undefined) return value.preview;
  const parsed: unknown = JSON.parse(value.json);
  if (typeof parsed !== "string") return value.preview;
  return parsed.length <= MAX_PREVIEW
    ? parsed
    : `${parsed.slice(0, MAX_PREVIEW)}… (${(parsed.length - MAX_PREVIEW).toLocaleString("en-US")} more characters)`;
}

function trueLength({ type, length }: CellValue): string {
  if (length === undefined) return "";
  return `; its true length is ${length.toLocaleString("en-US")} ${type === "string" ? "character" : "item"}${length === 1 ? "" : "s"}`;
}

function ensureLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** An error of a cell, with its place in the cell's own text and the line itself. */
export async function showError(outcome: Outcome, source: string, err: Output): Promise<void> {
  const { error, cell } = outcome;
  if (error === undefined) return;
  const where = error.line === undefined ? "" : ` at cell ${cell}:${error.line}:${error.column ?? 1}`;
  const code = error.code !== undefined && !error.message.includes(error.code) ? ` (${error.code})` : "";
  const name = error.name === "Thrown" ? "threw" : error.name;
  const line = error.line === undefined ? undefined : source.split(/\r\n|[\n\r\u2028\u2029]/)[error.line - 1];
  const pointer = line === undefined || line.length > 200 ? "" : `\n  ${line}\n  ${" ".repeat(Math.max(0, (error.column ?? 1) - 1))}^`;
  await err.write(`${name}: ${error.message}${code}${where}${pointer}\n`);
  const frames = (error.stack ?? "").split("\n").filter((frame) => frame.startsWith("    at "));
  if (frames.length > 1) await err.write(`${frames.slice(0, 10).join("\n")}\n`);
}

// Results of cells on stdout: the value for a person or a pipe, or one JSON object a line.
import { MAX_PREVIEW } from "../../sandbox/limits.ts";
import type { CellResult } from "../library/result.ts";
import type { Streams } from "./command.ts";
import type { Output } from "./terminal.ts";

interface ShowOptions extends Streams {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Of a notebook's cells only the last one's value is its result; the others speak by print. */
  readonly isLast: boolean;
}

export async function showResult(result: CellResult, source: string, { out, err, json, quiet, isLast }: ShowOptions): Promise<void> {
  if (json) return await out.raw(`${resultJson(result)}\n`);
  for (const warning of result.warnings) await err.write(`warning: ${warning}\n`);
  if (result.error !== undefined) return showError(result, source, err);
  if (result.state !== undefined && !quiet) await err.write(`rlm-repl: ${stateInWords(result.state)}\n`);
  if (!isLast && result.outcome !== "final") return;
  const { text, notice } = valueText(result, out.isTerminal);
  if (notice !== undefined && !quiet) await err.write(`rlm-repl: ${notice}\n`);
  if (text !== "") await out.write(text);
}

export function stateInWords(state: NonNullable<CellResult["state"]>): string {
  switch (state) {
    case "partial":
      return "the cell was stopped half-way; what it assigned before is kept";
    case "rebuilt":
      return "the session was rebuilt by replay";
    case "lost":
      return "the sandbox had to be replaced: the variables of earlier cells are lost";
  }
}

/** The fixed fields of `run --json`. */
function resultJson({ cell, outcome, preview, output, error, ms, calls, vars, warnings, state, ...rest }: CellResult): string {
  return JSON.stringify({
    cell,
    outcome,
    ...("value" in rest ? { value: rest.value } : {}),
    preview,
    output,
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
function valueText(result: CellResult, isTerminal: boolean): { readonly text: string; readonly notice?: string } {
  if (result.type === "undefined") return { text: "" };
  if (isTerminal) return { text: `${bareText(result)}\n` };
  if (!("value" in result)) {
    // A preview of an object leaves out what is deep or wide.
    const isCut = result.type === "object" || result.length !== undefined || result.preview.length >= MAX_PREVIEW;
    return {
      text: `${result.preview}\n`,
      ...(isCut ? { notice: `only a preview is shown${trueLength(result)}: JSON cannot keep the value, or it is over 8 MiB` } : {}),
    };
  }
  return { text: typeof result.value === "string" ? ensureLine(result.value) : `${JSON.stringify(result.value)}\n` };
}

/** The bounded preview; a string bare. */
function bareText({ value, preview }: CellResult): string {
  if (typeof value !== "string") return preview;
  return value.length <= MAX_PREVIEW
    ? value
    : `${value.slice(0, MAX_PREVIEW)}… (${(value.length - MAX_PREVIEW).toLocaleString("en-US")} more characters)`;
}

function trueLength({ type, length }: CellResult): string {
  if (length === undefined) return "";
  return `; its true length is ${length.toLocaleString("en-US")} ${type === "string" ? "character" : "item"}${length === 1 ? "" : "s"}`;
}

function ensureLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** An error of a cell, with its place in the cell's own text and the line itself. */
export async function showError({ error, cell }: CellResult, source: string, err: Output): Promise<void> {
  if (error === undefined) return;
  const where = error.line === undefined ? "" : ` at cell ${cell}:${error.line}:${error.column ?? 1}`;
  const code = error.code !== undefined && !error.message.includes(error.code) ? ` (${error.code})` : "";
  const name = error.name === "Thrown" ? "threw" : error.name;
  const line = error.line === undefined ? undefined : source.split(/\r\n|[\n\r\u2028\u2029]/)[error.line - 1];
  const pointer =
    line === undefined || line.length > (err.isTerminal ? err.columns - 3 : 200)
      ? ""
      : `\n  ${line}\n  ${" ".repeat(Math.max(0, (error.column ?? 1) - 1))}^`;
  await err.write(`${name}: ${error.message}${code}${where}${pointer}\n`);
  const frames = (error.stack ?? "").split("\n").filter((frame) => frame.startsWith("    at "));
  if (frames.length > 1) await err.write(`${frames.slice(0, 10).join("\n")}\n`);
}

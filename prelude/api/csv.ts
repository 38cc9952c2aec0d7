// parse_csv: rows of a text of delimiter-separated values (RFC 4180), by their header's names.
import { dsvFormat } from "d3-dsv";
import { badArgument } from "../errors.ts";
import { kindOf, optionsOf, shown } from "../options.ts";

const DELIMITERS = [",", "\t", ";", "|"];
const HEADER_SEEN = 10_000;

/** Objects by column, values as text; lists where `header` is false. Cells behind the last column are in `_rest`. */
export function parseCsv(text: unknown, given: unknown): Record<string, unknown>[] | string[][] {
  if (typeof text !== "string")
    throw badArgument(`parse_csv takes a text, not ${kindOf(text)}; for a Corpus: parse_csv(await context.read(path))`);
  const { delimiter, header = true } = optionsOf("parse_csv", given, ["delimiter", "header"]);
  if (typeof header !== "boolean") throw badArgument(`parse_csv: header is ${shown(header)}, not true or false`);
  const rows = dsvFormat(delimiterOf(text, delimiter)).parseRows(text.startsWith("\uFEFF") ? text.slice(1) : text);
  // An empty line is no row.
  const full = rows.filter((row) => row.length > 1 || row[0] !== "");
  return header ? records(full) : full;
}

function delimiterOf(text: string, given: unknown): string {
  if (given !== undefined && given !== null) {
    if (typeof given === "string" && given.length === 1 && given !== '"' && given !== "\n" && given !== "\r") return given;
    throw badArgument(`parse_csv: delimiter is ${shown(given)}, not one character`);
  }
  const end = text.search(/[\r\n]/);
  const first = text.slice(0, Math.min(HEADER_SEEN, end === -1 ? text.length : end));
  const counts = DELIMITERS.map((each) => first.split(each).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ",";
}

function records(rows: readonly string[][]): Record<string, unknown>[] {
  const [names = [], ...rest] = rows;
  const columns = unique(names);
  return rest.map((row) => {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) record[columns[i] as string] = row[i] ?? "";
    if (row.length > columns.length) record["_rest"] = row.slice(columns.length);
    return record;
  });
}

/** `name`, and `name_2` for the second of it; a column without one, or whose name no property can have, is `column_3`. */
function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name, i) => {
    const base = ["", "__proto__"].includes(name.trim()) ? `column_${i + 1}` : name.trim();
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return count === 1 ? base : `${base}_${count}`;
  });
}

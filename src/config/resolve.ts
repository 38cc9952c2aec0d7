// Who decides an option: the argument of a call or a flag, then the variable, then the files, then the default of the table.
import { dirname, resolve } from "node:path";
import { HostError } from "../errors.ts";
import { configFiles, type ConfigFile } from "./files.ts";
import type { Environment, SettingName, Settings } from "./settings.ts";
import { flagOf, keyOf, TABLE, variableOf, type Row } from "./table.ts";

export interface ResolveOptions {
  /** What was said in the call: a flag's text, or an argument's value. */
  readonly given: Readonly<Partial<Record<SettingName, unknown>>>;
  /** How what was given is called in messages. */
  readonly as: "flag" | "argument";
  readonly env: Environment;
  readonly cwd: string;
}

export interface Resolved {
  readonly values: Settings;
  /** Who decided: `--max-cost`, `RLM_MAX_COST`, a file's path; undefined where the default holds. */
  readonly sources: Readonly<Partial<Record<SettingName, string>>>;
}

/** `files`: other than those that count for `cwd`. Throws E_USAGE naming the place, the value and what would fit. */
export function resolveSettings(options: ResolveOptions, files?: readonly ConfigFile[]): Resolved {
  const find = finder(options, files);
  const values: Partial<Record<SettingName, unknown>> = {};
  const sources: Partial<Record<SettingName, string>> = {};
  for (const row of TABLE) {
    const found = find(row);
    if (found === undefined) continue;
    values[row.name] = found.value;
    sources[row.name] = found.source;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each value has passed its row's reader
  return { values: values as Settings, sources };
}

/** Looks one option up; undefined where the default holds. Throws as `resolveSettings` does. */
export function finder(
  { given, as, env, cwd }: ResolveOptions,
  files: readonly ConfigFile[] = configFiles(cwd, env),
): (row: Row) => Found | undefined {
  return (row) => fromCall(row, given, as) ?? fromVariable(row, env) ?? fromFiles(row, files);
}

/** One option by its variable alone. Throws E_USAGE. */
export function readVariable(name: SettingName, env: Environment): unknown {
  const row = TABLE.find((each) => each.name === name);
  return row === undefined ? undefined : fromVariable(row, env)?.value;
}

export interface Found {
  readonly value: unknown;
  readonly source: string;
}

function fromCall(row: Row, given: ResolveOptions["given"], as: ResolveOptions["as"]): Found | undefined {
  const value = given[row.name];
  if (value === undefined) return undefined;
  const source = as === "flag" ? flagOf(row) : row.name;
  return { value: read(row, value, `${source} ${shown(value)}`), source };
}

function fromVariable(row: Row, env: Environment): Found | undefined {
  if (row.isOfCall === true) return undefined;
  const source = variableOf(row);
  const value = env[source];
  return value === undefined || value === "" ? undefined : { value: read(row, value, `${source}=${value}`), source };
}

function fromFiles(row: Row, files: readonly ConfigFile[]): Found | undefined {
  if (row.isOfCall === true) return undefined;
  const key = keyOf(row);
  const file = files.find(({ values }) => values[key] !== undefined);
  if (file === undefined) return undefined;
  const value = read(row, file.values[key], `${file.path}: ${key} ${shown(file.values[key])}`);
  return { value: row.holdsPaths === true ? absolute(value, dirname(file.path)) : value, source: file.path };
}

function read(row: Row, value: unknown, where: string): unknown {
  const fit = row.reader.read(value);
  if (fit !== undefined) return fit;
  const remedy = row.remedy === undefined ? "" : `; ${row.remedy()}`;
  throw new HostError("E_USAGE", `${where} is not ${row.reader.wanted}${remedy}`);
}

/** A file's paths are relative to the file. */
function absolute(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((each) => absolute(each, folder));
  if (typeof value !== "string" || value === "-" || value.startsWith("env:")) return value;
  return value.startsWith("file:") ? `file:${resolve(folder, value.slice("file:".length))}` : resolve(folder, value);
}

function shown(value: unknown): string {
  const json: string | undefined = JSON.stringify(value);
  return json ?? String(value);
}

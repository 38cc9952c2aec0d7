// Every option in one table: its name, how its value is read, what it means and what holds without it. `--help`, the parser, variables,
// `rlm.config.json`, the library's arguments, docs/configuration.md and `doctor` come from here; nothing else knows a flag.
import { delimiter } from "node:path";
import { automaticWorkers } from "../pool/settings.ts";
import { keySource, list, locale, money, path, seconds, text, whole, yes, zone, type Reader } from "./readers.ts";
import type { SettingName, Settings } from "./settings.ts";

export interface Row<Name extends SettingName = SettingName> {
  /** As the library spells it; the other spellings follow from it. */
  readonly name: Name;
  readonly short?: string;
  /** What stands for the value in help; a flag without one is a switch. */
  readonly value?: string;
  readonly reader: Reader<NonNullable<Settings[Name]>>;
  readonly meaning: string;
  readonly without: string;
  /** Paths of a file are relative to it. */
  readonly holdsPaths?: true;
  /** Where users of the predecessor know the variable by another name. */
  readonly variable?: string;
  /** Of one call alone: a variable or a file cannot say it. */
  readonly isOfCall?: true;
  /** Said behind a value that does not fit. */
  readonly remedy?: () => string;
}

function row<Name extends SettingName>(name: Name, details: Omit<Row<Name>, "name">): Row<Name> {
  return { name, ...details };
}

export const TABLE: readonly Row[] = [
  row("context", {
    short: "-c",
    value: "path",
    reader: list(path, delimiter),
    holdsPaths: true,
    meaning: "data to analyse: a file (also .gz, .br, .zst), folder, quoted glob, or - for stdin; repeatable",
    without: "none",
  }),
  row("workspace", {
    short: "-w",
    value: "dir",
    reader: list(path, delimiter),
    holdsPaths: true,
    meaning: "folder whose files cells may read; repeatable",
    without: "the contexts' folders, else the current one",
  }),
  row("model", {
    short: "-m",
    value: "model",
    reader: text,
    meaning: "root model: anthropic[:name] | openai:name | script:FILE | offline",
    without: "a key in the environment, else offline at a terminal",
  }),
  row("subModel", { value: "model", reader: text, meaning: "model of llm_query", without: "the provider's cheaper one" }),
  row("keyFrom", {
    value: "where",
    reader: keySource,
    holdsPaths: true,
    meaning: "where the root model's key comes from: env:NAME or file:PATH",
    without: "ANTHROPIC_API_KEY or OPENAI_API_KEY",
  }),
  row("maxWorkers", {
    value: "n",
    reader: whole(1),
    meaning: "scan and search workers; 4 to 16 are what it is made for",
    without: "max(4, min(16, cores))",
    remedy: () => `unset it for automatic (${automaticWorkers()} here)`,
  }),
  row("concurrency", {
    value: "n",
    reader: whole(1),
    meaning: "model calls at a time, over the whole process",
    without: "10",
    variable: "RLM_SEMAPHORE_LIMIT",
    remedy: () => "unset it for automatic (10 here)",
  }),
  row("cellTimeout", { value: "s", reader: seconds, meaning: "seconds of a slice and of a cell's own time", without: "30 and 120" }),
  row("callTimeout", { value: "s", reader: seconds, meaning: "seconds of a model call", without: "600" }),
  row("memory", { value: "mb", reader: whole(16, 65_536), meaning: "heap of the sandbox beside the context", without: "512" }),
  row("maxCost", { value: "usd", reader: money, meaning: "most that model calls may cost", without: "1 for ask, none elsewhere" }),
  row("maxCalls", {
    value: "n",
    reader: whole(1, 1_000_000_000),
    meaning: "most model calls",
    without: "500 for ask, none elsewhere",
  }),
  row("maxTokens", {
    value: "n",
    reader: whole(1, 1_000_000_000_000),
    meaning: "most tokens, prompts and replies of all model calls together",
    without: "no limit",
  }),
  row("maxTime", { value: "s", reader: seconds, meaning: "seconds a question may take, else a session", without: "no limit" }),
  row("maxDepth", {
    value: "n",
    reader: whole(0, 10),
    meaning: "levels of children that rlm_query starts; below them it is llm_query",
    without: "1",
  }),
  row("confirmCost", {
    value: "usd",
    reader: money,
    meaning: "ask a person before a batch that is likely to cost more",
    without: "0.25 at the prompt, off elsewhere",
  }),
  row("yes", {
    short: "-y",
    reader: yes,
    isOfCall: true,
    meaning: "agree to what a person would be asked",
    without: "the person is asked",
  }),
  row("cache", {
    reader: yes,
    meaning: "model calls of cells that an earlier session made are not made again (not with --ephemeral)",
    without: "once in each session",
  }),
  row("prices", {
    value: "file",
    reader: path,
    holdsPaths: true,
    meaning: "JSON of prices: model → {input, output} in USD per million tokens",
    without: "the list that comes with rlm-repl",
  }),
  row("maxIterations", { value: "n", reader: whole(1, 10_000), meaning: "most turns of the root model", without: "20" }),
  row("answerSchema", {
    value: "file",
    reader: path,
    holdsPaths: true,
    isOfCall: true,
    meaning: "JSON Schema that the answer of a question must fit",
    without: "any JSON value",
  }),
  row("tools", {
    value: "file",
    reader: path,
    holdsPaths: true,
    meaning: "module of functions that cells may call: {name: {description, input, run}}; it runs in the host",
    without: "none",
  }),
  row("rules", {
    value: "dir",
    reader: list(path, delimiter),
    holdsPaths: true,
    meaning: "folder of rules in ast-grep's YAML format, each a scanner of its own in tools; repeatable",
    without: "the built-in scanners",
  }),
  row("systemAppend", { value: "file", reader: path, holdsPaths: true, meaning: "text added to the system prompt", without: "none" }),
  row("noDirect", {
    reader: yes,
    meaning: "a context of less than 16,384 tokens goes through the loop as well",
    without: "the root model reads it at once",
  }),
  row("noCompaction", {
    reader: yes,
    meaning: "conversations keep all of their turns, however long they grow",
    without: "older turns are given up at 60 % of the model's window",
  }),
  row("tz", { value: "zone", reader: zone, meaning: "time zone of cells", without: "UTC" }),
  row("locale", { value: "tag", reader: locale, meaning: "locale of cells", without: "en-US" }),
  row("stateDir", {
    value: "dir",
    reader: path,
    holdsPaths: true,
    meaning: "where sessions are kept",
    without: "the platform's state folder",
  }),
  row("resume", { value: "id", reader: text, isOfCall: true, meaning: "go on with a kept session: its id, or name", without: "a new one" }),
  row("continue", { reader: yes, isOfCall: true, meaning: "go on with the session that was used last", without: "a new one" }),
  row("fork", { reader: yes, isOfCall: true, meaning: "go on in a copy of it, as a session of its own", without: "in the session itself" }),
  row("session", {
    value: "name",
    reader: text,
    isOfCall: true,
    meaning: "go on with the session of that name, or begin it",
    without: "a session without a name",
  }),
  row("noIgnore", { reader: yes, meaning: "also files that .gitignore and the like leave out", without: "they are left out" }),
  row("localOnly", { reader: yes, meaning: "refuse every model that is not on this machine", without: "any address" }),
  row("requireBwrap", {
    reader: yes,
    meaning: "refuse to run where bubblewrap cannot be put around the sandbox",
    without: "it is used where it works",
  }),
  row("paranoid", { reader: yes, meaning: "V8 without machine code in the sandbox: slower, fewer ways out", without: "compiled code" }),
  row("profile", {
    value: "file",
    reader: path,
    isOfCall: true,
    meaning: "write a V8 CPU profile of cells and scan functions there (.cpuprofile), and tell the ten that took the most time",
    without: "none",
  }),
  row("ephemeral", { reader: yes, meaning: "keep nothing after exit: no journal, no history", without: "sessions are kept" }),
  row("json", { reader: yes, meaning: "one JSON object a line on stdout", without: "text" }),
  row("quiet", { short: "-q", reader: yes, meaning: "no progress and no notices on stderr", without: "both are shown" }),
  row("verbose", { short: "-v", reader: yes, meaning: "more on stderr: the model's code, each call", without: "the essentials" }),
];

/** `maxCost` → `--max-cost`. */
export function flagOf({ name }: Pick<Row, "name">): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `maxCost` → `RLM_MAX_COST`. */
export function variableOf({ name, variable }: Pick<Row, "name" | "variable">): string {
  return variable ?? `RLM_${snake(name).toUpperCase()}`;
}

/** `maxCost` → `max_cost`, in `rlm.config.json`. */
export function keyOf({ name }: Pick<Row, "name">): string {
  return snake(name);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

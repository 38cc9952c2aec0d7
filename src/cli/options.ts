// Every option of the command line in one table: flag, meaning, how its text is read, and what holds without it. `--help`, the parser and
// `doctor` come from here, and nothing else knows a flag.
import { HostError } from "../errors.ts";

/** What the options say, checked. Undefined: not given. */
export interface Settings {
  readonly context: readonly string[];
  readonly workspace: readonly string[];
  readonly model?: string;
  readonly subModel?: string;
  readonly maxWorkers?: number;
  readonly concurrency?: number;
  readonly cellTimeout?: number;
  readonly callTimeout?: number;
  readonly memory?: number;
  readonly maxCost?: number;
  readonly maxCalls?: number;
  readonly prices?: string;
  readonly maxIterations?: number;
  readonly tz?: string;
  readonly locale?: string;
  readonly stateDir?: string;
  readonly ignore: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly stop: boolean;
}

interface Row {
  /** As commander reads it. */
  readonly flags: string;
  readonly meaning: string;
  readonly read?: (text: string, flag: string) => unknown;
  readonly repeatable?: boolean;
  readonly without?: string;
}

export const OPTIONS: readonly Row[] = [
  {
    flags: "-c, --context <path>",
    meaning: "data to analyse: a file (also .gz, .br, .zst), folder, quoted glob, or - for stdin; repeatable",
    read: path,
    repeatable: true,
  },
  {
    flags: "-w, --workspace <dir>",
    meaning: "folder whose files cells may read; repeatable",
    read: path,
    repeatable: true,
    without: "the contexts' folders, else the current one",
  },
  {
    flags: "-m, --model <model>",
    meaning: "root model: anthropic[:name] | openai:name | script:FILE | offline",
    read: text,
    without: "RLM_MODEL, a key in the environment, else offline at a terminal",
  },
  { flags: "--sub-model <model>", meaning: "model of llm_query", read: text, without: "the provider's cheaper one" },
  {
    flags: "--max-workers <n>",
    meaning: "scan and search workers",
    read: whole(1, 1024),
    without: "RLM_MAX_WORKERS, else 4 to 16 by cores",
  },
  { flags: "--concurrency <n>", meaning: "model calls at a time", read: whole(1, 10_000), without: "RLM_SEMAPHORE_LIMIT, else 10" },
  { flags: "--cell-timeout <s>", meaning: "seconds of a slice and of a cell's own time", read: seconds, without: "30 and 120" },
  { flags: "--call-timeout <s>", meaning: "seconds of a model call", read: seconds, without: "600" },
  { flags: "--memory <mb>", meaning: "heap of the sandbox beside the context", read: whole(16, 65_536), without: "512" },
  { flags: "--max-cost <usd>", meaning: "most that model calls may cost", read: money, without: "1 for ask, none elsewhere" },
  { flags: "--max-calls <n>", meaning: "most model calls", read: whole(1, 1_000_000_000), without: "500 for ask, none elsewhere" },
  { flags: "--prices <file>", meaning: "JSON of prices: model → {input, output} in USD per million tokens", read: path },
  { flags: "--max-iterations <n>", meaning: "most turns of the root model", read: whole(1, 10_000), without: "20" },
  { flags: "--tz <zone>", meaning: "time zone of cells", read: zone, without: "UTC" },
  { flags: "--locale <tag>", meaning: "locale of cells", read: locale, without: "en-US" },
  { flags: "--state-dir <dir>", meaning: "where sessions are kept", read: path, without: "the platform's state folder" },
  { flags: "--no-ignore", meaning: "also files that .gitignore and the like leave out" },
  { flags: "--json", meaning: "one JSON object a line on stdout" },
  { flags: "-q, --quiet", meaning: "no progress and no notices on stderr" },
  { flags: "-v, --verbose", meaning: "more on stderr: the model's code, each call" },
];

/** Which row a value belongs to, for messages. */
function wrong(flag: string, text: string, wanted: string): HostError {
  return new HostError("E_USAGE", `${flag} ${JSON.stringify(text)} is not ${wanted}`);
}

function text(value: string, flag: string): string {
  if (value.trim() === "") throw wrong(flag, value, "a name");
  return value;
}

function path(value: string, flag: string): string {
  if (value === "" || value.includes("\0")) throw wrong(flag, value, "a path");
  return value;
}

function whole(least: number, most: number): (text: string, flag: string) => number {
  return (value, flag) => {
    const number = Number(value);
    if (/^\d+$/.test(value.trim()) && number >= least && number <= most) return number;
    throw wrong(flag, value, `a whole number from ${least} to ${most}`);
  };
}

function seconds(value: string, flag: string): number {
  const number = Number(value);
  if (/^\d+(\.\d+)?$/.test(value.trim()) && number >= 0.05 && number <= 86_400) return number;
  throw wrong(flag, value, "a number of seconds from 0.05 to 86400");
}

function money(value: string, flag: string): number {
  const number = Number(value);
  if (/^\d*\.?\d+$/.test(value.trim()) && Number.isFinite(number)) return number;
  throw wrong(flag, value, "an amount in USD, e.g. 0.50");
}

function zone(value: string, flag: string): string {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    throw wrong(flag, value, "a time zone, e.g. Europe/Berlin");
  }
}

function locale(value: string, flag: string): string {
  try {
    return Intl.getCanonicalLocales(value)[0] ?? value;
  } catch {
    throw wrong(flag, value, "a locale, e.g. de-DE");
  }
}

// How much runs at a time: numbers from the environment, with the machine's own as default.
import * as os from "node:os";
import { HostError } from "../errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_WORKERS = 16;
const MIN_WORKERS = 4;
const MODEL_CALLS_AT_A_TIME = 10;

/** A number and what it comes from, for `doctor`. */
export interface Setting {
  readonly value: number;
  /** `--max-workers`, `RLM_MAX_WORKERS`, or `automatic`. */
  readonly source: string;
}

/** `max(minLimit, min(maxLimit, available parallelism))`, or RLM_MAX_WORKERS. Throws E_USAGE. */
export function optimalWorkers(maxLimit: number = MAX_WORKERS, minLimit: number = MIN_WORKERS, env: Environment = process.env): number {
  return workersSetting(env, maxLimit, minLimit).value;
}

export function workersSetting(env: Environment, maxLimit: number = MAX_WORKERS, minLimit: number = MIN_WORKERS): Setting {
  const automatic = Math.max(minLimit, Math.min(maxLimit, os.availableParallelism()));
  return fromEnvironment(env, "RLM_MAX_WORKERS", automatic);
}

/** Model calls that run at a time over the whole process: 10, or RLM_SEMAPHORE_LIMIT. Throws E_USAGE. */
export function modelLimitSetting(env: Environment): Setting {
  return fromEnvironment(env, "RLM_SEMAPHORE_LIMIT", MODEL_CALLS_AT_A_TIME);
}

function fromEnvironment(env: Environment, variable: string, automatic: number): Setting {
  const text = env[variable];
  if (text === undefined || text === "") return { value: automatic, source: "automatic" };
  if (/^[1-9]\d{0,8}$/.test(text.trim())) return { value: Number(text), source: variable };
  throw new HostError("E_USAGE", `${variable}=${text} is not a whole number ≥ 1; unset it for automatic (${automatic} here)`);
}

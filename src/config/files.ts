// `rlm.config.json`: the nearest one at or above the current folder, then the user's own. Keys are the options' names with `_`.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { HostError, messageOf } from "../errors.ts";
import { nearPaths } from "../workspace/near.ts";
import type { Environment } from "./settings.ts";
import { keyOf, TABLE } from "./table.ts";

export const CONFIG_FILE = "rlm.config.json";

export interface ConfigFile {
  readonly path: string;
  /** By key, not read yet: what a key holds is the table's to say. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Nearest first. Throws E_USAGE for a file that is not an object of known keys. */
export function configFiles(cwd: string, env: Environment): ConfigFile[] {
  const own = userConfigFile(env);
  const paths = [nearest(cwd), own].filter((path) => path !== undefined);
  return [...new Set(paths)].filter((path) => existsSync(path)).map(readConfig);
}

/** Where the user's own file is, whether or not it exists; undefined without a home folder. */
export function userConfigFile(env: Environment, platform: string = process.platform): string | undefined {
  const folder = userFolder(env, platform);
  return folder === undefined ? undefined : join(folder, "rlm-repl", CONFIG_FILE);
}

function userFolder(env: Environment, platform: string): string | undefined {
  if (platform === "win32") return env["APPDATA"];
  if (env["XDG_CONFIG_HOME"]) return env["XDG_CONFIG_HOME"];
  const home = env["HOME"] ?? homeOrNone();
  if (home === undefined || home === "") return undefined;
  return platform === "darwin" ? join(home, "Library", "Application Support") : join(home, ".config");
}

function homeOrNone(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

function nearest(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const path = join(at, CONFIG_FILE);
    if (existsSync(path)) return path;
    if (dirname(at) === at) return undefined;
  }
}

export function readConfig(path: string): ConfigFile {
  let values: unknown;
  try {
    values = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new HostError("E_USAGE", `${path} cannot be read as JSON (${messageOf(error)}); mend it or take it away`, { cause: error });
  }
  if (typeof values !== "object" || values === null || Array.isArray(values))
    throw new HostError("E_USAGE", `${path} is not a JSON object of options, such as {"model": "offline"}`);
  const known = TABLE.filter(({ isOfCall }) => isOfCall !== true).map(keyOf);
  const unknown = Object.keys(values).find((key) => key !== "$schema" && !known.includes(key));
  if (unknown !== undefined) {
    const [near] = nearPaths(unknown, known);
    const hint = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${JSON.stringify(near)}?`;
    throw new HostError("E_USAGE", `${path} has the unknown key ${JSON.stringify(unknown)}; ${hint}`);
  }
  return { path, values: { ...values } };
}

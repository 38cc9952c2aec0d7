// What `doctor` looks at, one finding each. A finding never throws: what is wrong is its text, with the remedy.
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { isolatedVmVersion, stopTransform } from "../../sandbox/index.ts";
import { resolveSettings } from "../config/resolve.ts";
import type { SettingName } from "../config/settings.ts";
import { messageOf } from "../errors.ts";
import { ONE_CELL, openWith } from "../library/open.ts";
import { chooseModels } from "../llm/choose.ts";
import { automaticWorkers, MODEL_CALLS_AT_A_TIME } from "../pool/settings.ts";
import { makeFolder, stateDir } from "../session/state-dir.ts";
import { ripgrepVersion } from "../workspace/ripgrep.ts";
import type { Process } from "./command.ts";
import { layers } from "./doctor-layers.ts";
import type { SettingFinding } from "./doctor-settings.ts";

export interface Finding {
  readonly key: string;
  readonly title: string;
  readonly state: "ok" | "off" | "failed";
  readonly text: string;
  readonly value?: string | number | null;
  /** Without it no cell runs. */
  readonly needed?: boolean;
}

const LEAST_NODE = 24;

export async function inspectMachine(settings: readonly SettingFinding[], process: Process, isTerminal: boolean): Promise<Finding[]> {
  const isolate = await sandbox();
  return [
    node(),
    isolate,
    await ripgrep(),
    pool(settings, "maxWorkers", "workers", "workers", automaticWorkers()),
    pool(settings, "concurrency", "model_limit", "model calls at a time", MODEL_CALLS_AT_A_TIME),
    await model(settings, process, isTerminal),
    state(settings, process),
    ...limits(),
    cgroup(),
    ...layers(settings, isolate.state === "ok"),
    proxies(process),
  ];
}

function node(): Finding {
  const version = process.versions.node;
  const fits = Number(version.split(".")[0]) >= LEAST_NODE;
  const remedy = fits ? "" : `; ${LEAST_NODE} or newer is needed: npx -y -p node@${LEAST_NODE} -p rlm-repl rlm-repl`;
  return {
    key: "node",
    title: "Node",
    state: fits ? "ok" : "failed",
    text: `${version} (V8 ${process.versions.v8})${remedy}`,
    value: version,
    needed: true,
  };
}

/** A real session, and a real cell in it; without any setting, since a wrong one is no reason to say that the isolate does not run. */
async function sandbox(): Promise<Finding> {
  const found = { key: "isolate", title: "isolate", needed: true } as const;
  const started = performance.now();
  try {
    const nowhere = { cwd: "/", env: {} };
    const resolved = resolveSettings({ given: {}, as: "flag", ...nowhere }, []);
    const host = { ...nowhere, stdin: null, isTerminal: false, emit: () => undefined };
    await using session = await openWith(resolved, ONE_CELL, host);
    const result = await session.run("1 + 1");
    const ms = Math.round(performance.now() - started);
    if (result.value !== 2) return { ...found, state: "failed", text: `1 + 1 came to ${result.outcome}` };
    return {
      ...found,
      state: "ok",
      text: `isolated-vm ${isolatedVmVersion()}, a cell ran ${ms} ms after the start`,
      value: isolatedVmVersion(),
    };
  } catch (error) {
    return { ...found, state: "failed", text: messageOf(error) };
  } finally {
    await stopTransform();
  }
}

async function ripgrep(): Promise<Finding> {
  try {
    const version = await ripgrepVersion();
    return { key: "ripgrep", title: "ripgrep", state: "ok", text: version, value: version };
  } catch (error) {
    return { key: "ripgrep", title: "ripgrep", state: "failed", text: `${messageOf(error)}; npm ci installs it`, needed: true };
  }
}

function pool(settings: readonly SettingFinding[], name: SettingName, key: string, title: string, automatic: number): Finding {
  const { found, error } = settings.find(({ row }) => row.name === name) ?? {};
  if (error !== undefined) return { key, title, state: "failed", text: error };
  const value = typeof found?.value === "number" ? found.value : automatic;
  return { key, title, state: "ok", text: `${value} (${found?.source ?? "automatic"})`, value };
}

async function model(settings: readonly SettingFinding[], { env }: Process, stderrIsTerminal: boolean): Promise<Finding> {
  const found = { key: "model", title: "model" } as const;
  const source = (name: SettingName): string | undefined => foundOf(settings, name)?.source;
  try {
    const chosen = await chooseModels({
      model: textOf(settings, "model"),
      modelSource: source("model"),
      subModel: textOf(settings, "subModel"),
      subModelSource: source("subModel"),
      keyFrom: textOf(settings, "keyFrom"),
      localOnly: foundOf(settings, "localOnly")?.value === true ? source("localOnly") : undefined,
      env,
      stderrIsTerminal,
    });
    const sub = chosen.subModel.id === chosen.model.id ? "" : `, sub-calls by ${chosen.subModel.id}`;
    return { ...found, state: "ok", text: `${chosen.model.id}${sub} (${chosen.reason})`, value: chosen.model.id };
  } catch (error) {
    return { ...found, state: "off", text: messageOf(error), value: null };
  }
}

function textOf(settings: readonly SettingFinding[], name: SettingName): string | undefined {
  const value = foundOf(settings, name)?.value;
  return typeof value === "string" ? value : undefined;
}

function foundOf(settings: readonly SettingFinding[], name: SettingName): SettingFinding["found"] {
  return settings.find(({ row }) => row.name === name)?.found;
}

function state(settings: readonly SettingFinding[], { env }: Process): Finding {
  const found = { key: "state_folder", title: "state folder" } as const;
  const ephemeral = foundOf(settings, "ephemeral");
  if (ephemeral?.value === true) return { ...found, state: "off", text: `nothing is kept (${ephemeral.source})`, value: null };
  const folder = stateDir(textOf(settings, "stateDir"), env, process.platform);
  if (folder === undefined)
    return { ...found, state: "off", text: "there is no home folder: sessions are not kept; --state-dir DIR chooses a place", value: null };
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return { ...found, state: "ok", text: folder, value: folder };
  } catch (error) {
    return {
      ...found,
      state: "off",
      text: `${folder} cannot be written (${messageOf(error)}): sessions are not kept; --state-dir DIR chooses another`,
      value: folder,
    };
  }
}

function limits(): Finding[] {
  const text = readText("/proc/self/limits");
  const row = (key: string, title: string, name: string): Finding => {
    const value = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(text ?? "")?.[1];
    return value === undefined
      ? { key, title, state: "off", text: "not told on this system", value: null }
      : { key, title, state: "ok", text: value, value };
  };
  return [
    { key: "cores", title: "cores", state: "ok", text: String(availableParallelism()), value: availableParallelism() },
    {
      key: "memory_mb",
      title: "memory",
      state: "ok",
      text: `${Math.round(totalmem() / 2 ** 20).toLocaleString("en-US")} MB`,
      value: Math.round(totalmem() / 2 ** 20),
    },
    row("process_limit", "process limit", "Max processes"),
    row("descriptor_limit", "descriptor limit", "Max open files"),
  ];
}

function cgroup(): Finding {
  const found = { key: "cgroup", title: "cgroup quota" } as const;
  const cpu = readText("/sys/fs/cgroup/cpu.max") ?? readText("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const memory = readText("/sys/fs/cgroup/memory.max") ?? readText("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  if (cpu === undefined && memory === undefined) return { ...found, state: "off", text: "none, or not on this system", value: null };
  return { ...found, state: "ok", text: `cpu ${cpu ?? "unknown"}, memory ${memory ?? "unknown"}` };
}

/** Names only: their values can hold credentials. */
function proxies({ env }: Process): Finding {
  const set = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"].filter((name) => (env[name] ?? env[name.toLowerCase()] ?? "") !== "");
  return {
    key: "proxies",
    title: "proxies",
    state: set.length === 0 ? "off" : "ok",
    text: set.length === 0 ? "none set" : `${set.join(", ")} set`,
  };
}

function readText(path: string): string | undefined {
  try {
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  } catch {
    return undefined;
  }
}

// Where sessions are kept: `--state-dir`, else the platform's convention.
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Undefined where there is no home folder to keep anything in. */
export function stateDir(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
): string | undefined {
  if (given !== undefined) return resolve(given);
  if (platform === "win32") return env["LOCALAPPDATA"] === undefined ? undefined : join(env["LOCALAPPDATA"], "rlm-repl");
  const home = env["HOME"] === undefined || env["HOME"] === "" ? safeHome() : env["HOME"];
  if (platform === "darwin") return home === undefined ? undefined : join(home, "Library", "Application Support", "rlm-repl");
  if (env["XDG_STATE_HOME"] !== undefined && env["XDG_STATE_HOME"] !== "") return join(env["XDG_STATE_HOME"], "rlm-repl");
  return home === undefined ? undefined : join(home, ".local", "state", "rlm-repl");
}

/**
 * Makes a folder of ours and what is missing above it, for its owner alone. One at a time: Node 24's `recursive` never returns where
 * the system says ENOENT for a folder that cannot be made, as below /proc. Throws what the system says.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (!existsSync(path)) throw error;
  }
}

function safeHome(): string | undefined {
  try {
    const home = homedir();
    return home === "" ? undefined : home;
  } catch {
    return undefined;
  }
}

/** Sorts by time, and is unique: `20261123-231502-4f2a91`. */
export function newSessionId(now: number, random: () => number): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const tail = Math.floor(random() * 0x100_0000)
    .toString(16)
    .padStart(6, "0");
  return `${stamp}-${tail}`;
}

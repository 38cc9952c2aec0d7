// What Tab offers: commands after a dot, files where a command takes one, and else names of the session. Getters never run.
import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ReplSession } from "../../library/session.ts";

export type Completion = readonly [candidates: string[], completed: string];

const PATH = /(?<![\p{ID_Continue}$.)\]}"'`])((?:[\p{ID_Start}$_][\p{ID_Continue}$]*\??\.)*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u;
const TAKES_FILE = /^\s*\.(?:load|save|context)\s+(?:.*\s)?(\S*)$/;

export async function complete(line: string, session: ReplSession, commands: readonly string[], cwd: string): Promise<Completion> {
  const file = TAKES_FILE.exec(line);
  if (file !== null) return files(file[1] ?? "", cwd);
  if (/^\s*\.\w*$/.test(line)) {
    const typed = line.trim().slice(1);
    return [commands.filter((name) => name.startsWith(typed)).map((name) => `.${name}`), `.${typed}`];
  }
  const found = PATH.exec(line);
  if (found === null) return [[], line];
  const [, path = "", typed = ""] = found;
  const parents = path.split(/\??\./).slice(0, -1);
  // Without a letter of a global name everything would be offered.
  if (parents.length === 0 && typed === "") return [(await session.vars()).map(({ name }) => name), ""];
  const names = await session.members(parents);
  const fitting = names.filter((name) => name.startsWith(typed) && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name));
  return [fitting.map((name) => `${path}${name}`), `${path}${typed}`];
}

function files(typed: string, cwd: string): Completion {
  const folder = typed.endsWith("/") ? typed : typed.includes("/") ? `${dirname(typed)}/` : "";
  try {
    const entries = readdirSync(resolve(cwd, folder === "" ? "." : folder), { withFileTypes: true });
    const start = typed.endsWith("/") ? "" : basename(typed);
    const fitting = entries.filter(({ name }) => name.startsWith(start) && (start.startsWith(".") || !name.startsWith(".")));
    return [fitting.map((entry) => `${join(folder, entry.name)}${entry.isDirectory() ? "/" : ""}`), typed];
  } catch {
    return [[], typed];
  }
}

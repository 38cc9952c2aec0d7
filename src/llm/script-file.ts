// Loads a script file: JSON, or a TypeScript module by Node's own type stripping. The module is the user's code and runs in the host.
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { HostError, messageOf } from "../errors.ts";
import { checkScript, type Script } from "./script-format.ts";

const MODULE_TYPES = new Set([".ts", ".mts", ".js", ".mjs"]);

export async function loadScript(file: string): Promise<Script> {
  return checkScript(file, MODULE_TYPES.has(path.extname(file)) ? await loadModule(file, "script file") : await loadJson(file));
}

async function loadJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Its default export. `what`: how messages call the file. Throws E_USAGE. */
export async function loadModule(file: string, what: string): Promise<unknown> {
  let module: unknown;
  try {
    module = await import(pathToFileURL(path.resolve(file)).href);
  } catch (error) {
    throw unreadable(file, error, what);
  }
  if (typeof module === "object" && module !== null && "default" in module) return module.default;
  throw new HostError(
    "E_USAGE",
    `the ${what} ${file} has no default export; export an object${what === "script file" ? " or a function (request) => reply" : ""}`,
  );
}

function unreadable(file: string, error: unknown, what = "script file"): HostError {
  return new HostError("E_USAGE", `cannot load the ${what} ${file}: ${messageOf(error)}`, { cause: error });
}

// What a realm reaches from its global object: every property, symbols and prototypes included, by the shortest path. As text, because it
// runs in a cell, in a scan isolate and in a bare isolate.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** An expression: path → attributes and kind, `->path` where the same object was met before. */
export const WALK = `(() => {
  const met = new Map([[globalThis, "globalThis"]]), open = [[globalThis, "globalThis"]], found = {};
  const kind = (value, path) => {
    if ((typeof value !== "object" || value === null) && typeof value !== "function") return typeof value;
    if (met.has(value)) return "->" + met.get(value);
    met.set(value, path); open.push([value, path]);
    return typeof value;
  };
  for (let next; (next = open.shift()); ) {
    const [object, path] = next;
    found[path + ".__proto__"] = kind(Object.getPrototypeOf(object), path + ".__proto__");
    for (const key of Reflect.ownKeys(object)) {
      const at = path + "." + (typeof key === "symbol" ? "@@" + String(key.description).replace("Symbol.", "") : key);
      const { value, get, set, writable, enumerable, configurable } = Reflect.getOwnPropertyDescriptor(object, key);
      const flags = (writable ? "w" : "") + (enumerable ? "e" : "") + (configurable ? "c" : "");
      found[at] = flags + " " + (get || set ? "get " + kind(get, at + "[get]") + " set " + kind(set, at + "[set]") : kind(value, at));
    }
  }
  return found;
})()`;

export type Realm = Readonly<Record<string, string>>;

/** Own keys of the global object, and nothing below it. */
export function globalsOf(realm: Realm): string[] {
  const { "globalThis.__proto__": _, ...rest } = realm;
  return Object.keys(rest).flatMap((path) => /^globalThis\.([^.[]+)$/.exec(path)?.[1] ?? []);
}

/** The same walk in an isolate with nothing of ours in it. */
export function bareRealm(): Realm {
  const script = `
    const ivm = require("isolated-vm");
    const isolate = new ivm.Isolate();
    const context = isolate.createContextSync();
    console.log(isolate.compileScriptSync(${JSON.stringify(`JSON.stringify(${WALK})`)}).runSync(context));
    isolate.dispose();`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--no-node-snapshot", "-e", script], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Realm;
}

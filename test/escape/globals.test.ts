// The allow list of globals is docs/globals.md: what a cell and a scan function can reach is what a bare isolate has, without what is
// removed, and with what is listed there. Nothing else, by any name, symbol or prototype.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { notebook } from "../e2e/cli.ts";
import { bareRealm, globalsOf, WALK, type Realm } from "./realm.ts";

const DOCUMENT = readFileSync(new URL("../../docs/globals.md", import.meta.url), "utf8");

/** Names of a chapter: of both kinds of isolate, and of cells alone. */
function listed(title: string): { readonly both: string[]; readonly cells: string[] } {
  const chapter = DOCUMENT.split("\n## ").find((text) => text.startsWith(title)) ?? "";
  const [both = "", cells = ""] = chapter.split("In cells alone:");
  const names = (text: string): string[] => [...text.matchAll(/(?<=^|\s)`([\w$]+)`(?=\s|$|:)/g)].map(([, name = ""]) => name);
  return { both: names(both), cells: names(cells.split("\n\n")[0] ?? "") };
}

const language = listed("Of the language").both;
const ours = [listed("Of the web"), listed("Of rlm-repl")];
const added = { scan: ours.flatMap(({ both }) => both), cell: ours.flatMap(({ both, cells }) => [...both, ...cells]) };
const removed = ["WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry"];
/** What stands in a plain isolate's place. */
const replaced = [
  "console",
  "Date",
  "Error.prepareStackTrace",
  "Math.random",
  "Intl.DateTimeFormat.prototype.format",
  "Intl.DateTimeFormat.prototype.formatToParts",
];

const isBelow = (path: string, roots: readonly string[]): boolean =>
  roots.some((root) => new RegExp(`^globalThis\\.${root}(?:[.[]|$)`).test(path));

let realms: Readonly<Record<"bare" | "cell" | "scan", Realm>>;

beforeAll(async () => {
  const [cell, scan] = await notebook([WALK, `(await parallel_scan([() => ${WALK}]))[0].value`]);
  realms = { bare: bareRealm(), cell: cell?.value as Realm, scan: scan?.value as Realm };
});

describe.each(["cell", "scan"] as const)("in a %s", (kind) => {
  it("the global object has the listed names alone", () => {
    const expected = [...language, ...added[kind]];
    expect(globalsOf(realms[kind]).toSorted()).toEqual(expected.toSorted());
    expect(globalsOf(realms.bare).toSorted()).toEqual([...language, ...removed].toSorted());
  });

  it("nothing else is reached than what a bare isolate has, and what is below a listed name", () => {
    const extra = Object.keys(realms[kind]).filter((path) => !(path in realms.bare) && !isBelow(path, [...added[kind], ...replaced]));
    const missing = Object.keys(realms.bare).filter((path) => !(path in realms[kind]) && !isBelow(path, [...removed, ...replaced]));
    const changed = Object.keys(realms.bare).filter(
      (path) => path in realms[kind] && realms[kind][path] !== realms.bare[path] && !isBelow(path, replaced),
    );
    expect({ extra, missing, changed }).toEqual({ extra: [], missing: [], changed: [] });
  });

  it("no function tells its caller or its arguments, and none of what is removed is anywhere", () => {
    const told = Object.keys(realms[kind]).filter(
      (path) => /\.(?:caller|arguments)$/.test(path) && !/^globalThis\.(?:Function|Object\.__proto__)/.test(path),
    );
    const known = Object.keys(realms.bare).filter((path) => /\.(?:caller|arguments)$/.test(path));
    expect(told.filter((path) => !known.includes(path))).toEqual([]);
    expect(Object.keys(realms[kind]).filter((path) => removed.some((name) => path.includes(name)))).toEqual([]);
  });
});

// Hostile cells, one after another in one session, beside another session in the same host. Each asserts what it comes to, and that
// afterwards the host, the other session, this kernel and this session's variables are what they were.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stopTransform } from "../../sandbox/index.ts";
import { openSession, type CellResult, type ReplSession } from "../../src/index.ts";
import { makeFifo } from "../src/workspace/temp-tree.ts";
import { CALLERS, CHAINS, CODE, CROSSING, FILES, IMITATIONS, LEFTOVERS, SEARCHES, STACKS, type Outcome, type Snippet } from "./snippets.ts";

const SECRET = "s3cret-of-the-host";
/** What no guest may see, and no outcome may hold. */
const OURS = new RegExp(`${SECRET}|SECRET=|rlm:prelude|node_modules|isolated-vm|kernel\\.cjs|${process.cwd()}|root:x:0`);
const prototypes = [Object.prototype, Array.prototype, Function.prototype, Promise.prototype, Error];
const ownKeys = (): unknown[] => prototypes.map((prototype) => Reflect.ownKeys(prototype));
const before = ownKeys();

let root = "";
let session: ReplSession;
let other: ReplSession;

beforeAll(async () => {
  process.env["RLM_ESCAPE_SECRET"] = SECRET;
  root = realpathSync(mkdtempSync(join(tmpdir(), "rlm-escape-")));
  const tree = join(root, "tree");
  for (const folder of ["tree", "tree/keys", "elsewhere"]) mkdirSync(join(root, folder));
  for (const [name, text] of [
    ["tree/a.txt", "one\ntwo\n"],
    ["tree/.env", `SECRET=${SECRET}`],
    ["tree/keys/id_rsa", SECRET],
    ["secret.txt", SECRET],
    ["elsewhere/passwd", SECRET],
  ] as const)
    writeFileSync(join(root, name), text);
  symlinkSync(join(root, "secret.txt"), join(tree, "out"));
  symlinkSync(join(root, "elsewhere"), join(tree, "out-folder"));
  makeFifo(join(tree, "pipe"));
  const common = { cwd: tree, ephemeral: true, cellTimeout: 20, maxDepth: 0, model: () => Promise.resolve("reply") } as const;
  session = await openSession({ ...common, context: "." });
  other = await openSession(common);
  await session.run("const kept = 41");
  await other.run("const kept = 'theirs'");
});

afterAll(async () => {
  await session.close();
  await other.close();
  await stopTransform();
  rmSync(root, { recursive: true, force: true });
});

/** `cell N` is the running cell, whatever its number. */
function came(result: CellResult, outcome: Outcome): void {
  const told = { outcome: result.outcome, error: result.error?.message, value: result.value };
  if ("rejected" in outcome) expect(told).toMatchObject({ outcome: "rejected", error: expect.stringMatching(outcome.rejected) });
  else if ("throws" in outcome) expect(told).toMatchObject({ outcome: "threw", error: expect.stringMatching(outcome.throws) });
  else if ("like" in outcome) {
    expect(told).toMatchObject({ outcome: "ok" });
    expect(String(result.value)).toMatch(outcome.like);
  } else {
    const value = typeof result.value === "string" ? result.value.replaceAll(`cell ${result.cell}:`, "cell N:") : result.value;
    expect({ ...told, value }).toEqual({ outcome: "ok", error: undefined, value: outcome.value });
  }
}

async function holds(): Promise<void> {
  expect(await session.run("[kept + 1, await llm_query('still'), (await rg_search('two')).length]")).toMatchObject({
    outcome: "ok",
    value: [42, "reply", 1],
  });
  expect(await other.run("kept")).toMatchObject({ outcome: "ok", value: "theirs" });
  expect(ownKeys()).toEqual(before);
}

async function attempt([cell, outcome]: Snippet): Promise<void> {
  const result = await session.run(cell);
  came(result, outcome);
  expect(JSON.stringify(result)).not.toMatch(OURS);
  expect(result).not.toHaveProperty("state");
  await holds();
}

const cases = (snippets: readonly Snippet[]): [string, Snippet][] => snippets.map((snippet) => [snippet[0].slice(0, 150), snippet]);

describe("chains of constructors lead to the guest's realm alone", () => it.each(cases(CHAINS))("%s", (_, snippet) => attempt(snippet)));
describe("callers and arguments are nobody's", () => it.each(cases(CALLERS))("%s", (_, snippet) => attempt(snippet)));
describe("stacks show cells alone", () => it.each(cases(STACKS))("%s", (_, snippet) => attempt(snippet)));
describe("code from elsewhere, and machinery", () => it.each(cases(CODE))("%s", (_, snippet) => attempt(snippet)));
describe("what crosses changes no object of the host", () => it.each(cases(CROSSING))("%s", (_, snippet) => attempt(snippet)));
describe("imitations of the protocol are text", () => it.each(cases(IMITATIONS))("%s", (_, snippet) => attempt(snippet)));
describe("a cell's leftovers are its own", () => it.each(cases(LEFTOVERS))("%s", (_, snippet) => attempt(snippet)));
describe("searches run no program and stay inside", () => it.each(cases(SEARCHES))("%s", (_, snippet) => attempt(snippet)));
describe("files stay inside, by every door", () => it.each(cases(FILES))("%s", (_, snippet) => attempt(snippet)));

// Who decides an option, and what is said of a value that does not fit.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveSettings, type ResolveOptions } from "../../../src/config/resolve.ts";
import { flagOf, keyOf, TABLE, variableOf } from "../../../src/config/table.ts";
import { HostError } from "../../../src/errors.ts";
import { folder } from "../../e2e/cli.ts";

const NOWHERE = { given: {}, as: "flag", env: {}, cwd: "/" } as const;

function resolve(options: Partial<ResolveOptions>) {
  return resolveSettings({ ...NOWHERE, ...options, env: { XDG_CONFIG_HOME: "/nonexistent", ...options.env } });
}

function refusal(options: Partial<ResolveOptions>): string {
  try {
    resolve(options);
  } catch (error) {
    if (error instanceof HostError && error.code === "E_USAGE") return error.message;
    throw error;
  }
  return "nothing was wrong";
}

/** A file nearby and one of the user's own. */
function files(near: object, own: object) {
  const place = folder({ "project/rlm.config.json": JSON.stringify(near), "user/rlm-repl/rlm.config.json": JSON.stringify(own) });
  mkdirSync(join(place.path, "project/deep/er"), { recursive: true });
  return {
    path: place.path,
    cwd: join(place.path, "project/deep/er"),
    env: { XDG_CONFIG_HOME: join(place.path, "user") },
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
}

describe("an option", () => {
  it("has one spelling for each place", () => {
    const row = { name: "maxCost" } as const;
    expect([flagOf(row), variableOf(row), keyOf(row)]).toEqual(["--max-cost", "RLM_MAX_COST", "max_cost"]);
    const known = TABLE.map(variableOf);
    expect(known).toContain("RLM_MAX_WORKERS");
    expect(known).toContain("RLM_SEMAPHORE_LIMIT");
    expect(new Set(known).size).toBe(TABLE.length);
  });

  it("is decided by the call, the variable, the nearer file, the user's file, in this order", () => {
    using place = files({ max_calls: 3, memory: 64 }, { max_calls: 4, memory: 128, tz: "Europe/Berlin" });
    const { cwd, env } = place;
    const all = resolve({ given: { maxCalls: "1" }, cwd, env: { ...env, RLM_MAX_CALLS: "2", RLM_SEMAPHORE_LIMIT: "7" } });
    expect(all.values).toEqual({ maxCalls: 1, concurrency: 7, memory: 64, tz: "Europe/Berlin" });
    expect(all.sources).toMatchObject({
      maxCalls: "--max-calls",
      concurrency: "RLM_SEMAPHORE_LIMIT",
      memory: join(place.path, "project/rlm.config.json"),
      tz: join(place.path, "user/rlm-repl/rlm.config.json"),
    });
    expect(resolve({ cwd, env: { ...env, RLM_MAX_CALLS: "2" } }).values.maxCalls).toBe(2);
    expect(resolve({ cwd, env: { ...env, RLM_MAX_CALLS: "" } }).values.maxCalls).toBe(3);
    expect(resolve({ cwd: "/", env }).values.maxCalls).toBe(4);
    expect(resolve({}).values).toEqual({});
  });

  it("takes lists, switches and paths where they are written", () => {
    using place = files({ workspace: ["src", "/abs"], context: "a.log", key_from: "file:key", no_ignore: true, json: "yes" }, {});
    const base = join(place.path, "project");
    expect(resolve({ cwd: place.cwd, env: place.env }).values).toEqual({
      workspace: [join(base, "src"), "/abs"],
      context: [join(base, "a.log")],
      keyFrom: `file:${join(base, "key")}`,
      noIgnore: true,
      json: true,
    });
    expect(resolve({ env: { RLM_CONTEXT: "a:b", RLM_QUIET: "0", RLM_VERBOSE: "TRUE" } }).values).toEqual({
      context: ["a", "b"],
      quiet: false,
      verbose: true,
    });
    expect(resolve({ as: "argument", given: { workspace: ["a:b"], maxCost: 0.25, ephemeral: true } }).values).toEqual({
      workspace: ["a:b"],
      maxCost: 0.25,
      ephemeral: true,
    });
  });
});

describe("a value that does not fit", () => {
  it.each<[Partial<ResolveOptions>, string]>([
    [{ given: { maxCalls: "0" } }, '--max-calls "0" is not a whole number from 1 to 1000000000'],
    [{ as: "argument", given: { maxCalls: 1.5 } }, "maxCalls 1.5 is not a whole number"],
    [{ as: "argument", given: { model: "" } }, 'model "" is not a name'],
    [{ env: { RLM_SEMAPHORE_LIMIT: "1.5" } }, "RLM_SEMAPHORE_LIMIT=1.5 is not a whole number ≥ 1; unset it for automatic (10 here)"],
    [{ env: { RLM_MAX_WORKERS: "lots" } }, "RLM_MAX_WORKERS=lots is not a whole number ≥ 1; unset it for automatic ("],
    [{ env: { RLM_CELL_TIMEOUT: "soon" } }, "RLM_CELL_TIMEOUT=soon is not a number of seconds"],
    [{ env: { RLM_MAX_COST: "-1" } }, "RLM_MAX_COST=-1 is not an amount in USD"],
    [{ env: { RLM_TZ: "Nowhere/Land" } }, "RLM_TZ=Nowhere/Land is not a time zone"],
    [{ env: { RLM_LOCALE: "!" } }, "RLM_LOCALE=! is not a locale"],
    [{ env: { RLM_JSON: "maybe" } }, "RLM_JSON=maybe is not true or false"],
    [{ env: { RLM_KEY_FROM: "somewhere" } }, "RLM_KEY_FROM=somewhere is not env:NAME or file:PATH"],
  ])("%j", (options, message) => {
    expect(refusal(options)).toContain(message);
  });

  it.each<[string, string]>([
    ['{"max_cots": 1}', 'has the unknown key "max_cots"; did you mean "max_cost"?'],
    ['{"maxCost": 1}', 'has the unknown key "maxCost"; did you mean "max_cost"?'],
    ['{"something": 1}', 'has the unknown key "something"; there are context, workspace'],
    ["[1]", "is not a JSON object of options"],
    ["{", "cannot be read as JSON"],
    ['{"memory": "much"}', 'memory "much" is not a whole number from 16 to 65536'],
    ['{"context": [1]}', "context [1] is not a path, or a list of them"],
  ])("in a file: %s", (text, message) => {
    using place = folder({ "rlm.config.json": text });
    const said = refusal({ cwd: place.path });
    expect(said).toContain(message);
    expect(said).toContain(join(place.path, "rlm.config.json"));
  });
});

// A cell may take or break any built-in. Names of built-ins never matter to the prelude; what a cell does to their methods fails at most
// the call, as an error of the cell: nothing hangs, the sandbox stays, and so do the variables.
import { describe, expect, it } from "vitest";
import { folder, notebook, type JsonOutcome } from "./cli.ts";

const FILES = {
  "d/a.txt": "one error\ntwo\n",
  "s.json": JSON.stringify({
    rules: [
      { match: "json", reply: '{"a":1}' },
      { match: "fails", error: { code: "E_LLM_REFUSED" } },
    ],
    default: "reply",
  }),
};
const SCHEMA = "{ type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }";

/** Of each function a call and what it gives. */
const CALLS: readonly (readonly [call: string, value: unknown])[] = [
  ["await llm_query('a', { max_tokens: 9 })", "reply"],
  ["await llm_query('fails').catch((e) => [e.code, typeof e.stack])", ["E_LLM_REFUSED", "string"]],
  [`await llm_query('json', { schema: ${SCHEMA} })`, { a: 1 }],
  ["await llm_batch_query(['a', 'fails'])", ["reply", null]],
  [`await llm_query_batched(['json'], { schema: ${SCHEMA} })`, [{ a: 1 }]],
  ["await rlm_query('a', { context: { b: [1] } })", "reply"],
  ["await rlm_batch_query(['a'])", ["reply"]],
  ["(await parallel_scan([(c, n) => n * kept], { over: [3] }))[0].value", 3],
  ["(await parallel_rg_search(['error', 'two']))[1].line", 2],
  ["(await rg_search('error'))[0].match", "error"],
  ["await rg_files('two')", ["a.txt"]],
  ["await rg_count('error')", { "a.txt": 1 }],
  ["await read_file('a.txt', { start_line: 2, end_line: 2 })", "two"],
  ["await list_files('*.txt')", [{ path: "a.txt", size: 14 }]],
  ["await context.read('a.txt')", FILES["d/a.txt"]],
  ["(await context.chunks().next()).value.text", FILES["d/a.txt"]],
  ["(await context.lines().next()).value.line", 1],
  ["get_optimal_workers(1, 1)", 1],
  ["SHOW_VARS().length > 0", true],
  ["budget().calls", null],
  ["help('print').length > 20", true],
  ["print('said', 1); progress(1, 2, 'x'); console.table([{ a: 1 }]); 1", 1],
  ["await new Promise2((r) => setTimeout(r, 1, 7))", 7],
  ["({ a: [1, 'two', { c: 3 }] })", { a: [1, "two", { c: 3 }] }],
];

async function afterwards(sabotage: string): Promise<readonly JsonOutcome[]> {
  using files = folder(FILES);
  const cells = [
    "const kept = 1",
    "Object.defineProperty(globalThis, 'Promise2', { value: Promise })",
    `${sabotage}; 0`,
    ...CALLS.map(([call]) => call),
  ];
  const ends = ["throw { mine: 1 }", "FINAL_VAR('kep')", "kept", "FINAL(kept + 1)"];
  return (await notebook([...cells, ...ends], ["-c", "d", "-m", "script:s.json", "--max-depth", "0"], { cwd: files.path })).slice(3);
}

describe("built-ins whose names a cell has taken", () => {
  it.each([
    "const Map = 5, Set = 5, Promise = 5, Object = 5, Array = 5, String = 5, Number = 5, JSON = 5, Math = 5, Reflect = 5, RegExp = 5, Symbol = 5, Error = 5, TypeError = 5, Proxy = 5, WeakMap = 5, Uint8Array = 5, encodeURI = 5",
    "for (const name of ['Map', 'Set', 'Promise', 'Object', 'Array', 'JSON', 'Reflect', 'RegExp', 'Error', 'Intl', 'Function']) delete globalThis[name]",
  ])("%s: every call works", async (sabotage) => {
    const outcomes = await afterwards(sabotage);
    expect(outcomes.map(({ value, error }, i) => [CALLS[i]?.[0], error ?? value]).slice(0, CALLS.length)).toEqual(CALLS);
    const [thrown, near, kept, final] = outcomes.slice(CALLS.length);
    expect(thrown).toMatchObject({ outcome: "threw", error: { name: "Thrown", message: "{ mine: 1 }" } });
    expect(near?.error?.message).toMatch(/did you mean .*kept\?/);
    expect([kept?.value, final?.outcome, final?.value]).toEqual([1, "final", 2]);
  });
});

const THROW = "() => { throw new Error('broken') }";

/** Every method of a prototype, or the static ones of a class, replaced. */
function broken(object: string, by: string): string {
  return `for (const k of Reflect.ownKeys(${object})) { const d = Reflect.getOwnPropertyDescriptor(${object}, k); if (k !== 'constructor' && typeof d.value === 'function' && d.configurable) Reflect.defineProperty(${object}, k, { ...d, value: ${by} }) }`;
}

describe("built-ins whose methods a cell has broken", () => {
  it.each([
    ["JSON", broken("JSON", THROW)],
    ["JSON, lying", "JSON.stringify = () => '[\"done\",{}]'; JSON.parse = () => ({ forged: true })"],
    ["Promise", `${broken("Promise", THROW)}; Promise.prototype.then = ${THROW}`],
    ["Map.prototype and Set.prototype", `${broken("Map.prototype", THROW)}; ${broken("Set.prototype", THROW)}`],
    ["Array.prototype", broken("Array.prototype", THROW)],
    ["Array.prototype, lying", broken("Array.prototype", "() => 'evil'")],
    ["iterators of arrays", "Array.prototype[Symbol.iterator] = function* () { yield 'evil' }"],
    [
      "index setters",
      "for (const i of [0, 1, 2]) Object.defineProperty(Array.prototype, i, { set() { throw new Error('set') }, get: () => 'evil', configurable: true })",
    ],
    ["String.prototype", broken("String.prototype", THROW)],
    ["String.prototype, lying", broken("String.prototype", "() => 'evil'")],
    ["RegExp.prototype", broken("RegExp.prototype", THROW)],
    ["RegExp.prototype, lying", "RegExp.prototype.exec = () => ['evil', 'evil']; RegExp.prototype[Symbol.replace] = () => 'evil'"],
    ["Object", broken("Object", THROW)],
    [
      "Reflect, Math and Number",
      `const R = { ...Reflect }; ${["Math", "Number", "Array"].map((name) => broken(name, THROW)).join("; ")}; for (const k of Object.getOwnPropertyNames(Reflect)) Reflect[k] = ${THROW}`,
    ],
    ["Function.prototype", `for (const k of ['call', 'apply', 'bind', 'toString']) Function.prototype[k] = ${THROW}`],
    [
      "Error",
      `Object.defineProperty(Error, Symbol.hasInstance, { value: ${THROW} }); Error.captureStackTrace = ${THROW}; Error.prototype.toString = ${THROW}; Error.stackTraceLimit = 0`,
    ],
    ["Object.prototype, with a then", "Object.prototype.then = function (resolve) { resolve('hijacked') }"],
    ["Object.prototype, with a then that throws", `Object.defineProperty(Object.prototype, 'then', { get: ${THROW}, configurable: true })`],
    [
      "Object.prototype, with parts of a descriptor",
      "Object.defineProperty(Object.prototype, 'get', { get: () => () => 'evil', set() {}, configurable: true }); Object.defineProperty(Object.prototype, 'value', { get: () => 'evil', set() {}, configurable: true })",
    ],
    [
      "Object.prototype, with options",
      "Object.assign(Object.prototype, { schema: { type: 'number' }, on_error: 'throw', model: 'x', over: [9], max_workers: 'many', outcome: 'evil' })",
    ],
    ["toJSON", "for (const c of [Object, Array, String, Number, Boolean]) c.prototype.toJSON = () => 'evil'"],
  ])("%s: a call works or throws in the cell", async (_, sabotage) => {
    const outcomes = await afterwards(sabotage);
    expect(outcomes).toHaveLength(CALLS.length + 4);
    for (const [i, outcome] of outcomes.entries()) {
      expect([CALLS[i]?.[0], outcome.outcome]).toEqual([CALLS[i]?.[0], expect.stringMatching(/^(?:ok|threw|final)$/)]);
      expect(outcome.error?.code).not.toBe("E_NEVER_SETTLES");
      expect(outcome).not.toHaveProperty("state");
    }
    // What needs no library works, whatever is broken, unless the cell made its arguments or its answer something else.
    if (!sabotage.includes("toJSON")) expect(outcomes[0]).toMatchObject({ outcome: "ok", value: "reply" });
    expect(outcomes.at(-2)).toMatchObject({ outcome: "ok", preview: "1" });
    expect(outcomes.at(-1)?.outcome).toBe(sabotage.includes("toJSON") ? "threw" : "final");
  });
});

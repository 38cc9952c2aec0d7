// What a cell can call, through `run --json`: every call shape, the exact fields of results, and the examples of help().
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../../prelude/api/examples.ts";
import { cli, evaluated, folder, notebook } from "./cli.ts";

const FILES = {
  "docs/a.txt": "one error\ntwo\r\nthree Error error\n",
  "docs/b.md": "no match\n",
  "s.json": JSON.stringify({ default: "reply" }),
};
const ARGS = ["-c", "docs", "-m", "script:s.json", "--max-depth", "0"];

const ERROR_LINES = [
  { file: "a.txt", line: 1, column: 5, text: "one error", match: "error", pattern: 0 },
  { file: "a.txt", line: 3, column: 13, text: "three Error error", match: "error", pattern: 0 },
];

/** Calls in every shape of the contract, and what they give. */
const RIGHT: readonly (readonly [call: string, value: unknown])[] = [
  ...["", ", null", ", {}", ", { system: null, temperature: null, max_tokens: null, schema: null, model: null }", ", 'script:s.json'"].map(
    (rest) => [`llm_query('a'${rest})`, "reply"] as const,
  ),
  ["llm_batch_query(['a', 'b'], { limit: null, on_error: null })", ["reply", "reply"]],
  ["llm_batch_query([])", []],
  ["llm_query_batched(['a'], { on_error: 'throw', limit: 3 })", ["reply"]],
  ["rlm_batch_query(['a'], { budget: 0.5, max_iterations: 3, on_error: 'throw' })", ["reply"]],
  ["rlm_query_batched([])", []],
  ["llm_query('a', { model: 'other' }).catch((e) => e.code)", "E_MODEL_NOT_ALLOWED"],
  ...["null, 1", "null, null", "null, { max_workers: null }", "'a.txt'", "['a.txt', '.']", "'*.txt', { max_workers: 2 }"].map(
    (rest) => [`parallel_rg_search(['error'], ${rest})`, ERROR_LINES] as const,
  ),
  [
    "parallel_rg_search(['error']).then((m) => [m.truncated, Object.keys(m).length, JSON.stringify(m).includes('truncated')])",
    [0, 2, false],
  ],
  ["rg_search('error', undefined, { max_matches: 1 }).then((m) => [m.length, m.truncated])", [1, 1]],
  [
    "rg_search('two', null, { context_lines: 1 })",
    [
      {
        file: "a.txt",
        line: 2,
        column: 1,
        text: "two",
        match: "two",
        pattern: 0,
        before: ["one error"],
        after: ["three Error error"],
      },
    ],
  ],
  ["parallel_rg_search(['two', 'one']).then((m) => m.map((x) => x.pattern))", [1, 0]],
  ["rg_files('error', ['b.md', 'a.txt'])", ["a.txt"]],
  ["rg_count('error', '.', { ignore_case: true })", { "a.txt": 3 }],
  ["read_file('a.txt')", FILES["docs/a.txt"]],
  ["read_file('a.txt', null)", FILES["docs/a.txt"]],
  ["read_file('a.txt', { start_line: 2 })", "two\r\nthree Error error\n"],
  ["read_file('a.txt', { start_line: 1, end_line: 2 })", "one error\ntwo"],
  ["read_file('a.txt', { start_line: 9 })", ""],
  ["context.read('a.txt', { start_line: 2, end_line: 2 })", "two"],
  [
    "list_files()",
    [
      { path: "a.txt", size: 33 },
      { path: "b.md", size: 9 },
    ],
  ],
  ["list_files('*.md')", [{ path: "b.md", size: 9 }]],
  ["list_files('*.none')", []],
  [
    "context.files",
    [
      { path: "a.txt", size: 33 },
      { path: "b.md", size: 9 },
    ],
  ],
  ["[context.size, contexts.docs === context]", [42, true]],
  [
    "Array.fromAsync(context.chunks({ max_chars: 12, files: ['a.txt'] }))",
    [
      { path: "a.txt", start_line: 1, text: "one error\n" },
      { path: "a.txt", start_line: 2, text: "two\r\n" },
      { path: "a.txt", start_line: 3, text: "three Error " },
      { path: "a.txt", start_line: 3, text: "error\n" },
    ],
  ],
  [
    "Array.fromAsync(context.lines({ files: [context.files[0]] }))",
    [
      { path: "a.txt", line: 1, text: "one error" },
      { path: "a.txt", line: 2, text: "two" },
      { path: "a.txt", line: 3, text: "three Error error" },
    ],
  ],
  ["read_file('../x').catch((e) => [e.code, e instanceof Error])", ["E_OUTSIDE_WORKSPACE", true]],
  ["read_file('a.text').catch((e) => [e.code, e.message.includes('a.txt')])", ["E_NOT_FOUND", true]],
  ["list_files('[').catch((e) => e.code)", "E_BAD_PATTERN"],
  // Failed results are JSON too: `value` is there only when ok.
  [
    "parallel_scan([() => 7, () => { throw new RangeError('no') }, () => () => 1]).then((all) => all.map(({ ms, ...rest }) => [typeof ms, rest]))",
    [
      ["number", { name: "function 1", ok: true, value: 7 }],
      ["number", { name: "function 2", ok: false, error: { code: "E_SCAN_THREW", message: "RangeError: no" } }],
      ["number", { name: "function 3", ok: false, error: { code: "E_SCAN_RESULT", message: expect.stringContaining("cannot be copied") } }],
    ],
  ],
  ["parallel_scan(null, [(c) => c.files.length], 1).then(([r]) => r.value)", 2],
  ["parallel_scan({}, [() => 1], { over: null, max_workers: null }).then(([r]) => r.value)", 1],
  ["parallel_scan([() => 1], { over: [] })", []],
  ['parse_csv("a,b\\n1,\\"x, \\"\\"y\\"\\"\\nz\\"\\n")', [{ a: "1", b: 'x, "y"\nz' }]],
  [
    'parse_csv("\\uFEFFa;b;a;\\r\\n1;2;3\\r\\n\\r\\n1;2;3;4;5")',
    [
      { a: "1", b: "2", a_2: "3", column_4: "" },
      { a: "1", b: "2", a_2: "3", column_4: "4", _rest: ["5"] },
    ],
  ],
  [
    'parse_csv("a\\tb\\n1\\t2", { header: false })',
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  ["parse_csv('a:b\\n1:2', { delimiter: ':' })", [{ a: "1", b: "2" }]],
  ["parse_csv('')", []],
  ["parse_csv('__proto__,b\\n1,2')", [{ column_1: "1", b: "2" }]],
  ["parallel_scan([(c, text) => parse_csv(text)], { over: ['a,b\\n1,2'] }).then(([r]) => r.value)", [{ a: "1", b: "2" }]],
  ["Promise.resolve().then(() => parse_csv(7)).catch((e) => e.code)", "E_BAD_ARGUMENT"],
  ["Promise.resolve().then(() => parse_csv('a', { delimiter: 'ab' })).catch((e) => e.code)", "E_BAD_ARGUMENT"],
];

it("takes every call shape, and gives exactly the fields of the contract", async () => {
  using files = folder(FILES);
  const outcomes = await evaluated(
    RIGHT.map(([call]) => call),
    ARGS,
    { cwd: files.path },
  );
  expect(outcomes.map(({ value, error }, i) => [RIGHT[i]?.[0], value ?? error])).toEqual(RIGHT);
});

describe("the prelude's own functions", () => {
  it("tell variables, help and the budget", async () => {
    const outcomes = await notebook(
      [
        "const s = 'abc', map = new Map([[1, 2]]), list = [1, 2], nothing = null, o = { get g() { throw 1 } }, bytes = new Uint8Array(5), f = () => 1; let later; class K {}",
        "SHOW_VARS().map((v) => [v.name, v.type, v.size, v.preview])",
        "help()",
        "[help('rg_count'), help(rg_count) === help('rg_count'), help('llm_qery'), help(budget).includes('budget().calls')]",
        "budget()",
        "[get_optimal_workers(), get_optimal_workers(1), get_optimal_workers(null, 1000), get_optimal_workers(1, 1)]",
        "[llm_query, parallel_scan, FINAL, budget, help, progress, print].map((g) => g.name)",
      ],
      ["--max-calls", "7", "--max-cost", "2", "-m", "offline"],
    );
    const [, vars, list, texts, left, workers, names] = outcomes.map(({ value }) => value);
    expect(vars).toEqual([
      ["s", "string", 3, "'abc'"],
      ["map", "Map", 1, "Map(1) { 1 => 2 }"],
      ["list", "array", 2, "[ 1, 2 ]"],
      ["nothing", "null", 0, "null"],
      ["o", "object", 1, "{ g: [Getter] }"],
      ["bytes", "Uint8Array", 5, "Uint8Array(5) [ 0, 0, 0, 0, 0 ]"],
      ["f", "function", 0, "[Function: f]"],
      ["later", "undefined", 0, "undefined"],
      ["K", "function", 0, "[class K]"],
    ]);
    for (const name of Object.keys(EXAMPLES)) expect(list).toMatch(new RegExp(`\\b${name}\\b`));
    expect(texts).toEqual([
      "function rg_count(pattern: string, paths?: string | readonly string[] | null, options?: RgOptions): Promise<Record<string, number>>;\nExample:\nawait rg_count('error')",
      true,
      expect.stringMatching(/^There is no llm_qery in the prelude\. There are: .*llm_query /),
      true,
    ]);
    expect(left).toEqual({ usd: 2, tokens: null, calls: 7, seconds: null, depth: 1, iterations: null });
    const [usual, least, many, one] = workers as number[];
    expect([least, many, one]).toEqual([4, 1000, 1]);
    expect(usual).toBeGreaterThanOrEqual(4);
    expect(usual).toBeLessThanOrEqual(16);
    expect(names).toEqual(["llm_query", "parallel_scan", "FINAL", "budget", "help", "progress", "print"]);
  });

  it("print what they are given, as console.log does", async () => {
    const [said] = await notebook([
      "print('a', null, undefined, 1n, { b: ['c'] }, '%s'); print(); print('%s of %d', 'x', 3); console.log([1]); console.group('g'); print('in\\nside')",
    ]);
    expect(said?.output).toBe("a null undefined 1n { b: [ 'c' ] } %s\n\nx of 3\n[ 1 ]\ng\n  in\n  side\n");
  });

  it("show progress on stderr, whatever its arguments", async () => {
    const { stdout, stderr, code } = await cli(["-e", "progress(3, 10, 'files read'); progress(); progress('x', NaN, null); 'on'"]);
    expect([code, stdout]).toEqual([0, "on\n"]);
    expect(stderr).not.toMatch(/Error/);
  });
});

it("runs the example of every function", async () => {
  const names = Object.keys(EXAMPLES);
  const ends = new Set(["FINAL", "FINAL_VAR", "answer"]);
  const going = names.filter((name) => !ends.has(name));
  using files = folder({ ...FILES, "docs/c.md": "an error\n" });
  const outcomes = await notebook(
    going.map((name) => EXAMPLES[name] ?? ""),
    ARGS,
    { cwd: files.path },
  );
  expect(outcomes.map(({ outcome, error }, i) => [going[i], outcome, error])).toEqual(going.map((name) => [name, "ok", undefined]));
  const finals = await Promise.all([...ends].map((name) => notebook([EXAMPLES[name] ?? ""])));
  expect(finals.map(([first]) => [first?.outcome, first?.value])).toEqual([
    ["final", { answer: 42, evidence: ["a.log:7: …"] }],
    ["final", { total: 3 }],
    ["final", 42],
  ]);
});

// Arguments that do not fit, of every function a cell can call: one error that names the value and says what would.
import { expect, it } from "vitest";
import { evaluated, folder } from "./cli.ts";

/** What a call with a wrong argument says; it always ends with E_BAD_ARGUMENT as its code. */
const WRONG: readonly (readonly [call: string, said: string])[] = [
  ["llm_query()", "llm_query takes a prompt as a string, not undefined"],
  ["llm_query(['a'])", "llm_query takes a prompt as a string, not an array"],
  ["llm_query('a', 5)", "llm_query takes its options as an object, not a number"],
  ["llm_query('a', { max_token: 5 })", 'no option "max_token"; there are model, system, temperature, max_tokens, schema'],
  ["llm_query('a', { context: 'x' })", 'no option "context"'],
  ["llm_query('a', { model: 5 })", "model is 5"],
  ["llm_query('a', { system: {} })", "system is {}"],
  ["llm_query('a', { temperature: 'hot' })", 'temperature is "hot", not a number from 0 to 2'],
  ["llm_query('a', { temperature: 2.1 })", "temperature is 2.1"],
  ["llm_query('a', { max_tokens: 1.5 })", "max_tokens is 1.5, not a whole number from 1"],
  ["llm_query('a', { max_tokens: NaN })", "llm_query: argument.max_tokens is NaN, which JSON cannot keep"],
  ["llm_query('a', { system: () => 1 })", "argument.system is a function"],
  ["llm_query('a', { schema: 'number' })", 'schema takes a JSON Schema as an object, not "number"'],
  ["llm_batch_query('a')", "llm_batch_query takes a list of prompts, not a string; for one prompt use llm_query"],
  ["llm_batch_query(new Set(['a']))", "not an object"],
  ["llm_batch_query(['a', , 'b'])", "prompts[1] is undefined, not a string"],
  ["llm_batch_query(['a'], { limit: 0 })", "limit is 0, not a whole number from 1"],
  ["llm_batch_query(['a'], { on_error: 'ignore' })", 'on_error is "ignore", not "null" or "throw"'],
  ["llm_batch_query([], { on_error: 1 })", "on_error is 1"],
  ["rlm_query(5)", "rlm_query takes a prompt as a string, not a number"],
  ["rlm_query('a', { budget: 2 })", "rlm_query: budget is 2, not a number from 0 to 1"],
  ["rlm_query('a', { max_iterations: 0 })", "max_iterations is 0"],
  ["rlm_query('a', { context: { when: new Date(0) } })", "argument.context.when is a Date"],
  ["rlm_query('a', { limit: 1 })", 'no option "limit"'],
  ["rlm_batch_query('a')", "for one prompt use rlm_query"],
  ["rlm_batch_query(['a'], { budget: 'half' })", 'rlm_batch_query: budget is "half"'],
  ["parallel_scan()", "parallel_scan takes a list of functions, not undefined"],
  ["parallel_scan({}, () => 1)", "not an object"],
  ["parallel_scan([() => 1], 0)", "max_workers is 0, not a whole number ≥ 1"],
  ["parallel_scan([() => 1], 'two')", "options as an object, not a string"],
  ["parallel_scan([() => 1], { max_workers: '2' })", 'max_workers is "2"'],
  ["parallel_scan([() => 1], { max_workers: 5000 })", "max_workers is 5000, not a whole number from 1 to 1024"],
  ["parallel_scan([() => 1], { over: 5 })", "over takes a list of items, not a number"],
  ["parallel_scan([() => 1], { items: [1] })", 'no option "items"; there are max_workers, over'],
  ["parallel_rg_search()", "parallel_rg_search takes a list of patterns"],
  ["parallel_rg_search([/x/])", "patterns[0] is an object"],
  ["parallel_rg_search(/x/)", "a RegExp (use its .source)"],
  ["parallel_rg_search(['a'], 5)", "paths must be a string"],
  ["parallel_rg_search(['a'], { ignore_case: true })", "options come third: parallel_rg_search(…, null, { … })"],
  ["parallel_rg_search(['a'], null, 0)", "max_workers 0"],
  ["parallel_rg_search(['a'], null, { ignorecase: true })", 'no option "ignorecase"'],
  ["rg_search(['a', 'b'])", "rg_search takes one pattern; for several use parallel_rg_search"],
  ["rg_files('a', null, { word: 'yes' })", "word must be true or false"],
  ["rg_count(5)", "rg_count takes one pattern"],
  ["read_file()", "read_file takes a path as a string, not undefined"],
  ["read_file('a.txt', 3)", "not a number"],
  ["read_file('a.txt', { start_line: 0 })", "start_line 0 is not a whole number ≥ 1"],
  ["read_file('a.txt', { start_line: 3, end_line: 2 })", "end_line 2 is before start_line 3"],
  ["read_file('a.txt', { from: 1 })", 'range has no "from"'],
  ["context.read(null)", "context.read takes a path as a string, not null"],
  ["context.chunks({ max_chars: 1 }).next()", "max_chars is 1"],
  ["context.chunks({ size: 9 }).next()", 'no option "size"; there are max_chars, files'],
  ["context.chunks({ files: 'a.txt' }).next()", "files takes a list of paths, not a string"],
  ["context.lines({ files: ['zz'] }).next()", "no such file in this corpus: zz"],
  ["list_files(5)", "list_files takes a glob as a string, or nothing, not a number"],
  ["get_optimal_workers('many')", 'max_limit is "many", not a whole number ≥ 1'],
  ["get_optimal_workers(8, 0)", "min_limit is 0"],
  ["FINAL_VAR(answer)", "FINAL_VAR takes the name of a variable as a string"],
  ["setTimeout('code')", "setTimeout takes a function"],
];

it("names a wrong argument with its code and its place", async () => {
  using files = folder({ "docs/a.txt": "one\n", "s.json": '{"default":"reply"}' });
  const outcomes = await evaluated(
    WRONG.map(([call]) => call),
    ["-c", "docs", "-m", "script:s.json"],
    { cwd: files.path },
  );
  expect(outcomes.map(({ outcome, error }, i) => [WRONG[i]?.[0], outcome, error?.code])).toEqual(
    WRONG.map(([call]) => [call, "threw", "E_BAD_ARGUMENT"]),
  );
  for (const [i, [, said]] of WRONG.entries()) expect(outcomes[i]?.error?.message).toContain(said);
  for (const { error } of outcomes) expect(error).toMatchObject({ line: 1 });
});

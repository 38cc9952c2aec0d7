// What the root model reads before its first cell. These snapshots are the prompt.
import { NO_LIMITS } from "../../../src/pool/caps.ts";
import { expect, test } from "vitest";
import { firstTurn, systemPrompt } from "../../../src/loop/prompt.ts";
import { writeProbe } from "../../../src/loop/probe.ts";
import type { ProbeFacts } from "../../../src/workspace/facts.ts";

const LIMITS = { maxIterations: 20, modelCallMs: 1 };

test("the system prompt", () => {
  expect(systemPrompt({ levels: 1, append: ["Answer in German."] })).toMatchInlineSnapshot(`
    "You answer a question about a context that is far too large to read. You never see it: you explore it by writing TypeScript cells, which run in a sandbox where the context is the variable \`context\`. Write one cell a turn, with the \`repl\` tool, or as one \`\`\`ts block where you have no tool. You then read what it printed, its value, or its error. What you write after the first block is dropped.

    What wins:
    - Code counts, models classify. Never count, sum, sort or compare in your head or in a prompt: do it in code, over all of the data. Ask a sub-model only for what takes reading: meaning, category, sentiment, who is meant.
    - Look before you ask. Check sizes and the format of a few lines, then search and slice. Ask sub-models about what is left.
    - Few fat prompts. A sub-model reads 100,000 characters at once: put many numbered items into a prompt, ask for one short line or a JSON item for each, and send all prompts in one llm_batch_query, not item by item. Slots that failed are null: ask those again.
    - Print little. You read at most 3,000 characters of an output, fewer when earlier ones were long, and pay for them again each turn. Keep results in variables; print counts and a few samples.
    - Variables, functions and classes stay, also after an error: build on them.
    - Check before you answer: look at samples of what you counted, and at what did not parse.

    The run ends only when a cell calls FINAL(value): a string, number, array or object, exactly as the question wants it. Prose is never read as an answer. Do not call FINAL in the cell that computes the value: look at it first.

    What cells can call (top-level await works; no network, imports or processes):
    - llm_query(prompt, {schema?, system?, model?, max_tokens?, fresh?}?): Promise<string>; with a JSON Schema as \`schema\` the parsed and checked value
    - llm_batch_query(prompts, {…the same, limit?, on_error?}?): Promise<(string | null)[]>, in the order of the prompts
    - rlm_query(prompt, {context?, schema?, budget?, max_iterations?, …}?): Promise<any>, a child like you with cells over \`context\` of its own: for a part that itself takes code and many calls; rlm_batch_query(prompts, {…}?)
    - parallel_scan(functions, {over?: items}?): Promise<{name, ok, value, error?}[]>, (context, item) => any on all cores; no model calls inside
    - parallel_rg_search(patterns, paths?, {glob?, ignore_case?, fixed_strings?, multiline?, context_lines?, max_matches?}?): Promise<{file, line, column, text, match, pattern}[]>, \`pattern\` an index, over the context by default; rg_search, rg_files and rg_count take one pattern
    - read_file(path, {start_line?, end_line?}?): Promise<string>; list_files(glob?): Promise<{path, size}[]>
    - a Corpus has files: {path, size}[], size, read(path, range?), and, for \`for await\`, chunks({max_chars?, files?}): {path, start_line, text}, lines({files?}): {path, line, text}
    - tools.run_security_scan({files?, min_confidence?}?), tools.run_quality_scan(…), tools.find_secrets, find_sql_injection, … (help("tools")): Promise<{rule, severity, confidence, file, line, code, message}[]>, scanners of source code; parallel_scan takes them too
    - parse_csv(text, {delimiter?, header?}?): Record<string, string>[]
    - print(…values), SHOW_VARS(), budget(), help(name) for a signature with an example
    - FINAL(value), FINAL_VAR(name), or answer.content = value; answer.ready = true

    Answer in German."
  `);
  const leaf = systemPrompt({ levels: 0, append: [] });
  expect(leaf).not.toContain("rlm_query");
  expect(leaf.length).toBeLessThan(4_500);
});

const FACTS: ProbeFacts = {
  kind: "text",
  name: "t",
  size: 0,
  headLines: [],
  tailLines: [],
  shape: null,
  fileTypes: [],
  files: 1,
  paths: [],
  description: "0 bytes",
};

test("the first turn: a log and a folder", () => {
  const log = writeProbe({
    ...FACTS,
    name: "app.log",
    size: 104_857_600,
    headLines: ["09:00 start", "09:01 ok"],
    tailLines: ["17:59 ok", "18:00 stop"],
    description: "105 MB",
  });
  const folder = writeProbe({
    ...FACTS,
    kind: "corpus",
    name: "src",
    description: "4 files, 5.1 kB (1 binary)",
    fileTypes: [
      { extension: ".ts", files: 2, bytes: 4090 },
      { extension: "", files: 2, bytes: 1010 },
    ],
    files: 4,
    paths: ["LICENSE", "a/index.ts", "a/view.TS", "b/.gitignore"],
  });
  expect(
    firstTurn({
      question: "Which files start?\nName them.",
      probes: [log, folder],
      limits: LIMITS,
      money: { ...NO_LIMITS, maxCalls: 500, maxUsd: 1 },
    }),
  ).toMatchInlineSnapshot(`
    "<question>
    Which files start?
    Name them.
    </question>

    <context name="app.log">
    \`contexts["app.log"]\` is one text, a string: 105 MB
    first lines:
      09:00 start
      09:01 ok
    last lines:
      17:59 ok
      18:00 stop
    </context>

    <context name="src">
    \`context\` (also contexts["src"]) is a Corpus: 4 files, 5.1 kB (1 binary)
    types: .ts 2, no extension 2
    first paths:
      LICENSE
      a/index.ts
      a/view.TS
      b/.gitignore
    </context>

    You have 20 turns, 500 model calls, yours included, $1.00."
  `);
});

test("the first turn: JSON, and no context at all", () => {
  const json = writeProbe({
    ...FACTS,
    kind: "json",
    name: 'odd "name".json',
    description: "200 bytes",
    shape: "array of 2 {id: number}",
    headLines: ['[{"id":1},{"id":2}]'],
  });
  expect(firstTurn({ question: "How many?", probes: [json], limits: { ...LIMITS, maxIterations: 1 }, money: NO_LIMITS }))
    .toMatchInlineSnapshot(`
      "<question>
      How many?
      </question>

      <context name="odd \\"name\\".json">
      \`context\` (also contexts["odd \\"name\\".json"]) is JSON, already parsed: 200 bytes
      type: array of 2 {id: number}
      first lines:
        [{"id":1},{"id":2}]
      </context>

      You have 1 turn."
    `);
  expect(firstTurn({ question: "How many?", probes: [], limits: LIMITS, money: NO_LIMITS })).toContain("There is no context.");
});

test.each<[string, Partial<ProbeFacts>]>([
  ["lines without end", { headLines: ["x".repeat(1e6)], tailLines: ["y".repeat(1e6)] }],
  ["many lines", { headLines: Array(1e4).fill("line"), tailLines: Array(1e4).fill("line") }],
  ["long names", { kind: "corpus", paths: Array.from({ length: 100 }, (_, n) => `${"d".repeat(500)}/${n}`) }],
  ["a wide shape", { kind: "json", shape: "key: number, ".repeat(5_000) }],
])("a probe is bounded: %s", (_, facts) => {
  expect(writeProbe({ ...FACTS, ...facts }).text.length).toBeLessThanOrEqual(3_001);
});

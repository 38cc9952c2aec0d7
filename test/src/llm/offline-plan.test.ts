// The offline root's cells do what they should, over a text, a corpus and data. They run here as plain functions, with small stand-ins
// for what the prelude offers; that they run in the sandbox is shown by the tests of `ask`.
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { askCell, finalCell, probeCell, searchCell, simpleCell, termPatterns } from "../../../src/llm/offline-cells.ts";
import { answerOffline } from "../../../src/llm/offline-quotes.ts";
import { questionTerms } from "../../../src/llm/offline-terms.ts";

interface Hit {
  readonly file: string;
  readonly line: number;
  readonly pattern: number;
}

class Answered extends Error {
  readonly value: unknown;
  constructor(value: unknown) {
    super("FINAL");
    this.value = value;
  }
}

/** Runs cells one after the other as one function, and returns what FINAL got. */
async function run(cells: readonly string[], context: unknown, files: Readonly<Record<string, string>>): Promise<unknown> {
  const body = transformSync(`async function run() {${cells.join("\n")}\n}`, { loader: "ts", target: "esnext" }).code;
  const search = (patterns: readonly string[], _paths: unknown, { max_matches: most }: { max_matches: number }) => {
    const hits: Hit[] = [];
    for (const [file, text] of Object.entries(files)) {
      for (const [index, line] of text.split("\n").entries()) {
        for (const [pattern, source] of patterns.entries())
          if (new RegExp(source, "i").test(line)) hits.push({ file, line: index + 1, pattern });
      }
    }
    return Promise.resolve(Object.assign(hits.slice(0, most), { truncated: Math.max(0, hits.length - most) }));
  };
  const globals = {
    context,
    parallel_rg_search: search,
    rg_search: (pattern: string, paths: unknown, options: { max_matches: number }) => search([pattern], paths, options),
    llm_batch_query: (prompts: readonly string[]) => Promise.resolve(prompts.map(answerOffline)),
    print: () => undefined,
    FINAL: (value: unknown) => {
      throw new Answered(value);
    },
  };
  // oxlint-disable-next-line typescript/no-implied-eval -- the cells are text, and this is the smallest way to run them
  const started: unknown = new Function(...Object.keys(globals), `${body}\nreturn run();`)(...Object.values(globals));
  return Promise.resolve(started).then(
    () => "no FINAL",
    (error: unknown) => {
      if (error instanceof Answered) return error.value;
      throw error;
    },
  );
}

const QUESTION = "Where is the lighthouse of Alice, and who repairs it?";
const plan = (question: string) => {
  const terms = questionTerms(question);
  return [probeCell(), searchCell(termPatterns(terms)), askCell(question), finalCell()];
};
const filler = (n: number) => Array.from({ length: n }, (_, i) => `day ${i}: the sea was calm, nothing to repair`).join("\n");
const TEXT = `${filler(4000)}\nAlice keeps a lighthouse at Bergen.\n${filler(300)}\nBob repairs the lighthouse.\n${filler(20_000)}`;

test("over one text", async () => {
  expect(await run(plan(QUESTION), TEXT, { context: TEXT })).toMatchInlineSnapshot(`
    "[offline: quoted lines, not a language model]
    2 lines in 1 files carry the question's words; those that bear on it most:
    context:4001: Alice keeps a lighthouse at Bergen.
    context:4302: Bob repairs the lighthouse."
  `);
});

test("over a corpus", async () => {
  const files = { "a/diary.txt": filler(50), "b/alice.txt": `${filler(5)}\nThe lighthouse of Alice is at Bergen.` };
  const corpus = {
    files: Object.entries(files).map(([path, text]) => ({ path, size: text.length })),
    size: 5000,
    read: (path: "a/diary.txt" | "b/alice.txt", range: { start_line: number; end_line: number }) =>
      Promise.resolve(
        files[path]
          .split("\n")
          .slice(range.start_line - 1, range.end_line)
          .join("\n"),
      ),
    async *lines() {
      for (const [path, text] of Object.entries(files))
        for (const [index, line] of text.split("\n").entries()) yield await Promise.resolve({ path, line: index + 1, text: line });
    },
  };
  expect(await run(plan(QUESTION), corpus, files)).toContain("b/alice.txt:6: The lighthouse of Alice is at Bergen.");
  expect(await run([simpleCell(questionTerms(QUESTION).map((term) => term.stem))], corpus, files)).toContain(
    "b/alice.txt:6: The lighthouse",
  );
});

test("over data, by the simpler plan", async () => {
  const data = { places: [{ owner: "Alice", kind: "lighthouse at Bergen of Alice" }] };
  expect(await run([simpleCell(["alic", "lighthous"])], data, {})).toContain("lighthouse at Bergen");
});

test("words that stand alone are counted, not quoted", async () => {
  const log = Array.from({ length: 30 }, (_, i) => `${i} ${i % 10 === 0 ? "ERROR refused" : "INFO ok"}`).join("\n");
  expect(await run(plan("How many errors and timeouts are there?"), log, { context: log })).toBe(
    "[offline: quoted lines, not a language model]\nno line bears on this\n3 lines carry one of the question's words: error 3 times",
  );
});

test("nothing bears on it", async () => {
  expect(await run(plan("Which submarine did Zebediah buy?"), TEXT, { context: TEXT })).toBe(
    "[offline: quoted lines, not a language model]\nno line bears on this",
  );
});

// The offline model: what it quotes, when it does not, and that its plan ends by FINAL whatever its cells do. That the cells run is
// shown by the tests of `ask`.
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import type { Turn } from "../../../src/llm/model.ts";
import { OfflineModel } from "../../../src/llm/offline.ts";
import { questionTerms, stemOf } from "../../../src/llm/offline-terms.ts";
import { LAST_TURN, writeOutcomeHead, writeQuestion } from "../../../src/llm/transcript.ts";
import { failure, NEVER, root, sub } from "./requests.ts";

const model = new OfflineModel();
const ask = async (prompt: string) => (await model.complete(sub(prompt), NEVER)).text;

test("it quotes the lines that carry the most of the question's words", async () => {
  const text = ["Alice works in Bergen.", "The harbour opens at nine.", "Bob is the brother of Alice.", "Bob likes tea."].join("\n");
  expect(await ask(`Who is the brother of Alice?\n\n${text}`)).toMatchInlineSnapshot(`
    "[offline: quoted lines, not a language model]
    line 1: Alice works in Bergen.
    line 3: Bob is the brother of Alice."
  `);
});

test("places that lines carry already are kept", async () => {
  expect(
    await ask(
      "Where is a child process spawned?\n\nsrc/a.ts:12: const x = spawn('ls');\nsrc/b.ts:3:7: // spawns the child process\nsrc/c.ts-9- nothing",
    ),
  ).toMatchInlineSnapshot(`
    "[offline: quoted lines, not a language model]
    src/b.ts:3: // spawns the child process"
  `);
});

test.each([
  ["no text at all", "Who is Alice?"],
  ["another matter", "Who is the mayor of Oslo?\n\nThe harbour opens at nine.\nTea is served at five."],
  ["only everyday words", "What is this about?\n\nThis is what it is about."],
])("it does not guess: %s", async (_, prompt) => {
  expect(await ask(prompt)).toBe("[offline: quoted lines, not a language model]\nno line bears on this");
});

test("a question after the text is read too; long lines are cut", async () => {
  const long = `the vault code is 1234 ${"x".repeat(1000)}`;
  const answer = await ask(`Read this.\n\n${long}\nanother line\n\nWhat is the vault code?`);
  expect(answer).toContain("line 1: the vault code is 1234");
  expect(answer.length).toBeLessThan(400);
});

test("a schema is refused", async () => {
  const failed = await failure(model.complete(sub("x", { schema: { type: "object" } }), NEVER));
  expect(failed.code).toBe("E_OFFLINE_UNSUPPORTED");
});

test.each([
  [["dependency", "dependencies"]],
  [["run", "runs", "running"]],
  [["open", "opened", "opens", "opening"]],
  [["file", "files"]],
  [["spawn", "spawned"]],
])("%j have one stem", (words) => {
  expect(new Set(words.map(stemOf)).size).toBe(1);
});

test("the terms of a question", () => {
  expect(questionTerms("What in this project's own dependencies can run programs, or open the network?").map((term) => term.stem))
    .toMatchInlineSnapshot(`
    [
      "dependenc",
      "run",
      "program",
      "open",
      "network",
    ]
  `);
  expect(questionTerms('Which USER said "hello there" to Bob in 2021?')).toMatchInlineSnapshot(`
    [
      {
        "stem": "user",
        "weight": 2,
      },
      {
        "stem": "said",
        "weight": 1,
      },
      {
        "stem": "hello",
        "weight": 2,
      },
      {
        "stem": "ther",
        "weight": 2,
      },
      {
        "stem": "bob",
        "weight": 2,
      },
      {
        "stem": "2021",
        "weight": 2,
      },
    ]
  `);
});

/** Plays the root against cells that end as told, and returns the code of each turn. */
async function play(question: string, outcomes: readonly string[]): Promise<string[]> {
  const turns: Turn[] = [{ role: "user", text: `${writeQuestion(question)}\n\nThe context is a text.` }];
  const cells: string[] = [];
  for (const outcome of [...outcomes, "final"]) {
    const reply = await model.complete(root(turns), NEVER);
    const code = reply.call?.code ?? "";
    cells.push(code);
    if (outcome === "final" || code.startsWith('FINAL("')) break;
    turns.push({ role: "assistant", text: reply.text, ...(reply.call ? { call: reply.call } : {}) });
    turns.push({ role: "output", text: writeOutcomeHead(cells.length, outcome), ...(reply.call ? { callId: reply.call.id } : {}) });
  }
  return cells;
}

test("the plan looks, searches, asks and answers, in valid TypeScript", async () => {
  const cells = await play("Who is Alice's brother?\n\nBe brief.", ["ok", "ok", "ok"]);
  expect(cells.map((code) => /parallel_rg_search|llm_batch_query|FINAL|print/.exec(code)?.[0])).toEqual([
    "print",
    "parallel_rg_search",
    "llm_batch_query",
    "FINAL",
  ]);
  for (const code of cells) expect(() => transformSync(code, { loader: "ts", format: "esm", target: "esnext" })).not.toThrow();
  expect(cells[2]).toContain("Who is Alice's brother? Be brief.");
  expect(cells).toEqual(await play("Who is Alice's brother?\n\nBe brief.", ["ok", "ok", "ok"]));
});

test.each([0, 1, 2, 3])("a cell that fails at turn %i leads to a simpler plan, then to an answer all the same", async (failing) => {
  const cells = await play("Who is Alice's brother?", [...Array.from({ length: failing }, () => "ok"), "threw", "timeout"]);
  expect(cells).toHaveLength(failing + 3);
  expect(cells.at(-2)).toContain("FINAL(");
  expect(cells.at(-1)).toMatch(/^FINAL\("\[offline:/);
  for (const code of cells) expect(() => transformSync(code, { loader: "ts", format: "esm", target: "esnext" })).not.toThrow();
});

test("on a last turn, and for a question of everyday words, it answers at once", async () => {
  const hurry = await model.complete(root([{ role: "user", text: `${writeQuestion("Who is Alice?")}\n\n${LAST_TURN}` }]), NEVER);
  expect(hurry.call?.code).toContain("FINAL(");
  expect(await play("What is it?", [])).toEqual(['FINAL("[offline: quoted lines, not a language model]\\nno line bears on this");']);
});

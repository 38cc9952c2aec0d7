// Answers that have a schema, by the command and by the library: what does not fit goes back to the model, until it does.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ask, openSession, type Model, type ModelRequest } from "../../src/index.ts";
import { cli, folder } from "./cli.ts";

const SCHEMA = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"], additionalProperties: false };

function player(cells: readonly string[], seen: ModelRequest[] = []): Model {
  return {
    id: "test:player",
    name: "player",
    window: undefined,
    price: undefined,
    endpoint: undefined,
    complete(request) {
      seen.push(request);
      const turn = request.turns.filter(({ role }) => role === "assistant").length;
      const text = `\`\`\`ts\n${cells[turn] ?? "1"}\n\`\`\``;
      return Promise.resolve({ text, stop: "end", usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } });
    },
  };
}

const QUIET = { env: {}, ephemeral: true } as const;

describe("an answer with a schema", () => {
  it("is one by every protocol: what does not fit is told, and the variables stay", async () => {
    const seen: ModelRequest[] = [];
    const cells = [
      "let n = 0; FINAL('none')",
      "n++; const v = { n: 'x' }; FINAL_VAR('v')",
      "n++; answer.content = { n: 0 }; answer.ready = true",
      "FINAL({ n })",
    ];
    const result = await ask("how many?", { ...QUIET, model: player(cells, seen), answerSchema: SCHEMA });
    expect(result).toMatchObject({ answer: { n: 2 }, stopReason: "final", partial: false, iterations: 4 });
    expect(seen[0]?.turns[0]?.text).toContain(JSON.stringify(SCHEMA));
    const told = seen.slice(1).map(({ turns }) => turns.at(-1)?.text ?? "");
    expect(told).toEqual([
      expect.stringMatching(/does not fit.*\n#: Instance type "string" is invalid/),
      expect.stringMatching(/does not fit.*\n#\/n: Instance type "string" is invalid/),
      expect.stringMatching(/does not fit.*\n#\/n: 0 is less than 1/),
    ]);
  });

  it("ends without one where none fits", async () => {
    const result = await ask("how many?", {
      ...QUIET,
      model: player(Array(9).fill("FINAL(0)") as string[]),
      answerSchema: SCHEMA,
      maxIterations: 2,
    });
    expect(result).toMatchObject({ answer: null, stopReason: "max_iterations", partial: true });
  });

  it("may be a program's own, which makes its value", async () => {
    const schema = z.object({ day: z.string().transform((text) => new Date(text).getUTCFullYear()), tags: z.array(z.enum(["a", "b"])) });
    const seen: ModelRequest[] = [];
    const cells = ["FINAL({ day: '2026-01-02', tags: ['c'] })", "FINAL({ day: '2026-01-02', tags: ['b'] })"];
    await using session = await openSession({ ...QUIET, model: player(cells, seen) });
    expect((await session.ask("which?", { answerSchema: schema })).answer).toEqual({ day: 2026, tags: ["b"] });
    expect(seen[0]?.turns[0]?.text).toContain('"enum":["a","b"]');
  });

  it("is checked where a pattern of it can loop no longer than a moment", async () => {
    const schema = { type: "string", pattern: "^(a+)+$" };
    const cells = ["FINAL('a'.repeat(40) + '!')", "FINAL('aa')"];
    expect(await ask("which?", { ...QUIET, model: player(cells), answerSchema: schema })).toMatchObject({ answer: "aa", iterations: 2 });
  });

  it("is a file for the command, and held to when the question goes on", async () => {
    const script = (second: string): string => `export default ({ turns }) => (turns.length === 1 ? { code: "FINAL(1)" } : ${second});`;
    using files = folder({
      "s.ts": script(`{ code: "FINAL({ n: 7 })" }`),
      "fails.ts": script(`{ error: { code: "E_LLM_AUTH", message: "no" } }`),
      "schema.json": JSON.stringify(SCHEMA),
      "bad.json": "[1]",
      "worse.json": "{",
    });
    const args = ["ask", "how many?", "--json", "-m"];
    const ran = await cli([...args, "script:s.ts", "--answer-schema", "schema.json"], { cwd: files.path });
    expect(JSON.parse(ran.stdout)).toMatchObject({ answer: { n: 7 }, stop_reason: "final", iterations: 2 });
    for (const [file, said] of [
      ["bad.json", /bad\.json is not an object; it must be a JSON Schema/],
      ["worse.json", /worse\.json is not JSON/],
      ["none.json", /cannot read the answer schema .*none\.json/],
    ] as const) {
      const wrong = await cli([...args, "script:s.ts", "--answer-schema", file], { cwd: files.path });
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toMatch(said);
    }
    const kept = ["--state-dir", "state", "--session", "one"];
    const first = await cli([...args, "script:fails.ts", "--answer-schema", "schema.json", ...kept], { cwd: files.path });
    expect(JSON.parse(first.stdout)).toMatchObject({ answer: null, stop_reason: "error" });
    const second = await cli(["ask", "--json", "-m", "script:s.ts", ...kept], { cwd: files.path });
    expect(JSON.parse(second.stdout)).toMatchObject({ answer: { n: 7 }, stop_reason: "final" });
  });
});

// A small context is read at once; what is added to the system prompt reaches every loop of a tree; a child with all of it is told so.
import { describe, expect, it } from "vitest";
import { ask, openSession, type Model, type ModelRequest } from "../../src/index.ts";
import { cli, folder } from "./cli.ts";

const QUIET = { env: {}, ephemeral: true } as const;
const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;

function player(reply: (request: ModelRequest) => string, seen: ModelRequest[] = []): Model {
  return {
    id: "test:player",
    name: "player",
    window: undefined,
    price: undefined,
    endpoint: undefined,
    complete(request) {
      seen.push(request);
      return Promise.resolve({ text: reply(request), stop: "end", usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } });
    },
  };
}

describe("a small context", () => {
  it("stands in the first turn, of whatever kind it is, and words are the answer", async () => {
    using files = folder({ "a/one.txt": "alpha\n", "a/two.txt": "beta\n", "c.json": '{"n":[1,2]}' });
    for (const [context, parts] of [
      ["a", ['<text of="one.txt">\nalpha\n', '<text of="two.txt">\nbeta\n']],
      ["c.json", ['<text of="c.json">\n{"n":[1,2]}\n']],
      [{ name: "memory", text: "gamma" }, ['<text of="memory">\ngamma\n']],
    ] as const) {
      const seen: ModelRequest[] = [];
      const result = await ask("which?", { ...QUIET, cwd: files.path, context, model: player(() => "The second.", seen) });
      expect(result).toMatchObject({ answer: "The second.", stopReason: "final", partial: false, iterations: 1 });
      for (const part of parts) expect(seen[0]?.turns[0]?.text).toContain(part);
    }
  });

  it("may still be worked on by cells, and always is with noDirect", async () => {
    const context = { text: "some words" };
    const cells = ({ turns }: ModelRequest): string => fence(turns.length === 1 ? "const n = context.length" : "FINAL(n)");
    expect(await ask("how long?", { ...QUIET, context, model: player(cells) })).toMatchObject({ answer: 10, iterations: 2 });
    const seen: ModelRequest[] = [];
    const words = await ask("how long?", { ...QUIET, context, noDirect: true, model: player(() => "Ten.", seen) });
    expect(words).toMatchObject({ answer: null, partial: true });
    expect(seen[0]?.turns[0]?.text).not.toContain("<text of=");
  });

  it("is one of less than 16,384 tokens", async () => {
    for (const [length, isDirect] of [
      [65_000, true],
      [66_000, false],
    ] as const) {
      const seen: ModelRequest[] = [];
      await ask("what?", { ...QUIET, context: { text: "x".repeat(length) }, model: player(() => fence("FINAL(1)"), seen) });
      expect(seen[0]?.turns[0]?.text.includes("<text of=")).toBe(isDirect);
    }
  });
});

it("what is added to the system prompt is there in the root and in its children", async () => {
  using files = folder({
    "s.ts": `export default ({ purpose, system, turns }) =>
      turns[0].text.includes("\\ntop\\n") ? { code: "FINAL(await rlm_query('below', { system: 'Of the cell.' }))" } : { code: "FINAL(" + JSON.stringify(system.slice(-40)) + ")" };`,
    "more.txt": "Answer in German.",
  });
  const ran = await cli(["ask", "top", "-m", "script:s.ts", "--json", "--system-append", "more.txt"], { cwd: files.path });
  expect(JSON.parse(ran.stdout)).toMatchObject({ answer: expect.stringContaining("Answer in German.\n\nOf the cell.") });
  const none = await cli(["ask", "top", "-m", "script:s.ts", "--system-append", "none.txt"], { cwd: files.path });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("cannot read the text for the system prompt")]);
});

it("a child that gets nearly all of its parent's context is told so", async () => {
  const seen: ModelRequest[] = [];
  await using session = await openSession({
    ...QUIET,
    context: { text: "word ".repeat(40_000) },
    model: player(() => fence("FINAL(1)"), seen),
  });
  await session.run("await rlm_batch_query(['all'], { context }); await rlm_query('some', { context: context.slice(0, 1000) })");
  expect(seen.map(({ turns }) => turns[0]?.text.includes("nearly all of the context"))).toEqual([true, false]);
});

// Functions of the user's own, by the command and by the library: typed, checked, confirmed, paid for, journaled, denied to children.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ask, openSession, type Model, type Tools } from "../../src/index.ts";
import { cli, folder, notebook } from "./cli.ts";

const QUIET = { env: {}, ephemeral: true } as const;
const FILE = `
import { appendFileSync } from "node:fs";
const input = { type: "object", properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } }, required: ["city"] };
export default {
  weather: { description: "The weather of a city.", input, run: ({ city, days = 1 }) => ({ city, sunny: days < 3 }) },
  note: { description: "Keeps a line.", input: { type: "object", properties: { text: { type: "string" } } }, sideEffects: true,
    run: ({ text }) => { appendFileSync(process.env.NOTES, text + "\\n"); return "kept"; } },
  broken: { description: "Fails.", input: {}, run: () => { throw new Error("no luck"); } },
};`;

describe("a tool of a file", () => {
  it("is a function of cells, with its signature, and its input is checked", async () => {
    using files = folder({ "tools.ts": FILE });
    const outcomes = await notebook(
      [
        "await weather({ city: 'Bonn', days: 2 })",
        "await weather({ days: 2 })",
        "await weather({ city: 'Bonn', days: 0 }).catch((e) => [e.code, e instanceof Error])",
        "await broken()",
        "help('weather')",
        "help().includes('weather')",
        "const weather = 5; weather",
      ],
      ["--tools", "tools.ts"],
      { cwd: files.path },
    );
    expect(outcomes.map(({ value, error }) => value ?? [error?.code, error?.message])).toEqual([
      { city: "Bonn", sunny: true },
      ["E_BAD_ARGUMENT", expect.stringMatching(/^weather: its input does not fit: .*city/)],
      ["E_BAD_ARGUMENT", true],
      ["E_TOOL", "broken failed: no luck (E_TOOL)"],
      "The weather of a city.\nfunction weather(input: { city: string; days?: number }): Promise<any>;",
      true,
      5,
    ]);
    expect(outcomes[1]?.error).toMatchObject({ line: 1, column: 7 });
  });

  it("that has side effects needs a person's word", async () => {
    using files = folder({ "tools.ts": FILE, notes: "" });
    const run = async (...more: readonly string[]) =>
      (
        await notebook(["await note({ text: 'x' })"], ["--tools", "tools.ts", ...more], {
          cwd: files.path,
          env: { NOTES: `${files.path}/notes` },
        })
      )[0];
    expect((await run())?.error).toMatchObject({ code: "E_DECLINED", message: expect.stringContaining("--yes") });
    expect(readFileSync(`${files.path}/notes`, "utf8")).toBe("");
    expect((await run("--yes"))?.value).toBe("kept");
    expect(readFileSync(`${files.path}/notes`, "utf8")).toBe("x\n");
  });

  it("that is none is told at the start", async () => {
    using files = folder({
      "a.ts": "export default { llm_query: { description: '', input: {}, run() {} } }",
      "b.ts": "export default { mine: { description: '' } }",
      "c.ts": "export const x = 1",
      "d.ts": "export default {",
    });
    for (const [file, said] of [
      ["a.ts", /"llm_query" cannot be the name of a tool/],
      ["b.ts", /the tool mine must have a description, an input schema and a run function/],
      ["c.ts", /the tools file .*c\.ts has no default export/],
      ["d.ts", /cannot load the tools file/],
      ["e.ts", /cannot load the tools file/],
    ] as const) {
      const ran = await cli(["-e", "1", "--tools", file], { cwd: files.path });
      expect(ran.code, file).toBe(2);
      expect(ran.stderr).toMatch(said);
    }
  });
});

describe("a tool of the library", () => {
  const calls: unknown[] = [];
  const tools: Tools = {
    lookup: {
      description: "Looks a number up.",
      input: z.object({ id: z.coerce.number(), kind: z.enum(["a", "b"]).default("a") }),
      run: (input: unknown) => {
        calls.push(input);
        return { found: input };
      },
      usd: 0.25,
      children: true,
    },
    secret: { description: "For the root alone.", input: { type: "object" }, run: () => "root's" },
    slow: {
      description: "Waits.",
      input: { type: "object" },
      run: (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    },
  };

  it("gets what its schema makes of the input, and is paid for", async () => {
    await using session = await openSession({ ...QUIET, tools, maxCost: 0.6, callTimeout: 0.3 });
    expect((await session.run("[await lookup({ id: '7' }), await lookup({ id: 8, kind: 'b' })]")).value).toEqual([
      { found: { id: 7, kind: "a" } },
      { found: { id: 8, kind: "b" } },
    ]);
    expect(session.usage).toMatchObject({ calls: 0, usd: 0.5 });
    expect((await session.run("await lookup({ id: 9 })")).error).toMatchObject({ code: "E_BUDGET" });
    expect(calls).toHaveLength(2);
    expect((await session.run("await slow({})")).error).toMatchObject({ code: "E_TIMEOUT" });
    expect((await session.run("await lookup({ id: 1, kind: 'c' }).catch((e) => e.message)")).value).toMatch(/does not fit: #\/kind/);
  });

  it("is told to the root, and to its children where it is granted", async () => {
    const systems: string[] = [];
    const model: Model = {
      id: "test:player",
      name: "player",
      window: undefined,
      price: undefined,
      endpoint: undefined,
      complete({ system = "", turns }) {
        systems.push(system);
        const isTop = turns[0]?.text.includes("\ntop\n") === true;
        const code = isTop
          ? "FINAL([await secret(), await rlm_query('below')])"
          : "FINAL([typeof secret, (await lookup({ id: 1 })).found.id])";
        return Promise.resolve({
          text: `\`\`\`ts\n${code}\n\`\`\``,
          stop: "end",
          usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 },
        });
      },
    };
    const { answer } = await ask("top", { ...QUIET, tools, model });
    expect(answer).toEqual(["root's", ["undefined", 1]]);
    expect(systems.map((system) => [system.includes("- secret(input: "), system.includes("- lookup(input: { id: number; kind")])).toEqual([
      [true, true],
      [false, true],
    ]);
  });

  it("is not run again when its session goes on, also without it", async () => {
    using state = folder({});
    const kept = { env: {}, stateDir: state.path } as const;
    let runs = 0;
    const counting: Tools = { count: { description: "Counts.", input: { type: "object" }, run: () => ++runs } };
    let id: string;
    {
      await using session = await openSession({ ...kept, tools: counting });
      id = session.id;
      await session.run("const n = await count()");
    }
    await using again = await openSession({ ...kept, resume: id });
    expect((await again.run("n")).value).toBe(1);
    expect((await again.run("await count()")).error).toMatchObject({ code: "E_TOOL" });
    expect(runs).toBe(1);
  });
});

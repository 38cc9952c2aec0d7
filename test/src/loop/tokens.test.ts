// What a run sends: an append-only conversation with bounded outputs, compacted where it grows too long, and a direct call for what is small.
import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../../../src/llm/model.ts";
import { requestText } from "../../../src/llm/tokens.ts";
import type { TurnNote } from "../../../src/loop/types.ts";
import { modelOf } from "../llm/requests.ts";
import { final, outcome, play } from "./play.ts";

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 };
const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;
const LARGE = outcome({
  output: { text: "line of an output\n".repeat(5_000), length: 90_000 },
  value: { preview: "[…]", long: "x".repeat(8_000), type: "array", length: 100_000 },
});
const VARIABLES = [{ name: "rows", type: "array", size: 5_000, preview: "[ 1, 2, 3 ]" }];

/** A root that prints much, turn after turn. */
async function printing(turns: number, more: Parameters<typeof play>[2] & { readonly window?: number } = {}) {
  let turn = 0;
  const model = modelOf(
    () => Promise.resolve({ text: fence(++turn > turns ? "FINAL(1)" : `print(rows); // ${turn}`), stop: "end", usage }),
    {
      window: more.window,
    },
  );
  return await play(model, (code) => (code === "FINAL(1)" ? final(1) : LARGE), { variables: () => Promise.resolve(VARIABLES), ...more });
}

function textOf(request: ModelRequest): string {
  return requestText(request).join("\n");
}

/** Of the shorter one, in percent. */
function commonPrefix(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a[at] === b[at]) at++;
  return (100 * at) / shorter;
}

describe("a conversation", () => {
  it("only ever grows at its end, by little where outputs are large", async () => {
    const { requests, result } = await printing(15);
    expect(result).toMatchObject({ stop_reason: "final", iterations: 16, compactions: 0 });
    const texts = requests.map(textOf);
    for (const [i, text] of texts.entries()) if (i > 0) expect(commonPrefix(texts[i - 1] ?? "", text)).toBeGreaterThan(99);
    expect(texts.at(-1)?.length).toBeLessThan(30_000);
    const outputs = (requests.at(-1)?.turns ?? []).filter(({ role }) => role === "output").map(({ text }) => text.length);
    expect(outputs[0]).toBeGreaterThan(3_000);
    for (const [i, length] of outputs.entries()) expect(length).toBeLessThanOrEqual((outputs[i - 1] ?? length) + 10);
    expect(outputs.at(-1)).toBeLessThan(2_000);
    expect(textOf(requests[1] as ModelRequest)).toContain("of 90,000 characters left out");
  });

  it("gives up older turns where it grows too long, for what they ran and the variables there are", async () => {
    const notes: TurnNote[] = [];
    const { requests, result } = await printing(15, { window: 9_000, onTurn: (note) => notes.push(note) });
    expect(result.stop_reason).toBe("final");
    expect(result.compactions).toBeGreaterThan(0);
    for (const request of requests) expect(textOf(request).length / 4).toBeLessThan(9_000);
    const [first] = requests.at(-1)?.turns ?? [];
    expect(first?.text).toContain("<question>");
    expect(first?.text).toMatch(/- print\(rows\); \/\/ 1 → cell 1: ok/);
    expect(first?.text).toContain("rows: array (5000) [ 1, 2, 3 ]");
    const compactions = notes.filter(({ type }) => type === "compaction");
    expect(compactions).toHaveLength(result.compactions);
    const breaks = requests.filter((request, i) => i > 0 && commonPrefix(textOf(requests[i - 1] as ModelRequest), textOf(request)) < 99);
    expect(breaks).toHaveLength(result.compactions);
  });

  it("goes on after one with the very same requests", async () => {
    const notes: TurnNote[] = [];
    const { requests } = await printing(15, { window: 9_000, onTurn: (note) => notes.push(note) });
    const earlier = notes
      .filter((note) => note.type === "reply")
      .slice(0, 12)
      .map(({ iteration, reply }) => {
        const text = (type: "output" | "compaction"): object => {
          const found = notes.find((note) => note.type === type && note.iteration === iteration);
          return found === undefined || !("text" in found) ? {} : { [type]: found.text };
        };
        return { reply, ...text("output"), ...text("compaction") };
      });
    const again = await printing(0, { window: 9_000, earlier });
    expect(textOf(again.requests[0] as ModelRequest)).toBe(textOf(requests[12] as ModelRequest));
  });

  it("stays whole where that is switched off, and is refused before it is sent where it does not fit", async () => {
    const { result, requests } = await printing(15, { window: 4_500, variables: undefined });
    expect(result).toMatchObject({ stop_reason: "error", compactions: 0, error: { code: "E_LLM_TOO_LARGE" } });
    for (const request of requests) expect(textOf(request).length / 4).toBeLessThan(4_500);
  });
});

describe("a context that is small", () => {
  it("is answered by words at once; words later are none", async () => {
    const direct = await play(["Seven."], () => outcome(), { isDirect: true });
    expect(direct.result).toMatchObject({ answer: "Seven.", stop_reason: "final", iterations: 1 });
    const later = await play([fence("1"), "Seven.", fence("FINAL(7)")], (code) => (code === "1" ? outcome() : final(7)), {
      isDirect: true,
    });
    expect(later.result).toMatchObject({ answer: 7, iterations: 3, nudges: { no_code: 1 } });
  });

  it("is held to the schema of its answer", async () => {
    const check = (answer: unknown) => Promise.resolve(answer === 7 ? { answer } : { error: "#: not 7" });
    expect((await play(["7"], () => outcome(), { isDirect: true, check })).result).toMatchObject({ answer: 7, iterations: 1 });
    const wrong = await play(["seven", fence("FINAL(7)")], () => final(7), { isDirect: true, check });
    expect(wrong.result).toMatchObject({ answer: 7, iterations: 2 });
    expect(wrong.requests[1]?.turns.at(-1)?.text).toMatch(/^The answer is not JSON/);
  });
});

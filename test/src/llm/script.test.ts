// The script player: order, rules, errors, and what it says about a file that does not fit.
import { mkdtemp, writeFile } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { openScript, ScriptModel } from "../../../src/llm/script.ts";
import type { Script } from "../../../src/llm/script-format.ts";
import { failure, NEVER, root, sub } from "./requests.ts";

const model = (script: Script) => new ScriptModel("script:test", "test", script);
const GO = root([{ role: "user", text: "go" }]);

async function file(name: string, text: string): Promise<string> {
  const written = path.join(await mkdtemp(path.join(os.tmpdir(), "rlm-script-")), name);
  await writeFile(written, text);
  return written;
}

test("root replies come in order, sub requests by the first rule that fits, then the default", async () => {
  const played = model({
    root: ["first", { text: "I look.", code: "1" }],
    rules: [
      { match: "cat", reply: "meow" },
      { match: "/^DOG\\b/i", reply: "woof", times: 1 },
      { match: "dog", reply: "again" },
      { match: "go", purpose: "root", reply: "used up" },
    ],
    default: "silence",
  });
  expect((await played.complete(GO, NEVER)).text).toBe("first");
  expect(await played.complete(GO, NEVER)).toMatchObject({ text: "I look.", call: { code: "1" }, stop: "tool" });
  expect((await played.complete(GO, NEVER)).text).toBe("used up");
  const says = async (text: string) => (await played.complete(sub(text), NEVER)).text;
  expect([await says("a cat"), await says("dog!"), await says("dog!"), await says("fish")]).toEqual(["meow", "woof", "again", "silence"]);
});

test("usage is an estimate, the price is zero", async () => {
  const played = model({ default: "12345678" });
  expect((await played.complete(sub("x".repeat(400)), NEVER)).usage).toEqual({ inputTokens: 100, outputTokens: 2, cachedInputTokens: 0 });
  expect(played.price).toEqual({ input: 0, output: 0 });
});

test("a rule may fail, and wait; a wait can be cancelled", async () => {
  const played = model({
    rules: [
      { match: "rate", error: { code: "E_LLM_RATE", retryable: true, retry_after_ms: 5 } },
      { reply: "late", delay_ms: 60_000 },
    ],
  });
  expect((await failure(played.complete(sub("rate"), NEVER))).data).toEqual({ retryable: true, retry_after_ms: 5 });
  const cancel = new AbortController();
  const call = played.complete(sub("x"), cancel.signal);
  const reason = new Error("stop");
  cancel.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test("no fitting reply names the beginning of the request", async () => {
  const failed = await failure(model({ root: [] }).complete(sub("Which of these?\nlong text"), NEVER));
  expect(failed.code).toBe("E_LLM_SCRIPT");
  expect(failed.message).toMatchInlineSnapshot(
    `"the script has no reply for the sub request that begins "Which of these?\\nlong text"; add one to "rules" (E_LLM_SCRIPT)"`,
  );
});

test("files: JSON, a TypeScript object, a TypeScript function", async () => {
  const json = await openScript(await file("s.json", '{"default": "json"}'));
  const object = await openScript(await file("s.ts", 'const text: string = "object"; export default { default: text };'));
  const played = await openScript(
    await file("f.ts", "export default (request: { turns: { text: string }[] }) => ({ code: request.turns[0]!.text });"),
  );
  expect((await json.complete(sub("x"), NEVER)).text).toBe("json");
  expect((await object.complete(sub("x"), NEVER)).text).toBe("object");
  expect((await played.complete(GO, NEVER)).call?.code).toBe("go");
});

test.each([
  ["[1]", "the script is not an object"],
  ['{"rots": []}', 'the script has the unknown key "rots"; there are root, rules, default'],
  ['{"root": "x"}', "root is not a list"],
  ['{"root": [1]}', "root[0] is not an object"],
  ['{"rules": [{"match": "x"}]}', "rules[0] must have either a reply or an error"],
  ['{"rules": [{"match": "/(/", "reply": "x"}]}', "rules[0].match is no regular expression"],
  ['{"rules": [{"error": {"code": "E_NONE"}}]}', "rules[0].error.code is no error code"],
  ['{"rules": [{"reply": {"code": 1}}]}', "rules[0].reply.code is not a string"],
  ['{"rules": [{"reply": "x", "purpose": "leaf"}]}', 'rules[0].purpose is neither "root" nor "sub"'],
  ["{", "cannot load the script file"],
])("%s", async (text, message) => {
  const failed = await failure(openScript(await file("s.json", text)));
  expect(failed.code).toBe("E_USAGE");
  expect(failed.message).toContain(message);
});

test("a file that is not there, and one without a default export", async () => {
  expect((await failure(openScript("/none/such.json"))).message).toContain("/none/such.json");
  expect((await failure(openScript(await file("n.ts", "export const a = 1;")))).message).toContain("no default export");
});

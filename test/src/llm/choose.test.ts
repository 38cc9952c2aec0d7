// Which models are chosen, and what is said about it.
import { expect, test } from "vitest";
import { chooseModels, describeChoice, type ChooseOptions } from "../../../src/llm/choose.ts";
import { tellFirstRemote } from "../../../src/llm/remote-notice.ts";
import { failure, modelOf } from "./requests.ts";

const KEYS = { ANTHROPIC_API_KEY: "test-key-a", OPENAI_API_KEY: "test-key-o" };
const choose = (options: Partial<ChooseOptions>) => chooseModels({ env: {}, stderrIsTerminal: false, ...options });

test.each<[Partial<ChooseOptions>, string, string, string]>([
  [{ model: "offline", env: KEYS }, "offline", "offline", "--model"],
  [{ model: "openai:x", modelSource: "RLM_MODEL", env: KEYS }, "openai:x", "openai:x", "RLM_MODEL"],
  [{ env: KEYS }, "anthropic:claude-sonnet-5-5", "anthropic:claude-haiku-5-5", "ANTHROPIC_API_KEY is set"],
  [{ env: { OPENAI_API_KEY: "test-key-o" } }, "openai:gpt-6.1-sol", "openai:gpt-6-luna", "OPENAI_API_KEY is set"],
  [{ stderrIsTerminal: true }, "offline", "offline", "no key in the environment"],
  [{ model: "anthropic:claude-unheard-of", env: KEYS }, "anthropic:claude-unheard-of", "anthropic:claude-unheard-of", "--model"],
  [{ model: "anthropic:claude-haiku-5-5", env: KEYS }, "anthropic:claude-haiku-5-5", "anthropic:claude-haiku-5-5", "--model"],
  [
    { model: "openai:org/model:free", subModel: "anthropic:claude-haiku-4-5", env: KEYS },
    "openai:org/model:free",
    "anthropic:claude-haiku-4-5",
    "--model",
  ],
])("%j", async (options, root, sub, reason) => {
  const chosen = await choose(options);
  expect([chosen.model.id, chosen.subModel.id, chosen.reason]).toEqual([root, sub, reason]);
});

test("what was chosen is one line", async () => {
  expect(describeChoice(await choose({ env: KEYS }))).toMatchInlineSnapshot(
    `"model anthropic:claude-sonnet-5-5, sub-calls by anthropic:claude-haiku-5-5 (ANTHROPIC_API_KEY is set)"`,
  );
  expect(describeChoice(await choose({ stderrIsTerminal: true }))).toMatchInlineSnapshot(
    `"model offline (no key in the environment): it quotes lines and understands nothing; --model anthropic | openai:<name> asks a real one"`,
  );
});

test.each<[Partial<ChooseOptions>, string, string]>([
  [{}, "E_NO_MODEL", "no model chosen: --model anthropic | openai:<name> | offline, or RLM_MODEL (E_NO_MODEL)"],
  [{ model: "gpt-9" }, "E_USAGE", "--model=gpt-9 names no model; write anthropic, anthropic:MODEL, openai:MODEL, script:FILE or offline"],
  [{ model: "openai:", modelSource: "RLM_MODEL" }, "E_USAGE", "RLM_MODEL=openai: names no model"],
  [{ model: "offline", subModel: "offline:x" }, "E_USAGE", "--sub-model=offline:x names no model"],
  [{ model: "script:" }, "E_USAGE", "--model=script: names no model"],
  [{ model: "anthropic" }, "E_LLM_AUTH", "set ANTHROPIC_API_KEY"],
  [{ model: "openai:x" }, "E_LLM_AUTH", "set OPENAI_API_KEY"],
])("%j is refused", async (options, code, message) => {
  const failed = await failure(choose(options));
  expect(failed.code).toBe(code);
  expect(failed.message).toContain(message);
});

test("the first request to each remote host is told once", () => {
  const told: string[] = [];
  const notice = tellFirstRemote((endpoint) => told.push(endpoint));
  const at = (endpoint: string | undefined) => notice(modelOf(() => Promise.reject(new Error("unused")), { endpoint }));
  for (const endpoint of ["127.0.0.1:80", undefined, "api.anthropic.com", "api.anthropic.com", "localhost:1", "api.openai.com"])
    at(endpoint);
  expect(told).toEqual(["api.anthropic.com", "api.openai.com"]);
});

// What stays on this machine, and that nothing else does where it must not.
import type { LookupFunction } from "node:net";
import { expect, test } from "vitest";
import { chooseModels } from "../../../src/llm/choose.ts";
import type { ModelChoice } from "../../../src/llm/function-model.ts";
import { createFetch } from "../../../src/llm/http.ts";
import { isLoopback, localLookup } from "../../../src/llm/loopback.ts";
import { routeTo } from "../../../src/llm/route.ts";
import { serveProxy } from "./proxies.ts";
import { failure, modelOf } from "./requests.ts";
import { serveOpenAi } from "./servers.ts";

const BY = "--local-only";

test.each([
  ["http://127.0.0.1:8080/v1", true],
  ["http://127.8.9.1", true],
  ["http://2130706433/", true],
  ["http://localhost:11434/v1", true],
  ["http://models.localhost", true],
  ["http://[::1]:1/", true],
  ["http://[::ffff:127.0.0.1]/", true],
  ["https://api.anthropic.com", false],
  ["http://10.0.0.1", false],
  ["http://0.0.0.0", false],
  ["http://[::ffff:10.0.0.1]/", false],
  ["http://[fe80::1]/", false],
  ["https://127.0.0.1.example.com", false],
  ["https://localhost.example.com", false],
])("%s is on this machine: %s", (url, expected) => {
  expect(isLoopback(new URL(url).host)).toBe(expected);
});

/** A resolver that knows one name. */
const resolver =
  (...addresses: string[]): LookupFunction =>
  (_, __, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );

test.each([
  [["127.0.0.1"], "127.0.0.1"],
  [["::1", "127.0.0.1"], "::1"],
  [["10.0.0.1"], "E_LOCAL_ONLY"],
  [["127.0.0.1", "203.0.113.7"], "E_LOCAL_ONLY"],
])("a name that resolves to %j: %s", async (addresses, expected) => {
  const found = new Promise((resolve) => {
    localLookup(BY, resolver(...addresses))("models.example", {}, (error, address) => resolve(error ?? address));
  });
  expect(await found).toEqual(expected === "E_LOCAL_ONLY" ? expect.objectContaining({ code: expected }) : expected);
  const all = new Promise((resolve) => {
    localLookup(BY, resolver(...addresses))("models.example", { all: true }, (error, list) => resolve(error === null ? list.length : 0));
  });
  expect(await all).toBe(expected === "E_LOCAL_ONLY" ? 0 : addresses.length);
});

test.each<[string, ModelChoice, Record<string, string>]>([
  ["a provider", "anthropic", {}],
  ["an address", "openai:x", { OPENAI_BASE_URL: "http://10.0.0.1/v1" }],
  ["a name nobody knows", "openai:x", { OPENAI_BASE_URL: "http://models.invalid/v1" }],
  ["an object", modelOf(() => Promise.reject(new Error("unused")), { endpoint: "203.0.113.7:443" }), {}],
  ["an object with a URL", modelOf(() => Promise.reject(new Error("unused")), { endpoint: "https://203.0.113.7" }), {}],
])("%s elsewhere is refused when it is chosen", async (_, model, env) => {
  const keys = { ANTHROPIC_API_KEY: "test-key-1", OPENAI_API_KEY: "test-key-1" };
  const options = { env: { ...keys, ...env }, stderrIsTerminal: false, localOnly: BY };
  for (const choice of [{ model }, { model: "offline", subModel: model }]) {
    const error = await failure(chooseModels({ ...options, ...choice }));
    expect(error.code).toBe("E_LOCAL_ONLY");
    expect(error.message).toMatch(/ is not this machine, and --local-only lets nothing leave it: choose offline, or a server here/);
  }
});

test("a function is taken at its word: nobody sees its sockets", async () => {
  const { model } = await chooseModels({ model: () => Promise.resolve("hi"), env: {}, stderrIsTerminal: false, localOnly: BY });
  expect(model.endpoint).toBeUndefined();
});

test("what is here answers, by no proxy; the socket refuses what was not refused before", async () => {
  await using server = await serveOpenAi(() => "here");
  await using proxy = await serveProxy();
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
  const url = server.url.replace("127.0.0.1", "localhost");
  const models = await chooseModels({
    model: "openai:x",
    env: { ...env, OPENAI_BASE_URL: url },
    stderrIsTerminal: false,
    localOnly: BY,
  });
  const asked = { purpose: "sub", turns: [{ role: "user", text: "hi" }], maxTokens: 9 } as const;
  expect((await models.model.complete(asked, new AbortController().signal)).text).toBe("here");
  const elsewhere = createFetch(routeTo("http://10.0.0.1/", "X", env, BY));
  expect(await failure(elsewhere("http://10.0.0.1/"))).toMatchObject({ code: "E_LOCAL_ONLY" });
  expect(proxy.asked).toEqual([]);
});

// The way to a model, by the real SDKs: proxies, certificates, and what is said when there is no way.
import * as net from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AnthropicModel } from "../../../src/llm/anthropic.ts";
import { OpenAiModel } from "../../../src/llm/openai.ts";
import { close, listen, makeAuthority, serveTls } from "./certificates.ts";
import { serveProxy, type ProxyOptions } from "./proxies.ts";
import { allText, failure, NEVER, sub } from "./requests.ts";
import { serveAnthropic, serveOpenAi } from "./servers.ts";

const FACTS = { window: undefined, price: undefined };
const KEY = "test-key-4f9a0c77d1";
const PASSWORD = "p@ss-word";
const USER = `me:${encodeURIComponent(PASSWORD)}@`;

const authority = makeAuthority();
const stranger = makeAuthority();
// This machine's store, for this process: read at the first https request.
beforeAll(() => void (process.env["SSL_CERT_FILE"] = authority.path));
afterAll(() => [authority, stranger].forEach((each) => each[Symbol.dispose]()));

type Env = Readonly<Record<string, string>>;
const anthropic = (url: string, env: Env) => new AnthropicModel("x", FACTS, { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url, ...env });
const openai = (url: string, env: Env) => new OpenAiModel("x", FACTS, { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: url, ...env });

test.each([
  ["anthropic", anthropic, serveAnthropic, false],
  ["openai", openai, serveOpenAi, false],
  ["openai, the proxy by https", openai, serveOpenAi, true],
])("%s: https through a proxy with credentials, by an authority of this machine's store", async (_, modelAt, serve, isTls) => {
  await using plain = await serve(({ last }) => `re: ${last}`);
  await using server = await serveTls(authority.sign("DNS:models.example"), plain.url);
  const tunnel = { to: server.port, credentials: `me:${PASSWORD}` };
  await using proxy = await serveProxy(isTls ? { ...tunnel, identity: authority.sign("IP:127.0.0.1") } : tunnel);
  const address = `${isTls ? "https" : "http"}://${USER}127.0.0.1:${proxy.port}`;
  const model = modelAt(`https://models.example${new URL(plain.url).pathname}`, { HTTPS_PROXY: address, HTTP_PROXY: "http://127.0.0.1:1" });
  expect((await model.complete(sub("one"), NEVER)).text).toBe("re: one");
  expect((await model.complete(sub("two"), NEVER)).text).toBe("re: two");
  expect(proxy.asked).toEqual(["CONNECT models.example:443"]);
  expect(plain.requests.map(({ headers }) => headers["proxy-authorization"])).toEqual([undefined, undefined]);
});

test("http goes through HTTP_PROXY, with its credentials, and NO_PROXY round it", async () => {
  await using server = await serveAnthropic(() => "ok");
  await using proxy = await serveProxy({ to: Number(new URL(server.url).port), credentials: `me:${PASSWORD}` });
  const env = { http_proxy: `${USER}127.0.0.1:${proxy.port}` };
  expect((await anthropic("http://models.example", env).complete(sub("hi"), NEVER)).text).toBe("ok");
  expect((await anthropic(server.url, { ...env, NO_PROXY: "127.0.0.1" }).complete(sub("hi"), NEVER)).text).toBe("ok");
  expect(proxy.asked).toEqual(["POST http://models.example"]);
  expect(server.requests).toHaveLength(2);
  const unknown = await failure(anthropic("http://models.example", { http_proxy: `127.0.0.1:${proxy.port}` }).complete(sub("hi"), NEVER));
  expect(unknown.message).toContain("asks for a user and a password (407); put USER:PASSWORD@ before the host in http_proxy");
});

test.each<[string, ProxyOptions, string]>([
  ["refuses", { answer: "HTTP/1.1 403 No\r\n\r\n" }, "refuses to connect there (403); ask for the host to be allowed;"],
  [
    "wants credentials",
    { credentials: "others:x" },
    "asks for a user and a password (407); put USER:PASSWORD@ before the host in HTTPS_PROXY;",
  ],
  ["finds nobody", { answer: "HTTP/1.1 502 No\r\n\r\n" }, "could not connect there (502); is HTTPS_PROXY right?"],
  ["is none", { answer: "220 mail ready\r\n" }, "does not speak HTTP; is HTTPS_PROXY right?"],
  ["hangs up", { answer: "" }, "closed the connection in the middle; is HTTPS_PROXY right?"],
])("a proxy that %s", async (_, options, said) => {
  await using proxy = await serveProxy(options);
  const address = `127.0.0.1:${proxy.port}`;
  const error = await failure(openai("https://models.example/v1", { HTTPS_PROXY: `http://${USER}${address}` }).complete(sub("hi"), NEVER));
  expect(error.message).toBe(
    `openai at models.example could not be reached: the proxy http://${address} ${said} NO_PROXY=models.example goes round it (E_LLM_NETWORK)`,
  );
  expect(allText(error)).not.toMatch(new RegExp([KEY, PASSWORD, USER, Buffer.from(`me:${PASSWORD}`).toString("base64")].join("|")));
});

test("a cancelled call leaves a proxy that does not answer", async () => {
  await using proxy = await serveProxy({ answer: "hang" });
  const cancel = new AbortController();
  const call = openai("https://models.example/v1", { https_proxy: `http://127.0.0.1:${proxy.port}` }).complete(sub("hi"), cancel.signal);
  await expect.poll(() => proxy.open).toBe(1);
  cancel.abort(new Error("the cell ended"));
  await expect(call).rejects.toThrow("the cell ended");
  await expect.poll(() => proxy.open).toBe(0);
});

test.each([
  [
    "of an unknown authority",
    () => stranger.sign("IP:127.0.0.1"),
    "does not trust (UNABLE_TO_VERIFY_LEAF_SIGNATURE); install its authority",
  ],
  ["that has expired", () => authority.sign("IP:127.0.0.1", -1), "is not valid now (CERT_HAS_EXPIRED); have it renewed"],
  ["for another name", () => authority.sign("DNS:other.example"), "for another name; is the host in OPENAI_BASE_URL right?"],
])("a certificate %s is not tried again", async (_, identity, said) => {
  await using plain = await serveOpenAi(() => "never");
  await using server = await serveTls(identity(), plain.url);
  await using proxy = await serveProxy({ to: server.port });
  const url = `https://127.0.0.1:${server.port}/v1`;
  const ways: readonly Env[] = [{}, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }];
  for (const env of ways) {
    const error = await failure(openai(url, env).complete(sub("hi"), NEVER));
    expect(error.message).toContain(said);
    expect(error.message.includes(`through the proxy http://127.0.0.1:${proxy.port}`)).toBe("HTTPS_PROXY" in env);
    expect(error).toMatchObject({ code: "E_LLM_NETWORK", data: { retryable: false } });
  }
  expect(plain.requests).toEqual([]);
});

test("who is not there, and who speaks something else, is named with a remedy", async () => {
  const mail = net.createServer(
    (socket) =>
      void socket
        .on("error", () => undefined)
        .resume()
        .end("220 mail ready\r\n"),
  );
  const port = await listen(mail);
  const said = async (url: string, env: Env = {}) =>
    (await failure(openai(url, env).complete(sub("hi"), NEVER))).message.replace(String(port), "PORT");
  expect([
    await said("http://127.0.0.1:1/v1"),
    await said("http://localhost:1/v1"),
    await said("https://models.invalid/v1"),
    await said("https://models.invalid/v1", { HTTPS_PROXY: "http://127.0.0.1:1" }),
    await said(`https://127.0.0.1:${port}/v1`),
    await said(`http://127.0.0.1:${port}/v1`),
  ]).toMatchInlineSnapshot(`
    [
      "openai at 127.0.0.1:1 could not be reached: it refuses connections (nothing listens there); is the server started, and OPENAI_BASE_URL right? (E_LLM_NETWORK)",
      "openai at localhost:1 could not be reached: it refuses connections (nothing listens there); is the server started, and OPENAI_BASE_URL right? (E_LLM_NETWORK)",
      "openai at models.invalid could not be reached: it is no host that is known; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY (E_LLM_NETWORK)",
      "openai at models.invalid could not be reached: the proxy http://127.0.0.1:1 refuses connections (nothing listens there); is HTTPS_PROXY right? NO_PROXY=models.invalid goes round it (E_LLM_NETWORK)",
      "openai at 127.0.0.1:PORT could not be reached: it does not speak TLS as this machine does; should OPENAI_BASE_URL be http://? (E_LLM_NETWORK)",
      "openai at 127.0.0.1:PORT could not be reached: it does not speak HTTP; is OPENAI_BASE_URL right? (E_LLM_NETWORK)",
    ]
  `);
  await close(mail, []);
});

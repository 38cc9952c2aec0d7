// Proxies, by the environment's variables, against a real CONNECT proxy on loopback.
import * as http from "node:http";
import * as net from "node:net";
import { expect, test } from "vitest";
import { AnthropicModel } from "../../../src/llm/anthropic.ts";
import { endpointOf, isLoopback } from "../../../src/llm/http.ts";
import { failure, NEVER, sub } from "./requests.ts";
import { serveAnthropic } from "./servers.ts";

const FACTS = { window: undefined, price: undefined };

/** Tells what it was asked for, passes plain requests on and refuses to tunnel. */
async function serveProxy() {
  const asked: string[] = [];
  const server = http.createServer((incoming, response) => {
    asked.push(`${incoming.method} ${new URL(incoming.url ?? "", "http://none").origin}`);
    const onward = http.request(incoming.url ?? "", { method: incoming.method ?? "GET", headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on("connect", (incoming: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.end("HTTP/1.1 502 no tunnel here\r\n\r\n");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked, [Symbol.dispose]: () => void server.close() };
}

test("HTTPS_PROXY: a request by https asks the proxy for a tunnel", async () => {
  using proxy = await serveProxy();
  const model = new AnthropicModel("x", FACTS, {
    ANTHROPIC_API_KEY: "test-key-1",
    ANTHROPIC_BASE_URL: "https://models.invalid",
    HTTPS_PROXY: proxy.url,
  });
  expect((await failure(model.complete(sub("hi"), NEVER))).code).toBe("E_LLM_NETWORK");
  expect(proxy.asked).toEqual(["CONNECT models.invalid:443"]);
});

test("HTTP_PROXY: a request by http goes through the proxy; NO_PROXY goes round it", async () => {
  await using server = await serveAnthropic(() => "ok");
  using proxy = await serveProxy();
  const env = { ANTHROPIC_API_KEY: "test-key-1", ANTHROPIC_BASE_URL: server.url, http_proxy: proxy.url };
  expect((await new AnthropicModel("x", FACTS, env).complete(sub("hi"), NEVER)).text).toBe("ok");
  expect(proxy.asked).toHaveLength(1);
  expect((await new AnthropicModel("x", FACTS, { ...env, NO_PROXY: "127.0.0.1" }).complete(sub("hi"), NEVER)).text).toBe("ok");
  expect(proxy.asked).toHaveLength(1);
  expect(server.requests).toHaveLength(2);
});

test.each([
  ["http://127.0.0.1:8080/v1", true],
  ["http://localhost:11434/v1", true],
  ["http://[::1]:1/", true],
  ["https://api.anthropic.com", false],
  ["http://10.0.0.1", false],
  ["https://127.0.0.1.example.com", false],
])("%s is on this machine: %s", (url, expected) => {
  expect(isLoopback(endpointOf(url, "X"))).toBe(expected);
});

test("a base URL that is none is named, without its credentials", () => {
  expect(() => endpointOf("ftp://me:secret@host/v1", "OPENAI_BASE_URL")).toThrow(
    "OPENAI_BASE_URL=ftp://[key]@host/v1 is no http or https URL",
  );
  expect(() => endpointOf("localhost", "OPENAI_BASE_URL")).toThrow("OPENAI_BASE_URL=localhost is no http or https URL");
});

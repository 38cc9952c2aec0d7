// The built command and the network: through a proxy, by this machine's certificates, not at all, and never unasked.
import { readdirSync, readFileSync, statSync } from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { close, listen, makeAuthority, serveTls } from "../src/llm/certificates.ts";
import { serveProxy } from "../src/llm/proxies.ts";
import { serveOpenAi } from "../src/llm/servers.ts";
import { cli, folder } from "./cli.ts";

const KEY = "test-key-4f9a0c77d1";
const PASSWORD = "s3cret-word";
const ASK = ["-q", "-e", "await llm_query('hi')", "--model", "openai:x"];

const authority = makeAuthority();
afterAll(() => authority[Symbol.dispose]());

function textsIn(path: string): string {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.map((name) => (statSync(join(path, name)).isFile() ? readFileSync(join(path, name), "utf8") : name)).join("\n");
}

describe("a model behind a proxy and an authority of one's own", () => {
  it.each(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])("answers, and the process ends: %s", async (variable) => {
    await using plain = await serveOpenAi(({ last }) => `re: ${last}`);
    await using server = await serveTls(authority.sign("DNS:models.example"), plain.url);
    await using proxy = await serveProxy({ to: server.port, credentials: `me:${PASSWORD}` });
    const env = {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: "https://models.example/v1",
      https_proxy: `http://me:${PASSWORD}@127.0.0.1:${proxy.port}`,
    };
    expect(await cli(ASK, { env: { ...env, [variable]: authority.path } })).toEqual({
      code: 0,
      signal: null,
      stdout: "re: hi\n",
      stderr: "",
    });
    expect(proxy.asked).toEqual(["CONNECT models.example:443"]);
  });

  it("is refused in one line where the authority is unknown, at once, with no key or password in anything that is kept", async () => {
    await using plain = await serveOpenAi(() => "never");
    await using server = await serveTls(authority.sign("DNS:models.example"), plain.url);
    await using proxy = await serveProxy({ to: server.port, credentials: `me:${PASSWORD}` });
    using files = folder({ "n.ts": "await llm_query('hi')\n// %%\nawait llm_batch_query(['a', 'b'])\n" });
    const env = {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: "https://models.example/v1",
      HTTPS_PROXY: `http://me:${PASSWORD}@127.0.0.1:${proxy.port}`,
      XDG_STATE_HOME: files.path,
    };
    const ran = await cli(["run", "n.ts", "-v", "--model", "openai:x"], { cwd: files.path, env });
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain(
      `openai at models.example could not be reached through the proxy http://127.0.0.1:${proxy.port}: it has a certificate this machine does not trust (UNABLE_TO_VERIFY_LEAF_SIGNATURE); install its authority in this machine's certificate store, or name its PEM file in NODE_EXTRA_CA_CERTS (E_LLM_NETWORK)`,
    );
    expect(proxy.asked).toHaveLength(3);
    const everything = ran.stdout + ran.stderr + textsIn(files.path);
    expect(everything).toContain("E_LLM_NETWORK");
    for (const secret of [KEY, PASSWORD, Buffer.from(`me:${PASSWORD}`).toString("base64")]) expect(everything).not.toContain(secret);
    expect(ran.stderr).not.toMatch(/node:|\.js:\d/);
  });
});

describe("--local-only", () => {
  it.each<[string[], Record<string, string>, string]>([
    [
      ["ask", "why?", "--local-only"],
      { ANTHROPIC_API_KEY: KEY },
      "api.anthropic.com is not this machine, and --local-only lets nothing leave",
    ],
    [["-e", "await llm_query('x')"], { OPENAI_API_KEY: KEY, RLM_LOCAL_ONLY: "1" }, "and RLM_LOCAL_ONLY lets nothing leave it"],
    [
      ["-e", "await llm_batch_query(['x'])", "--local-only", "--model", "offline", "--sub-model", "openai:x"],
      { OPENAI_BASE_URL: "http://203.0.113.7:8080/v1" },
      "203.0.113.7:8080 is not this machine",
    ],
  ])("%j is refused", async (args, env, said) => {
    const { code, stdout, stderr } = await cli(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).toContain("(E_LOCAL_ONLY)");
  });

  it("asks a server here, and no proxy", async () => {
    await using server = await serveOpenAi(() => "here");
    await using proxy = await serveProxy();
    const env = { OPENAI_BASE_URL: server.url.replace("127.0.0.1", "localhost"), http_proxy: `http://127.0.0.1:${proxy.port}` };
    expect(await cli([...ASK, "--local-only"], { env })).toMatchObject({ code: 0, stdout: "here\n", stderr: "" });
    expect(proxy.asked).toEqual([]);
  });
});

it("sends nothing unasked", async () => {
  let connections = 0;
  const recorder = net.createServer((socket) => {
    connections++;
    socket.destroy();
  });
  const proxy = `http://127.0.0.1:${await listen(recorder)}`;
  using files = folder({ "a.log": "timeout\n", "n.ts": "1\n// %%\nawait rg_search('timeout')\n" });
  const env = { ANTHROPIC_API_KEY: KEY, OPENAI_API_KEY: KEY, HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NODE_USE_ENV_PROXY: "1" };
  for (const args of [["--version"], ["-e", "1"], ["run", "n.ts"], ["doctor"], ["ask", "which timeout?", "a.log", "--model", "offline"]])
    expect(await cli(args, { cwd: files.path, env }), args.join(" ")).toMatchObject({ code: 0 });
  expect(connections).toBe(0);
  expect(await cli(["-q", "-e", "await llm_query('x')"], { env })).toMatchObject({ code: 5 });
  expect(connections).toBeGreaterThan(0);
  await close(recorder, []);
});

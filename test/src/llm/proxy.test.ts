// Which proxy a request gets.
import { expect, test } from "vitest";
import { proxyFor } from "../../../src/llm/proxy.ts";
import { routeTo } from "../../../src/llm/route.ts";

const P = { HTTPS_PROXY: "http://p:3128" };
const V6 = "https://[2001:db8::1]:8443";

test.each<[Record<string, string>, string, string | undefined]>([
  [{}, "https://a.example", undefined],
  [P, "https://a.example", "http://p:3128"],
  [P, "http://a.example", undefined],
  [{ HTTP_PROXY: "p:80", HTTPS_PROXY: "" }, "http://a.example", "http://p"],
  [{ HTTPS_PROXY: "http://p:1", https_proxy: "https://me:pw@q:2" }, "https://a.example", "https://q:2"],
  [{ ...P, NO_PROXY: "*" }, "https://a.example", undefined],
  [{ ...P, NO_PROXY: "b.example, example" }, "https://a.example", undefined],
  [{ ...P, NO_PROXY: ".Example" }, "https://a.example", undefined],
  [{ ...P, NO_PROXY: "*.example" }, "https://a.example", undefined],
  [{ ...P, NO_PROXY: "ample" }, "https://a.example", "http://p:3128"],
  [{ ...P, NO_PROXY: "a.example", no_proxy: "b.example" }, "https://a.example", "http://p:3128"],
  [{ ...P, NO_PROXY: "a.example:443" }, "https://a.example", undefined],
  [{ ...P, NO_PROXY: "a.example:80" }, "https://a.example", "http://p:3128"],
  [{ ...P, NO_PROXY: "10.0.0.0/8" }, "https://10.1.2.3", undefined],
  [{ ...P, NO_PROXY: "10.0.0.0/99,10.0.0.0/16" }, "https://10.1.2.3", "http://p:3128"],
  [{ ...P, NO_PROXY: "2001:db8::/32" }, V6, undefined],
  [{ ...P, NO_PROXY: "[2001:db8::1]:8443" }, V6, undefined],
  [{ ...P, NO_PROXY: "2001:db8::1" }, V6, undefined],
  [{ ...P, NO_PROXY: "2001:db8::2" }, V6, "http://p:3128"],
])("%j: %s by %s", (env, url, proxy) => {
  expect(proxyFor(new URL(url), env)?.shown).toBe(proxy);
});

test.each(["socks5://me:secret@p:1080", "http://", "http://me:secret@", "::"])("%s is refused, and not gone round", (value) => {
  const refused = () => proxyFor(new URL("https://a.example"), { https_proxy: value });
  expect(refused).toThrow("https_proxy is no http or https proxy; write http://HOST:PORT, or unset it");
});

test("a base URL that is none is named, without its credentials", () => {
  expect(() => routeTo("ftp://me:secret@host/v1", "OPENAI_BASE_URL", {})).toThrow(
    "OPENAI_BASE_URL=ftp://[key]@host/v1 is no http or https URL",
  );
  expect(() => routeTo("localhost", "OPENAI_BASE_URL", {})).toThrow("OPENAI_BASE_URL=localhost is no http or https URL");
});

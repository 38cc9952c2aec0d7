// No spelling of a key gets through.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { scrub } from "../../../src/llm/secrets.ts";

test("a key is blanked out wherever and however it stands", () => {
  const key = fc.stringMatching(/^[\w+/=.~$^*()-]{12,40}$/);
  fc.assert(
    fc.property(key, fc.string(), fc.string(), (secret, before, after) => {
      const base64 = Buffer.from(secret).toString("base64");
      const said = `${before} ${secret} ${encodeURIComponent(secret)} ${JSON.stringify({ secret })} ${base64} ${after}`;
      const clean = scrub(said, [secret]);
      return ![secret, encodeURIComponent(secret), base64].some((form) => clean.includes(form));
    }),
  );
});

test.each([
  ["Bearer abcdefgh12345", "Bearer [key]"],
  ["the key sk-ant-api03-AAAA_bbbb-1234 is", "the key [key] is"],
  ["http://me:pass@proxy:8080/ refused", "http://[key]@proxy:8080/ refused"],
  ["nothing to hide", "nothing to hide"],
])("%s", (text, clean) => {
  expect(scrub(text, [])).toBe(clean);
});

// Every way not to reach a model, in words: what is wrong, and what to do.
import { expect, test } from "vitest";
import { inWords, UnreachableError } from "../../../src/llm/unreachable.ts";

const DESTINATION = { endpoint: "models.example", baseVariable: "OPENAI_BASE_URL", proxy: undefined };

test("codes of sockets and certificates", () => {
  const network = ["EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ECONNRESET", "EWHATEVER"];
  const certificates = ["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_REVOKED"];
  const told = [...network, ...certificates].map((code) => {
    const error = new UnreachableError("host", Object.assign(new Error(`connect ${code} timed out`), { code }));
    // What an SDK takes for its own deadline, and then forgets why.
    expect(String(error)).not.toMatch(/timed? ?out/i);
    const { text, retryable } = inWords(error, DESTINATION);
    return `${retryable ? "again" : "never"}${text}`;
  });
  expect(told).toMatchInlineSnapshot(`
    [
      "again: it has a name that cannot be looked up now; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "again: it does not answer; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "again: it cannot be reached from this network; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "again: it cannot be reached from this network; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "again: it closed the connection in the middle; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "again: it failed with EWHATEVER; is this machine online, and OPENAI_BASE_URL right? Where a proxy is needed, set HTTPS_PROXY",
      "never: it has a certificate this machine does not trust (DEPTH_ZERO_SELF_SIGNED_CERT); install its authority in this machine's certificate store, or name its PEM file in NODE_EXTRA_CA_CERTS",
      "never: it has a certificate this machine does not trust (SELF_SIGNED_CERT_IN_CHAIN); install its authority in this machine's certificate store, or name its PEM file in NODE_EXTRA_CA_CERTS",
      "never: it has a certificate this machine does not trust (UNABLE_TO_GET_ISSUER_CERT_LOCALLY); install its authority in this machine's certificate store, or name its PEM file in NODE_EXTRA_CA_CERTS",
      "never: it has a certificate that is not accepted (CERT_REVOKED); ask those who run it for another",
    ]
  `);
});

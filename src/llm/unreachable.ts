// Why no reply came, from what the socket or the proxy said to one line with a remedy.
import { messageOf } from "../errors.ts";
import { isLoopback } from "./loopback.ts";
import type { Proxy } from "./proxy.ts";

/**
 * A connection that failed at the host or at the proxy before it. Its message and its lack of a cause are on purpose: an SDK that reads
 * "timed out" there forgets the rest.
 */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  readonly at: "host" | "proxy";
  /** `ECONNREFUSED`, `CERT_HAS_EXPIRED`, …, or what was said. */
  readonly said: string;
  /** What a proxy answered instead of making a tunnel. */
  readonly status: number | undefined;

  constructor(at: "host" | "proxy", reason: unknown, status?: number) {
    super("no connection");
    this.at = at;
    this.said = codeOf(reason) ?? messageOf(reason);
    this.status = status;
  }
}

/** Who could not be reached. */
export interface Destination {
  readonly endpoint: string;
  /** The variable that can name another: `OPENAI_BASE_URL`. */
  readonly baseVariable: string;
  readonly proxy: Proxy | undefined;
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections (nothing listens there)",
  ENOTFOUND: "is no host that is known",
  EAI_AGAIN: "has a name that cannot be looked up now",
  ETIMEDOUT: "does not answer",
  EHOSTUNREACH: "cannot be reached from this network",
  ENETUNREACH: "cannot be reached from this network",
  ECONNRESET: "closed the connection in the middle",
};
const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED|CERT_CHAIN_TOO_LONG|INVALID_CA)/;
const TRUST = "install its authority in this machine's certificate store, or name its PEM file in NODE_EXTRA_CA_CERTS";

/** `text` follows "could not be reached". */
export function inWords(error: UnreachableError, { endpoint, baseVariable, proxy }: Destination): { text: string; retryable: boolean } {
  const isProxy = error.at === "proxy" && proxy !== undefined;
  const through = proxy === undefined || isProxy ? "" : ` through the proxy ${proxy.shown}`;
  const variable = isProxy ? proxy.variable : baseVariable;
  const [predicate, remedy, retryable = false] =
    isProxy && error.status !== undefined
      ? ofProxyStatus(error.status, proxy)
      : (ofCertificate(error.said, variable) ?? ofProtocol(error.said, variable) ?? ofNetwork(error.said, endpoint, variable, proxy));
  const round = isProxy ? `${remedy.endsWith("?") ? "" : ";"} NO_PROXY=${endpoint} goes round it` : "";
  return { text: `${through}: ${isProxy ? `the proxy ${proxy.shown}` : "it"} ${predicate}; ${remedy}${round}`, retryable };
}

type Explained = readonly [predicate: string, remedy: string, retryable?: boolean];

function ofProxyStatus(status: number, { variable }: Proxy): Explained {
  if (status === 407) return ["asks for a user and a password (407)", `put USER:PASSWORD@ before the host in ${variable}`];
  if (status === 403) return ["refuses to connect there (403)", "ask for the host to be allowed"];
  return [`could not connect there (${status})`, `is ${variable} right?`, status >= 500];
}

function ofCertificate(said: string, variable: string): Explained | undefined {
  if (UNTRUSTED.test(said)) return [`has a certificate this machine does not trust (${said})`, TRUST];
  if (said === "ERR_TLS_CERT_ALTNAME_INVALID") return ["has a certificate for another name", `is the host in ${variable} right?`];
  if (said === "CERT_HAS_EXPIRED" || said === "CERT_NOT_YET_VALID")
    return [`has a certificate that is not valid now (${said})`, "have it renewed, or set this machine's clock"];
  return said.startsWith("CERT_") ? [`has a certificate that is not accepted (${said})`, "ask those who run it for another"] : undefined;
}

function ofProtocol(said: string, variable: string): Explained | undefined {
  if (said === "EPROTO" || said.startsWith("ERR_SSL_"))
    return ["does not speak TLS as this machine does", `should ${variable} be http://?`];
  return said.startsWith("HPE_") ? ["does not speak HTTP", `is ${variable} right?`] : undefined;
}

function ofNetwork(said: string, endpoint: string, variable: string, proxy: Proxy | undefined): Explained {
  const remedy =
    proxy !== undefined
      ? `is ${variable} right?`
      : isLoopback(endpoint)
        ? `is the server started, and ${variable} right?`
        : `is this machine online, and ${variable} right? Where a proxy is needed, set HTTPS_PROXY`;
  return [NETWORK[said] ?? `failed with ${said}`, remedy, true];
}

/** Of several addresses that failed, Node gives the first one's. */
function codeOf(reason: unknown): string | undefined {
  return typeof reason === "object" && reason !== null && "code" in reason && typeof reason.code === "string" ? reason.code : undefined;
}

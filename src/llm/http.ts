// The one door to the network: `fetch` over node:http for the SDKs. It honours HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the given
// environment, ends the socket when the signal fires, waits for a reply as long as its caller does, and bounds the reply's size.
import type * as http from "node:http";
import { HostError } from "../errors.ts";
import { scrub } from "./secrets.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** No reply of a model comes near it; a broken server that streams without end meets it. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024;
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"] as const;

/**
 * Node's own `fetch` gives up after 300 s without headers and takes its proxy from the process only; `proxyEnv` of an agent
 * (Node ≥ 24.5) does neither. Redirects are not followed: a key is never sent to another host.
 */
export function createFetch(env: Environment): Fetch {
  // Loaded on first use, and not by `import`, which would load Node's own fetch too: 35 ms of every start.
  const http = process.getBuiltinModule("node:http");
  const https = process.getBuiltinModule("node:https");
  const options = { keepAlive: true, proxyEnv: proxyEnvironment(env) };
  const agents = { "http:": new http.Agent(options), "https:": new https.Agent(options) };

  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const agent = url.protocol === "https:" ? agents["https:"] : agents["http:"];
    const send = url.protocol === "https:" ? https.request : http.request;
    return new Promise((resolve, reject) => {
      const { signal, method = "GET", body } = init;
      const headers = Object.fromEntries(new Headers(init.headers));
      const request = send(url, { agent, method, headers, ...(signal ? { signal } : {}) });
      request.on("error", reject);
      request.once("response", (response) => {
        collect(response).then((bytes) => resolve(toResponse(response, bytes)), reject);
      });
      request.end(typeof body === "string" || body instanceof Uint8Array ? body : undefined);
    });
  };
}

function proxyEnvironment(env: Environment): NodeJS.ProcessEnv | undefined {
  const set = PROXY_VARIABLES.filter((name) => env[name]);
  return set.length === 0 ? undefined : Object.fromEntries(set.map((name) => [name, env[name]]));
}

async function collect(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) {
      response.destroy();
      throw new ReplyTooLargeError();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The server's reply passes MAX_REPLY_BYTES. */
export class ReplyTooLargeError extends Error {
  override readonly name = "ReplyTooLargeError";
  constructor() {
    super(`the server's reply is over ${MAX_REPLY_BYTES / 1024 / 1024} MiB`);
  }
}

function toResponse(response: http.IncomingMessage, bytes: Buffer): Response {
  const status = response.statusCode ?? 502;
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return new Response(NO_BODY.has(status) ? null : Uint8Array.from(bytes), { status, headers });
}

/** Host and port a base URL leads to. `variable` is where it came from. Throws E_USAGE. */
export function endpointOf(baseUrl: string, variable: string): string {
  const url = URL.parse(baseUrl);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url.host;
  throw new HostError("E_USAGE", `${variable}=${scrub(baseUrl, [])} is no http or https URL`);
}

/** Whether requests to `host:port` stay on this machine. */
export function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(`http://${endpoint}`);
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

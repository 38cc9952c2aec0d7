// The one door to the network: `fetch` over node:http for the SDKs, along one route. It ends the socket when the signal fires, waits for
// a reply as long as its caller does, and bounds the reply's size.
import type { IncomingMessage } from "node:http";
import { HostError } from "../errors.ts";
import { ReplyTooLargeError } from "./failure.ts";
import { opener } from "./opener.ts";
import type { Route } from "./route.ts";
import { UnreachableError } from "./unreachable.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** No reply of a model comes near it; a broken server that streams without end meets it. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024;
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const PROXY_AUTHENTICATION_REQUIRED = 407;

/**
 * Rejects with UnreachableError, ReplyTooLargeError or E_LOCAL_ONLY. Node's own `fetch` gives up after 300 s without headers and takes its
 * proxy from the process only. Redirects are not followed: a key is never sent to another host.
 */
export function createFetch(route: Route): Fetch {
  const open = opener(route);
  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    return new Promise((resolve, reject) => {
      if (url.origin !== route.baseUrl.origin) throw new HostError("E_DEFECT", "a request left its route");
      const { signal, method = "GET", body } = init;
      const request = open(url, {
        method,
        headers: Object.fromEntries(new Headers(init.headers)),
        ...(signal ? { signal } : {}),
      });
      const fail = (error: unknown): void =>
        reject(isOurs(error) ? error : new UnreachableError(request.isToProxy ? "proxy" : "host", error));
      request.sent.on("error", fail);
      request.sent.once("response", (response) => {
        if (request.isToProxy && response.statusCode === PROXY_AUTHENTICATION_REQUIRED) {
          response.destroy();
          reject(new UnreachableError("proxy", "no credentials", response.statusCode));
          return;
        }
        collect(response).then((bytes) => resolve(toResponse(response, bytes)), fail);
      });
      request.sent.end(typeof body === "string" || body instanceof Uint8Array ? body : undefined);
    });
  };
}

function isOurs(error: unknown): boolean {
  return error instanceof HostError || error instanceof UnreachableError || error instanceof ReplyTooLargeError;
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) {
      response.destroy();
      throw new ReplyTooLargeError(MAX_REPLY_BYTES);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toResponse(response: IncomingMessage, bytes: Buffer): Response {
  const status = response.statusCode ?? 502;
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return new Response(NO_BODY.has(status) ? null : Uint8Array.from(bytes), { status, headers });
}

// https through a proxy: CONNECT, then TLS to the host inside. The proxy sees host and port, nothing of the request.
import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import * as tls from "node:tls";
import type { Proxy } from "./proxy.ts";
import { trustedContext } from "./trust.ts";
import { UnreachableError } from "./unreachable.ts";

export interface TunnelRequestOptions extends https.RequestOptions {
  /** Ends the making of the tunnel: the agent keeps `signal` to itself. */
  readonly tunnelSignal?: AbortSignal;
}

export class TunnelAgent extends https.Agent {
  readonly #proxy: Proxy;
  readonly #toProxy: http.Agent;

  constructor(proxy: Proxy) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#toProxy = agentTo(proxy, false);
  }

  override createConnection(options: TunnelRequestOptions, done?: (error: Error | null, socket: Duplex) => void): undefined {
    const host = options.host ?? "";
    const path = `${isIP(host) === 6 ? `[${host}]` : host}:${options.port ?? 443}`;
    const signal = options.tunnelSignal === undefined ? {} : { signal: options.tunnelSignal };
    const connect = requestTo(this.#proxy, { agent: this.#toProxy, method: "CONNECT", path, headers: { host: path }, ...signal });
    // The type wants a socket beside an error; the agent does not look at it.
    const fail = (reason: unknown, status?: number): void => done?.(new UnreachableError("proxy", reason, status), new Duplex());
    connect.once("connect", (answer, socket) => {
      if (answer.statusCode === 200) {
        const servername = isIP(host) === 0 ? { servername: host } : {};
        done?.(null, tls.connect({ socket, host, ...servername, ALPNProtocols: ["http/1.1"], secureContext: trustedContext() }));
      } else {
        socket.destroy();
        fail("no tunnel", answer.statusCode);
      }
    });
    connect.once("error", (error) => fail(error));
    connect.end();
    return undefined;
  }
}

/** For requests to the proxy; its idle connections do not keep the process alive. */
export function agentTo({ url }: Proxy, keepAlive: boolean): http.Agent {
  return url.protocol === "https:" ? new https.Agent({ keepAlive, secureContext: trustedContext() }) : new http.Agent({ keepAlive });
}

export interface ProxyRequestOptions extends http.RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that the proxy itself reads, with its credentials. */
export function requestTo({ url, authorization }: Proxy, options: ProxyRequestOptions): http.ClientRequest {
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const headers = { ...options.headers, ...(authorization === undefined ? {} : { "proxy-authorization": authorization }) };
  // Without its own name, the proxy's certificate would be held against the header `host`.
  const to = { host, port: url.port || (isTls ? 443 : 80), servername: isIP(host) === 0 ? host : "" };
  return (isTls ? https : http).request({ ...options, ...to, headers });
}

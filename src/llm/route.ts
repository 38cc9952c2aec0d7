// How requests to a base URL travel: straight, or through a proxy; and under `--local-only` by no socket that leaves this machine.
import * as http from "node:http";
import * as https from "node:https";
import { HostError } from "../errors.ts";
import type { Environment } from "./http.ts";
import { localLookup, requireLocalAddress } from "./loopback.ts";
import { proxyFor, type Proxy } from "./proxy.ts";
import { scrub } from "./secrets.ts";
import { trustedContext } from "./trust.ts";
import { agentTo, requestTo, TunnelAgent } from "./tunnel.ts";

export interface Route {
  readonly baseUrl: URL;
  /** Host and port they go to. */
  readonly endpoint: string;
  /** Who wants nothing to leave this machine (`--local-only`); there is no proxy then. */
  readonly localOnly: string | undefined;
  readonly proxy: Proxy | undefined;
}

/** `variable` is where the URL came from. Throws E_USAGE. */
export function routeTo(baseUrl: string, variable: string, env: Environment, localOnly?: string): Route {
  const url = URL.parse(baseUrl);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new HostError("E_USAGE", `${variable}=${scrub(baseUrl, [])} is no http or https URL`);
  const proxy = localOnly === undefined ? proxyFor(url, env) : undefined;
  return { baseUrl: url, endpoint: url.host, localOnly, proxy };
}

interface Opened {
  readonly sent: http.ClientRequest;
  /** What fails on the socket is the proxy's doing. */
  readonly isToProxy: boolean;
}

export interface RequestOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

type Open = (url: URL, options: RequestOptions) => Opened;

/** Makes the route's agent, and how a request is begun with it, which throws E_LOCAL_ONLY for one that would leave this machine. */
export function opener({ baseUrl, endpoint, localOnly, proxy }: Route): Open {
  const isTls = baseUrl.protocol === "https:";
  if (proxy !== undefined && isTls) {
    const agent = new TunnelAgent(proxy);
    return (url, options) => {
      const tunnel = options.signal === undefined ? {} : { tunnelSignal: options.signal };
      return { sent: https.request(url, { ...options, ...tunnel, agent }), isToProxy: false };
    };
  }
  if (proxy !== undefined) {
    const agent = agentTo(proxy, true);
    return (url, options) => ({
      sent: requestTo(proxy, {
        ...options,
        agent,
        path: `${url.origin}${url.pathname}${url.search}`,
        headers: { ...options.headers, host: url.host },
      }),
      isToProxy: true,
    });
  }
  const options = { keepAlive: true, ...(localOnly === undefined ? {} : { lookup: localLookup(localOnly) }) };
  const agent = isTls ? new https.Agent({ ...options, secureContext: trustedContext() }) : new http.Agent(options);
  const send = isTls ? https.request : http.request;
  return (url, requested) => {
    if (localOnly !== undefined) requireLocalAddress(endpoint, localOnly);
    return { sent: send(url, { ...requested, agent }), isToProxy: false };
  };
}

// Requests along a route: the one agent it needs, and the sockets behind it. Loaded with the first request.
import * as http from "node:http";
import * as https from "node:https";
import { localLookup, requireLocalAddress } from "./loopback.ts";
import type { Route } from "./route.ts";
import { trustedContext } from "./trust.ts";
import { agentTo, requestTo, TunnelAgent } from "./tunnel.ts";

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

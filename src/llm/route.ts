// How requests to a base URL travel: straight, or through a proxy; and under `--local-only` by no socket that leaves this machine.
import { HostError } from "../errors.ts";
import type { Environment } from "./http.ts";
import { proxyFor, type Proxy } from "./proxy.ts";
import { scrub } from "./secrets.ts";

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

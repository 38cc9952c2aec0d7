// Which proxy a request goes through: HTTPS_PROXY or HTTP_PROXY by the kind of URL, unless NO_PROXY names the host. Lower case goes first,
// as everywhere. Node's own `proxyEnv` takes what it cannot use for no proxy, trusts fewer certificates there, and says less of a failure.
import { BlockList, isIP, isIPv6 } from "node:net";
import { HostError } from "../errors.ts";
import type { Environment } from "./http.ts";

export interface Proxy {
  readonly url: URL;
  /** Without its credentials. */
  readonly shown: string;
  /** Who named it: `HTTPS_PROXY`. */
  readonly variable: string;
  /** Header `proxy-authorization`. */
  readonly authorization?: string;
  /** What of it must never be said. */
  readonly secrets: readonly string[];
}

/** Throws E_USAGE for what is no http or https proxy: a request that was to go through one must not go round it. */
export function proxyFor(target: URL, env: Environment): Proxy | undefined {
  const [variable, value] = firstSet(env, target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (value === undefined || isExempt(target, firstSet(env, "NO_PROXY")[1] ?? "")) return undefined;
  const url = URL.parse(value.includes("://") ? value : `http://${value}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "")
    throw new HostError("E_USAGE", `${variable} is no http or https proxy; write http://HOST:PORT, or unset it`);
  const shown = `${url.protocol}//${url.host}`;
  if (url.username === "" && url.password === "") return { url, shown, variable, secrets: [] };
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return { url, shown, variable, authorization, secrets: [`${user}:${password}`, password, url.password] };
}

function firstSet(env: Environment, name: string): readonly [name: string, value: string | undefined] {
  const found = [name.toLowerCase(), name].find((each) => (env[each] ?? "").trim() !== "");
  return [found ?? name, found === undefined ? undefined : env[found]?.trim()];
}

/** `*`; a host or domain, with or without a dot or `*.` before it; an address or a subnet; each of them with or without a port. */
function isExempt(target: URL, list: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const port = target.port || (target.protocol === "https:" ? "443" : "80");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      const [, name = "", onlyPort] = isIPv6(entry) ? [entry, entry] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
      if (onlyPort !== undefined && onlyPort !== port) return false;
      const domain = name.replace(/^\[|\]$|^\*?\./g, "");
      return domain === "*" || domain === host || (isIP(host) === 0 ? host.endsWith(`.${domain}`) : isInSubnet(host, domain));
    });
}

function isInSubnet(address: string, subnet: string): boolean {
  const [, net = "", bits = ""] = /^(.+)\/(\d+)$/.exec(subnet) ?? [];
  const family = isIPv6(net) ? "ipv6" : "ipv4";
  if (isIP(net) === 0 || Number(bits) > (family === "ipv6" ? 128 : 32)) return false;
  const block = new BlockList();
  block.addSubnet(net, Number(bits), family);
  return block.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

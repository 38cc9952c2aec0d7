// This machine and no other: which addresses are its own, and the refusal of all others under `--local-only`. Names are judged by what
// they resolve to, at the socket too, so that a name that changes its mind leads nowhere else.
import * as dns from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";
import { HostError } from "../errors.ts";
import type { Model } from "./model.ts";

/** Nobody serves these from this machine: not even their names are looked up. */
const PROVIDER_HOSTS: ReadonlySet<string> = new Set(["api.anthropic.com", "api.openai.com"]);

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function isLoopbackAddress(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** Whether requests to `host:port` stay on this machine, by the look of it: an address, or `localhost`. */
export function isLoopback(endpoint: string): boolean {
  const host = hostOf(endpoint);
  return isIP(host) === 0 ? host === "localhost" || host.endsWith(".localhost") : isLoopbackAddress(host);
}

/** Throws E_LOCAL_ONLY for a model whose requests leave this machine. `source`: who wants none to, `--local-only`. */
export async function requireLocal({ endpoint }: Pick<Model, "endpoint">, source: string): Promise<void> {
  if (endpoint === undefined || isLoopback(endpoint)) return;
  const host = hostOf(endpoint);
  const mayBeLocal = isIP(host) === 0 && host !== "" && !PROVIDER_HOSTS.has(host);
  const found = mayBeLocal ? await dns.promises.lookup(host, { all: true }).catch(() => []) : [];
  if (found.length === 0 || !found.every(({ address }) => isLoopbackAddress(address))) throw leavesMachine(endpoint, source);
}

/** Throws E_LOCAL_ONLY for an address that is not this machine's; names are for `localLookup`. */
export function requireLocalAddress(endpoint: string, source: string): void {
  const host = hostOf(endpoint);
  if (isIP(host) !== 0 && !isLoopbackAddress(host)) throw leavesMachine(endpoint, source);
}

/** For sockets: finds a name's addresses as `lookup` does, and fails with E_LOCAL_ONLY when one of them is not this machine's. */
export function localLookup(source: string, lookup: LookupFunction = dns.lookup): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [];
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error, found);
      else if (!addresses.every(({ address }) => isLoopbackAddress(address))) callback(leavesMachine(host, source), "");
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function leavesMachine(endpoint: string, source: string): HostError {
  return new HostError(
    "E_LOCAL_ONLY",
    `${endpoint} is not this machine, and ${source} lets nothing leave it: choose offline, or a server here by OPENAI_BASE_URL or ANTHROPIC_BASE_URL (http://127.0.0.1:PORT), or do without ${source}`,
  );
}

function hostOf(endpoint: string): string {
  return URL.parse(`http://${endpoint}`)?.hostname.replace(/^\[|\]$/g, "") ?? "";
}

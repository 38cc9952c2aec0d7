// Tells of the first request to each host that is not this machine.
import { isLoopback } from "./loopback.ts";
import type { Model } from "./model.ts";

/** `tell(endpoint)` is called once for each remote host and port, before its first request. */
export function tellFirstRemote(tell: (endpoint: string) => void): (model: Model) => void {
  const told = new Set<string>();
  return ({ endpoint }) => {
    if (endpoint === undefined || told.has(endpoint) || isLoopback(endpoint)) return;
    told.add(endpoint);
    tell(endpoint);
  };
}

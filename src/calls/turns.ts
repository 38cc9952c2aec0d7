// Host calls that read files or walk trees take turns: a cell may make ten thousand at once, and each would hold files and processes open.
import type { LimitFunction } from "p-limit";
import type { Handler } from "./types.ts";

/** A handler that waits for its turn; what was cancelled meanwhile does not begin. */
export function inTurn(turns: LimitFunction, handler: Handler): Handler {
  return async (args, call) =>
    await turns(() => {
      call.signal.throwIfAborted();
      return handler(args, call);
    });
}

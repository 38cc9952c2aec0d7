// What the end of an entry means: for the running cell, and for the kernel. One table, so that no end is forgotten.
import type { Ended } from "../../sandbox/index.ts";
import type { Limits } from "../../sandbox/limits.ts";
import type { OutcomeKind, SessionState } from "../../sandbox/outcome.ts";

/** What ends a running cell from outside its own code. */
export interface Cut {
  readonly kind: OutcomeKind;
  readonly error: { readonly name: string; readonly message: string; readonly code?: string };
  readonly state?: SessionState;
}

export interface Verdict {
  readonly cut?: Cut;
  readonly warning?: string;
  /** The isolate is gone, or not worth keeping. */
  readonly kernelLost?: boolean;
}

export const INTERRUPTED = { name: "Interrupted", message: "the cell was interrupted" };

export const NEVER_SETTLES = {
  name: "Error",
  code: "E_NEVER_SETTLES",
  message: "the cell waits for a promise that nothing can settle: no host call and no timer is pending (E_NEVER_SETTLES)",
};

export function verdict(ended: Ended, limits: Limits): Verdict {
  switch (ended.end) {
    case "ok":
      return {};
    case "threw":
      return unhandled(ended.message ?? "unknown");
    case "timeout":
      return {
        cut: { kind: "timeout", error: timedOut(limits), state: "partial" },
        ...(ended.message === undefined ? {} : unhandled(ended.message)),
      };
    case "disposed":
      return { cut: { kind: "timeout", error: timedOut(limits), state: "lost" }, kernelLost: true };
    case "memory":
      return { cut: { kind: "memory", error: outOfMemory(limits), state: "lost" }, kernelLost: true };
    case "dead":
      return { cut: dead(ended.death, limits), kernelLost: true };
  }
}

function unhandled(message: string): { readonly warning: string } {
  return { warning: `an error or rejection that nobody handled: ${message}` };
}

function dead(death: (Ended & { end: "dead" })["death"], limits: Limits): Cut {
  switch (death) {
    case "memory":
      return { kind: "memory", error: outOfMemory(limits), state: "lost" };
    case "stuck":
      return {
        kind: "killed",
        error: { name: "Killed", message: "the cell did not stop at its time limit and its sandbox was ended" },
        state: "lost",
      };
    case "silent":
      return { kind: "killed", error: { name: "Killed", message: "the sandbox stopped answering and was ended" }, state: "lost" };
    case "forged":
      return { kind: "killed", error: { name: "Killed", message: "the sandbox broke its protocol and was ended" }, state: "lost" };
    case "closed":
    case "died":
      return { kind: "killed", error: { name: "Killed", message: "the sandbox process died" }, state: "lost" };
  }
}

export function timedOut({ sliceMs }: Limits): { readonly name: string; readonly message: string } {
  return {
    name: "Timeout",
    message: `the code ran ${sliceMs / 1000} s without a pause, or past the cell's own time; do less in a cell, or raise --cell-timeout`,
  };
}

function outOfMemory({ memoryMb }: Limits): { readonly name: string; readonly message: string } {
  return {
    name: "OutOfMemory",
    message: `the cell needed more memory than the sandbox has (${memoryMb} MB beside the context); hold less at a time, or raise --memory`,
  };
}

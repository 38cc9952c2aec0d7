// Exit codes: the one place that knows them.
import { HostError } from "../errors.ts";
import type { CellResult } from "../library/result.ts";

export const EXIT = { ok: 0, cell: 1, usage: 2, budget: 3, limit: 4, provider: 5, defect: 70, interrupted: 130, terminated: 143 } as const;

/** Of an error the host reports. */
export function exitOfCode(code: string | undefined): number {
  switch (code) {
    case "E_USAGE":
    case "E_NO_MODEL":
    case "E_LOCAL_ONLY":
      return EXIT.usage;
    case "E_BUDGET":
      return EXIT.budget;
    case "E_RESTART_LIMIT":
    case "E_KERNEL":
      return EXIT.limit;
    case "E_LLM_SCHEMA":
    case "E_LLM_TOO_LARGE":
      return EXIT.cell;
    default:
      return code?.startsWith("E_LLM_") === true ? EXIT.provider : EXIT.cell;
  }
}

export function exitOfResult({ outcome, error }: CellResult): number {
  switch (outcome) {
    case "ok":
    case "final":
      return EXIT.ok;
    case "threw":
      return exitOfCode(error?.code);
    case "rejected":
      return EXIT.cell;
    case "timeout":
    case "memory":
    case "killed":
      return EXIT.limit;
    case "interrupted":
      return EXIT.interrupted;
  }
}

export function exitOfError(error: unknown): number {
  if (!(error instanceof HostError)) return EXIT.defect;
  if (error.data["missing_key"] === true) return EXIT.usage;
  const code = exitOfCode(error.code);
  // What a cell could have caused is 1 there; thrown at us before any cell ran, it is how we were called.
  return code === EXIT.cell ? EXIT.usage : code;
}

// A loaded context as the value a cell sees; a session's isolate and a scan's read it alike.
import type { ContextSetup } from "./contract.ts";
import { parseJson } from "./primordials.ts";

export function contextValue({ kind }: ContextSetup, text: string): unknown {
  switch (kind) {
    case "json":
      return parseJson(text);
    case "jsonl":
      return text
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => parseJson(line) as unknown);
    default:
      return text;
  }
}

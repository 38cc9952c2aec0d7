// help(): signature, meaning and one example, out of the contract itself, so that it cannot say anything else than the types do.
import contract from "../prelude.d.ts?text";
import { contractEntries, type ContractEntry } from "./contract-entries.ts";
import { EXAMPLES } from "./examples.ts";

let contractOwn: readonly ContractEntry[] | undefined;

/** `more`: functions of the user's own. */
export function help(name: unknown, more: readonly Pick<ContractEntry, "name" | "told" | "signature">[]): string {
  contractOwn ??= contractEntries(contract);
  const entries = [...contractOwn, ...more];
  const names = [...new Set(entries.map((entry) => entry.name))];
  if (name === undefined || name === null) return `${names.join("  ")}\n\nhelp("llm_query") shows one.`;
  const wanted = typeof name === "function" ? name.name : typeof name === "string" ? name.slice(0, 100) : typeof name;
  const found = entries.filter((entry) => entry.name === wanted);
  if (found.length === 0) return `There is no ${wanted} in the prelude. There are: ${names.join("  ")}`;
  const example = EXAMPLES[wanted];
  return [
    ...found.map(({ told, signature }) => `${told}\n${signature}`.trim()),
    ...(example === undefined ? [] : [`Example:\n${example}`]),
  ].join("\n");
}

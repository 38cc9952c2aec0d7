// help(): signature, meaning and one example, out of the contract itself, so that it cannot say anything else than the types do.
import contract from "../prelude.d.ts?text";
import { EXAMPLES } from "./examples.ts";

interface Entry {
  readonly name: string;
  readonly text: string;
}

let entries: readonly Entry[] | undefined;

export function help(name: unknown): string {
  entries ??= read(contract);
  const names = [...new Set(entries.map((entry) => entry.name))];
  if (name === undefined || name === null) return `${names.join("  ")}\n\nhelp("llm_query") shows one.`;
  const wanted = typeof name === "function" ? name.name : String(name).slice(0, 100);
  const found = entries.filter((entry) => entry.name === wanted);
  if (found.length === 0) return `There is no ${wanted} in the prelude. There are: ${names.join("  ")}`;
  const example = EXAMPLES[wanted];
  return [...found.map((entry) => entry.text), ...(example === undefined ? [] : [`Example:\n${example}`])].join("\n");
}

/** Each `declare function` and `declare const` with the comment before it; an overload without one of its own follows the last. */
function read(text: string): Entry[] {
  const found = text.matchAll(
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?((?:interface \w+(?: extends \w+)? \{[\s\S]*?\n?\}\s*)?)declare (function|const) (\w+)([^;]*(?:\{[^}]*\})?[^;]*;)/g,
  );
  return [...found].map(([, comment = "", types = "", kind, name = "", rest]) => ({
    name,
    text: `${comment
      .replace(/^\s*(?:\/\*\*|\*\/|\*) ?/gm, "")
      .replace(/\*\/\s*$/, "")
      .trim()}\n${types.trim()}\n${kind} ${name}${rest}`
      .replace(/\n{2,}/g, "\n")
      .trim(),
  }));
}

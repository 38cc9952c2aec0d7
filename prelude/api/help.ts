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
  const wanted = typeof name === "function" ? name.name : typeof name === "string" ? name.slice(0, 100) : typeof name;
  const found = entries.filter((entry) => entry.name === wanted);
  if (found.length === 0) return `There is no ${wanted} in the prelude. There are: ${names.join("  ")}`;
  const example = EXAMPLES[wanted];
  return [...found.map((entry) => entry.text), ...(example === undefined ? [] : [`Example:\n${example}`])].join("\n");
}

/** Each `declare function` and `declare const` with what stands between it and the declaration before: its comment, its options. */
function read(text: string): Entry[] {
  const parts = text.split(/^declare /m);
  return parts.slice(1).map((part, i) => {
    const before = parts[i] ?? "";
    const told = i === 0 ? before.slice(before.lastIndexOf("/**")) : before.slice(endOf(before));
    const signature = part.slice(0, endOf(part)).trim();
    return { name: /^\w+ (\w+)/.exec(signature)?.[1] ?? "", text: `${plain(told)}\n${signature}`.trim() };
  });
}

/** Where a declaration ends: at the first semicolon outside its brackets. */
function endOf(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "(") depth++;
    else if (char === "}" || char === ")") depth--;
    else if (char === ";" && depth === 0) return at + 1;
  }
  return text.length;
}

/** Comments without their marks. */
function plain(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\*(?!\/))? ?/, "").replace(/\s*\*\/$/, ""))
    .filter((line) => line !== "")
    .join("\n");
}

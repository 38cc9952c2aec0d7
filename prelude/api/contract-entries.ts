// The contract read as data: each declaration with what is said about it. `help()` and docs/prelude.md come from here.

export interface ContractEntry {
  readonly name: string;
  /** What stands between this declaration and the one before, its comment and the types of its options, as it is written. */
  readonly before: string;
  /** The same as prose, without comment marks. */
  readonly told: string;
  readonly signature: string;
}

/** Each `declare function` and `declare const`, in order; overloads are entries of their own. */
export function contractEntries(text: string): ContractEntry[] {
  const parts = text.split(/^declare /m);
  return parts.slice(1).map((part, i) => {
    const before = parts[i] ?? "";
    const told = i === 0 ? before.slice(before.lastIndexOf("/**")) : before.slice(endOf(before));
    const signature = part.slice(0, endOf(part)).trim();
    return { name: /^\w+ (\w+)/.exec(signature)?.[1] ?? "", before: told.trim(), told: plain(told), signature };
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

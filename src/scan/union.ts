// Many rules as one. To compile a rule takes up to 3 ms, and the parser keeps none of them: over small files that would be nearly all of
// the time. Rules of a kind share most of their text, so all that a file is fit for are compiled as one, and only where that finds something
// are they run one by one: what is told comes from there.
import { isFields, type Matcher, type Rule } from "./rule.ts";

/** Constraints hold for a matcher as a whole, behind its alternatives. */
export function canBeJoined({ matcher }: Rule): boolean {
  return matcher.constraints === undefined;
}

/** Any of them. Utils that are the same in several rules are there once. */
export function unionOf(rules: readonly Rule[]): Matcher {
  const utils: Record<string, unknown> = {};
  const names = new Map<string, string>();
  const any = rules.map(({ matcher }) => {
    const own = new Map<string, string>();
    /** The name of a util in the union. */
    const nameOf = (name: string): string => {
      const known = own.get(name);
      if (known !== undefined) return known;
      const util = renamed(matcher.utils?.[name], nameOf);
      const text = JSON.stringify(util);
      const shared = names.get(text) ?? `util-${names.size}`;
      names.set(text, shared);
      own.set(name, shared);
      utils[shared] = util;
      return shared;
    };
    return renamed(matcher.rule, nameOf);
  });
  return { rule: { any }, utils };
}

function renamed(value: unknown, nameOf: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => renamed(each, nameOf));
  if (!isFields(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    key === "matches" && typeof inner === "string" ? nameOf(inner) : renamed(inner, nameOf),
  ]);
  return Object.fromEntries(entries);
}

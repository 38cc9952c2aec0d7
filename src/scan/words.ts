// What a text must have for a rule to match anywhere in it: where that is missing nobody needs to look, nor even to parse. What is derived
// here may be less than a rule needs, never more.
import { isFields, type Fields, type Matcher } from "./rule.ts";
import { partsOf, shapesOf, wholeWords } from "./word-shapes.ts";

/** One of these words, or one of these parts of words whatever their case. */
export interface Need {
  readonly words: readonly string[];
  readonly parts: readonly string[];
}

const WORD = /[A-Za-z_]\w*/g;
const MAX_WORDS = 1_000;
const MAX_PARTS = 60;

/** A text as needs are looked for in it. */
export class Vocabulary {
  readonly #text: string;
  readonly #words: ReadonlySet<string>;
  readonly #parts = new Map<string, boolean>();

  constructor(text: string) {
    this.#text = text;
    this.#words = new Set(text.match(WORD));
  }

  has(needs: readonly Need[]): boolean {
    return needs.every(({ words, parts }) => words.some((word) => this.#words.has(word)) || (parts.length > 0 && this.#mentions(parts)));
  }

  #mentions(parts: readonly string[]): boolean {
    const key = parts.join("|");
    const known = this.#parts.get(key) ?? new RegExp(key, "i").test(this.#text);
    this.#parts.set(key, known);
    return known;
  }
}

/** All of them. */
export function needsOf({ rule, constraints = {}, utils = {} }: Matcher): Need[] {
  const unique = new Map(needed(rule, { constraints, utils, depth: 0 }).map((need) => [JSON.stringify(need), need]));
  return [...unique.values()];
}

interface Scope {
  readonly constraints: Fields;
  readonly utils: Fields;
  readonly depth: number;
}

/** Of a rule object all parts must match. */
function needed(rule: unknown, scope: Scope): Need[] {
  if (typeof rule === "string") return ofPattern(rule, scope);
  if (!isFields(rule) || scope.depth > 20) return [];
  const inner = { ...scope, depth: scope.depth + 1 };
  return Object.entries(rule).flatMap(([key, value]) => {
    switch (key) {
      case "pattern":
        // Of a selector's context only a part must be there, of a signature only the shape.
        return ofPattern(
          isFields(value) && value["selector"] === undefined && value["strictness"] !== "signature" ? value["context"] : value,
          inner,
        );
      case "regex":
        return ofRegex(value);
      case "all":
        return Array.isArray(value) ? value.flatMap((each: unknown) => needed(each, inner)) : [];
      case "any":
        return Array.isArray(value) ? ofEither(value.map((each: unknown) => needed(each, inner))) : [];
      case "inside":
      case "has":
      case "follows":
      case "precedes":
        return needed(value, inner);
      case "matches":
        return typeof value === "string" && Object.hasOwn(scope.utils, value) ? needed(scope.utils[value], inner) : [];
      default:
        return [];
    }
  });
}

/** The words of a pattern, and what its metavariables must be. */
function ofPattern(pattern: unknown, scope: Scope): Need[] {
  if (typeof pattern !== "string") return [];
  const variables = pattern.match(/\$+[A-Z_][A-Z0-9_]*/g) ?? [];
  const words = pattern.replaceAll(/\$+[A-Z_][A-Z0-9_]*/g, " ").match(WORD) ?? [];
  const constrained = variables.flatMap((variable) => {
    const name = variable.replace(/^\$+/, "");
    return variable.startsWith("$$") || !Object.hasOwn(scope.constraints, name)
      ? []
      : needed(scope.constraints[name], { ...scope, depth: scope.depth + 1 });
  });
  return [...words.map((word) => ({ words: [word], parts: [] })), ...constrained];
}

/** What each shape of the expression's matches has: a whole word, else a part of one. Of several the first, and the last, are both there. */
function ofRegex(regex: unknown): Need[] {
  const shapes = typeof regex === "string" ? shapesOf(regex) : undefined;
  if (shapes === undefined) return [];
  const isExact = !String(regex).startsWith("(?i)");
  const told = shapes.map((shape): Need[] => {
    const words = isExact ? wholeWords(shape) : [];
    if (words.length > 0) return words.map((word) => ({ words: [word], parts: [] }));
    return partsOf(shape).map((part) => ({ words: [], parts: [part] }));
  });
  return [told, told.map((needs) => needs.slice(0, 1)), told.map((needs) => needs.slice(-1))].flatMap(ofEither);
}

/** Of alternatives one is enough: the rarest need of each, all together. */
function ofEither(alternatives: readonly (readonly Need[])[]): Need[] {
  const words = new Set<string>();
  const parts = new Set<string>();
  for (const needs of alternatives) {
    const [rarest] = needs.toSorted((a, b) => size(a) - size(b) || longest(b) - longest(a));
    if (rarest === undefined) return [];
    for (const word of rarest.words) words.add(word);
    for (const part of rarest.parts) parts.add(part);
  }
  // What has another part in it says nothing more.
  const short = [...parts].filter((part) => ![...parts].some((other) => other !== part && part.includes(other)));
  if (words.size + short.length === 0 || words.size > MAX_WORDS || short.length > MAX_PARTS) return [];
  return [{ words: [...words], parts: short }];
}

function size({ words, parts }: Need): number {
  // A part is in more texts than a word.
  return words.length + 4 * parts.length;
}

/** Of words that are all needed the longest is the rarest. */
function longest({ words, parts }: Need): number {
  return Math.max(...[...words, ...parts].map((word) => word.length));
}

// What a regular expression says of the words in its matches: its finitely many shapes, with gaps where anything can stand.
import { RegExpParser, type AST } from "@eslint-community/regexpp";

/** Anything, in a shape: a character for private use. */
const GAP = "\ue000";
/** The edge of a word, or of the text. */
const EDGE = "\ue001";
const MAX_SHAPES = 5_000;
const MIN_PART = 3;

/** Undefined where there are too many. `(?i)` in front is passed over. */
export function shapesOf(regex: string): string[] | undefined {
  try {
    const { alternatives } = new RegExpParser({ ecmaVersion: 2025 }).parsePattern(regex.replace(/^\(\?i\)/, ""));
    return ofAlternatives(alternatives)?.map((shape) => GAP + shape + GAP);
  } catch {
    return undefined;
  }
}

/** The words of a shape that have an edge on both sides. */
export function wholeWords(shape: string): string[] {
  return [...shape.matchAll(/(?<![\w\ue000])[A-Za-z_]\w*(?![\w\ue000])/g)].map(([word]) => word);
}

/** Runs of letters in a shape that are long enough to say something. */
export function partsOf(shape: string): string[] {
  return (shape.match(/\w+/g) ?? []).filter((part) => part.length >= MIN_PART).map((part) => part.toLowerCase());
}

function ofAlternatives(alternatives: readonly AST.Alternative[]): string[] | undefined {
  const shapes: string[] = [];
  for (const { elements } of alternatives) {
    let heads = [""];
    for (const element of elements) {
      const tails = ofElement(element);
      if (tails === undefined || heads.length * tails.length > MAX_SHAPES) return undefined;
      heads = heads.flatMap((head) => tails.map((tail) => head + tail));
    }
    shapes.push(...heads);
    if (shapes.length > MAX_SHAPES) return undefined;
  }
  return shapes;
}

function ofElement(element: AST.Element): string[] | undefined {
  switch (element.type) {
    case "Character":
      return [String.fromCodePoint(element.value)];
    case "Group":
    case "CapturingGroup":
      // Letters of either case are not what stands there.
      return element.type === "Group" && element.modifiers !== null ? [GAP] : ofAlternatives(element.alternatives);
    case "Assertion":
      return element.kind === "start" || element.kind === "end" || (element.kind === "word" && !element.negate) ? [EDGE] : [""];
    case "CharacterSet":
      return element.kind === "space" && !element.negate ? [" "] : [GAP];
    case "Quantifier": {
      if (element.max > 1) return [GAP];
      const once = ofElement(element.element);
      return once === undefined || element.min === 1 ? once : ["", ...once];
    }
    default:
      return [GAP];
  }
}

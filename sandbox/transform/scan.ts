// A linear look at a cell before any parser sees it: parsers recurse, and 2 MB of open brackets is an attack on their stacks.
import { MAX_NESTING, MAX_SOURCE } from "../limits.ts";

const OPEN = new Set(["(", "[", "{"]);
const CLOSE = new Set([")", "]", "}"]);
const PREFIX = new Set(["!", "~", "+", "-"]);

/** What may stand before a regular expression; before a division stands a value. */
const BEFORE_REGEXP = /(?:^|[-+*%&|^~!=<>?:;,([{}]|\b(?:return|typeof|case|in|of|await|void|yield|delete))$/;

/** Why the source is refused, or undefined. Strings, templates' text, comments and regular expressions do not count; `${` does. */
export function refusal(source: string): string | undefined {
  if (source.length > MAX_SOURCE || Buffer.byteLength(source) > MAX_SOURCE) {
    return `the cell is ${Buffer.byteLength(source).toLocaleString("en-US")} bytes, over the limit of ${MAX_SOURCE.toLocaleString("en-US")}; read large data with read_file instead of pasting it`;
  }
  const deepest = nesting(source);
  return deepest > MAX_NESTING ? `the cell nests more than ${MAX_NESTING} deep; build the value in steps` : undefined;
}

/** The largest number of brackets open at once, or of prefix operators in a row. Stops counting a little past the limit. */
function nesting(source: string): number {
  // One entry per open bracket; a template's `${` is marked so that its `}` goes back to the template's text.
  const open: string[] = [];
  let deepest = 0;
  let prefixes = 0;
  // A look that found no end is not repeated over the same text: the whole stays linear.
  let noRegExpBefore = 0;
  for (let at = 0; at < source.length && deepest <= MAX_NESTING; at++) {
    const char = source.charAt(at);
    if (PREFIX.has(char)) deepest = Math.max(deepest, ++prefixes);
    else if (char.trim() !== "") prefixes = 0;

    if (char === "\\") at++;
    else if (char === '"' || char === "'") at = endOfString(source, at, char);
    else if (char === "/" && source[at + 1] === "/") at = endOf(source, at, /[\n\r\u2028\u2029]/g);
    else if (char === "/" && source[at + 1] === "*") at = endOf(source, at + 2, /\*\//g);
    else if (char === "/" && at >= noRegExpBefore && BEFORE_REGEXP.test(source.slice(Math.max(0, at - 20), at).trimEnd())) {
      const end = endOfRegExp(source, at);
      if (source[end] === "/") at = end;
      else noRegExpBefore = end;
    } else if (char === "`") at = templateText(source, at + 1, open);
    else if (OPEN.has(char)) open.push(char);
    else if (CLOSE.has(char) && open.pop() === "${") at = templateText(source, at + 1, open);
    deepest = Math.max(deepest, open.length);
  }
  return deepest;
}

/** Skips a template's text; on `${` opens it and returns there, on the closing backtick returns that. */
function templateText(source: string, from: number, open: string[]): number {
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (char === "`") return at;
    else if (char === "$" && source[at + 1] === "{") {
      open.push("${");
      return at + 1;
    }
  }
  return source.length;
}

function endOfString(source: string, from: number, quote: string): number {
  for (let at = from + 1; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (char === quote || char === "\n") return at;
  }
  return source.length;
}

/** Offset of the `/` that ends it, or of the end of the line: it was a division then. A `/` in a class does not end it. */
function endOfRegExp(source: string, from: number): number {
  let isClass = false;
  for (let at = from + 1; at < source.length; at++) {
    const char = source[at];
    if (char === "\n") return at;
    if (char === "\\") at++;
    else if (char === "[") isClass = true;
    else if (char === "]") isClass = false;
    else if (char === "/" && !isClass) return at;
  }
  return source.length;
}

function endOf(source: string, from: number, end: RegExp): number {
  end.lastIndex = from;
  return end.test(source) ? end.lastIndex - 1 : source.length;
}

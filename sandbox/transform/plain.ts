// A cell without types needs no esbuild, whose answer takes longer than all the rest of a small cell: acorn alone can tell where its
// tokens are. What could mean something else in TypeScript is left to esbuild.
import type { SourceMapSegment } from "@jridgewell/sourcemap-codec";
import { parse } from "acorn";
import { lineStarts } from "./pieces.ts";
import { STRICT, type Stripped } from "./strip.ts";

/** JavaScript that reads the same in both languages, every statement ended by a semicolon; undefined for all else. */
export function plainJavaScript(source: string): (Stripped & { readonly ok: true }) | undefined {
  if (mayBeTypes(source)) return undefined;
  const text = STRICT + source;
  const tokens: number[] = [];
  const semicolons: number[] = [];
  try {
    parse(text, {
      ecmaVersion: "latest",
      sourceType: "script",
      allowAwaitOutsideFunction: true,
      onToken: ({ start }) => tokens.push(start),
      onInsertedSemicolon: (end) => semicolons.push(end),
    });
  } catch {
    return undefined;
  }
  let code = "";
  for (const [i, at] of semicolons.entries()) code += `${text.slice(semicolons[i - 1] ?? 0, at)};`;
  code += text.slice(semicolons.at(-1) ?? 0);
  return { ok: true, code, mappings: mappingsOf(lineStarts(text), tokens, semicolons) };
}

/** Words that stand for themselves at the end of a line in JavaScript, and may belong to the next line in TypeScript. */
const WORD_AT_END =
  /\b(?:abstract|accessor|as|declare|enum|global|interface|module|namespace|override|private|protected|public|readonly|satisfies|type)\b\s*(?:[\n\u2028\u2029]|\/[/*])/;

function mayBeTypes(source: string): boolean {
  const less = source.indexOf("<");
  const beforeArrow = source.slice(0, Math.max(0, source.lastIndexOf("=>")));
  return (
    // `f<a>(b)`, and the comments `<!--` and `-->`.
    (less !== -1 && /[^=]>/.test(source.slice(less))) ||
    /<!--|-->/.test(source) ||
    // `a ? (b) : c => d`.
    (source.includes("?") && /\)\s*[:/]/.test(beforeArrow)) ||
    // esbuild makes one end of a line of all.
    /\r(?!\n)/.test(source) ||
    WORD_AT_END.test(source)
  );
}

/** Every token, and every start of a line, to its own place; only a semicolon before it moves it. */
function mappingsOf(starts: readonly number[], tokens: readonly number[], semicolons: readonly number[]): SourceMapSegment[][] {
  const mappings: SourceMapSegment[][] = [[]];
  let line = 0;
  let inserted = 0;
  let shift = 0;
  for (const token of tokens) {
    for (; (starts[line + 1] ?? Infinity) <= token; shift = 0) mappings.push([[0, 0, ++line, 0]]);
    for (let at; (at = semicolons[inserted] ?? Infinity) <= token; inserted++) if (at >= (starts[line] ?? 0)) shift++;
    const column = token - (starts[line] ?? 0);
    mappings[line]?.push([column + shift, 0, line, column]);
  }
  return mappings;
}

// What the root model is told of a context before its first cell: kind, size, first and last lines, shape or file types. Pure: the
// facts were fetched before. Bounded, because it is sent with every request of a run.
import type { FileType, ProbeFacts } from "../workspace/facts.ts";
import { cutLine, headOf } from "./cut.ts";
import type { ContextProbe } from "./types.ts";

/** The whole probe of a context, in UTF-16 units. */
const MAX_PROBE = 3_000;
const MAX_LINE = 160;
const HEAD_LINES = 8;
const TAIL_LINES = 4;
const MAX_TYPES = 12;

const KINDS = {
  text: "one text, a string",
  json: "JSON, already parsed",
  jsonl: "JSON Lines, already parsed to an array",
  corpus: "a Corpus",
} as const;

export function writeProbe(facts: ProbeFacts): ContextProbe {
  const { kind, name, description, shape, headLines, tailLines, fileTypes, paths } = facts;
  const text = [
    `${KINDS[kind]}: ${description}`,
    ...(shape === null ? [] : [`type: ${shape}`]),
    ...(fileTypes.length === 0 ? [] : [`types: ${types(fileTypes)}`]),
    ...section("first paths", paths),
    ...section("first lines", headLines.slice(0, HEAD_LINES)),
    ...section("last lines", tailLines.slice(-TAIL_LINES)),
  ].join("\n");
  return { name, kind, text: text.length > MAX_PROBE ? `${headOf(text, MAX_PROBE)}…` : text };
}

/** `.ts 812, .json 40, no extension 7, 3 other types`. */
function types(all: readonly FileType[]): string {
  const told = all
    .slice(0, MAX_TYPES)
    .map(({ extension, files }) => `${extension === "" ? "no extension" : extension} ${files.toLocaleString("en-US")}`);
  return [...told, ...(all.length > MAX_TYPES ? [`${all.length - MAX_TYPES} other types`] : [])].join(", ");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${cutLine(line, MAX_LINE)}`)];
}

// The offline sub-model: it understands nothing and says so. It quotes the lines of a prompt that carry the question's words, with
// their place, or says that none does.
import { lineStems, questionTerms, type Term } from "./offline-terms.ts";

/** Every answer of the offline model begins with this. */
export const OFFLINE_MARK = "[offline: quoted lines, not a language model]";
export const NO_LINE = "no line bears on this";

const MAX_QUOTES = 6;
const MAX_QUOTE_LENGTH = 300;
/** What counts as bearing on a question of several words; a name counts 2. */
const ENOUGH = 2;
const PLACED = /^(\S[^:\n]{0,400}:\d+)(?::\d+)?[:-]\s?(.*)$/s;

interface Quote {
  readonly place: string;
  readonly text: string;
  readonly weight: number;
}

/**
 * A prompt is read as an instruction, then text: the instruction is the first paragraph, and a last one that ends with a question
 * mark; where there is no blank line, it is the first line.
 */
export function answerOffline(prompt: string): string {
  const { instruction, text } = readPrompt(prompt);
  const quotes = bearingLines(questionTerms(instruction), text);
  return [OFFLINE_MARK, ...(quotes.length === 0 ? [NO_LINE] : quotes.map(({ place, text: line }) => `${place}: ${line}`))].join("\n");
}

function readPrompt(prompt: string): { readonly instruction: string; readonly text: string } {
  const trimmed = prompt.replaceAll("\r\n", "\n").trim();
  const gap = /\n[ \t]*\n/.exec(trimmed) ?? /\n/.exec(trimmed);
  if (gap === null) return { instruction: trimmed, text: "" };
  const head = trimmed.slice(0, gap.index);
  const rest = trimmed.slice(gap.index + gap[0].length);
  const tail = /\n[ \t]*\n([^\n]{1,500}\?)$/.exec(rest);
  if (tail?.[1] === undefined) return { instruction: head, text: rest };
  return { instruction: `${head}\n${tail[1]}`, text: rest.slice(0, tail.index) };
}

/** The lines that carry the most of the terms, in their own order. */
function bearingLines(terms: readonly Term[], text: string): readonly Quote[] {
  const all = terms.reduce((sum, term) => sum + term.weight, 0);
  if (all === 0) return [];
  const quotes = text.split("\n").map((line, index) => toQuote(line, index + 1, terms));
  const best = quotes.reduce((most, quote) => Math.max(most, quote.weight), 0);
  const least = Math.max(Math.min(ENOUGH, all), best / 2);
  const bearing = quotes.filter((quote) => quote.weight >= least);
  const kept = new Set(bearing.toSorted((a, b) => b.weight - a.weight).slice(0, MAX_QUOTES));
  return bearing.filter((quote) => kept.has(quote));
}

function toQuote(line: string, number: number, terms: readonly Term[]): Quote {
  const [, place = `line ${number}`, rest = line] = PLACED.exec(line) ?? [];
  const stems = lineStems(rest);
  const weight = terms.reduce((sum, term) => sum + (stems.has(term.stem) ? term.weight : 0), 0);
  const text = rest.trim();
  return { place, text: text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH)}…` : text, weight };
}

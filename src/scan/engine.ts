// Scans one text: its rules by their words, then by its tree; secrets and plain comments by text. Runs in a thread of the scan process.
import { matchesGlob } from "node:path";
import { canBeJoined, unionOf } from "./union.ts";
import { Vocabulary } from "./words.ts";
import { lowered, stepsOfFile } from "./confidence.ts";
import type { Found } from "./finding.ts";
import { readingOf, SCRIPT, type Reading } from "./languages.ts";
import { Lines } from "./lines.ts";
import { branchesOf, linesOf } from "./measures.ts";
import type { Rule } from "./rule.ts";
import { maskedQuotes, secretsIn } from "./secrets.ts";
import { todosIn } from "./todos.ts";
import { shifted, withoutIgnored, withoutRepeated, withoutSecrets } from "./told.ts";
import { findAll, treeOf, type Node } from "./tree.ts";

/** A text to scan: a file, or a part of a large one. */
export interface Part {
  readonly path: string;
  /** What its language is told by, where that is not the path. */
  readonly name?: string;
  readonly text: string;
  /** Where it begins in the file, from 0. */
  readonly line?: number;
  readonly column?: number;
  /** Too large for a parser. */
  readonly isPlain?: boolean;
}

export interface Scanned {
  readonly findings: readonly Found[];
  /** More were found than are told. */
  readonly isCut: boolean;
}

/** Of one text: what is over was written by a program. */
const MAX_FINDINGS = 5_000;
/** Of what a metavariable matched, in a message. */
const MAX_QUOTED = 100;
/** Fewer rules are not worth looking for twice. */
const MIN_JOINED = 3;

interface Place {
  readonly line: number;
  readonly column: number;
  readonly end_line: number;
  readonly end_column: number;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: Lines;
  readonly steps: number;
  readonly reading: Reading;
}

export class Engine {
  readonly #rules: ReadonlyMap<string, readonly Rule[]>;
  readonly #joinable: ReadonlySet<Rule>;

  constructor(rules: readonly Rule[]) {
    this.#rules = Map.groupBy(rules, ({ language }) => language);
    this.#joinable = new Set(rules.filter((rule) => !isFact(rule.scanner) && rule.measure === undefined && canBeJoined(rule)));
  }

  async scan(part: Part, scanners: ReadonlySet<string>): Promise<Scanned> {
    const { path, text } = part;
    const lines = new Lines(text);
    const name = part.name ?? path;
    const steps = stepsOfFile(name, text);
    const found: Found[] = [];
    const reading = part.isPlain === true ? undefined : readingOf(name);
    if (reading !== undefined) {
      this.#byRules(found, { path, text, lines, steps, reading }, scanners);
      const scripts = reading.hasScripts === true ? scriptsAlone(text) : undefined;
      if (scripts !== undefined) this.#byRules(found, { path, text: scripts, lines, steps, reading: SCRIPT }, scanners);
    }
    if (scanners.has("find_todos") && reading === undefined) found.push(...todosIn(part, steps, MAX_FINDINGS + 1));
    if (scanners.has("find_secrets")) found.push(...(await secrets(part, lines, steps)));
    const told = withoutRepeated(withoutIgnored(found.slice(0, MAX_FINDINGS), lines));
    return { findings: await withoutSecrets(shifted(told, part), path), isCut: found.length > MAX_FINDINGS };
  }

  #byRules(found: Found[], source: Source, scanners: ReadonlySet<string>): void {
    const rules = this.#rulesFor(source, scanners);
    if (rules.length === 0) return;
    const root = treeOf(source.reading.grammar, source.text);
    for (const rule of this.#narrowed(rules, root)) {
      for (const node of findAll(root, rule.matcher)) {
        if (found.length > MAX_FINDINGS) return;
        found.push(...findingsOf(rule, node, source));
      }
    }
  }

  #narrowed(rules: readonly Rule[], root: Node): readonly Rule[] {
    const joined = rules.filter((rule) => this.#joinable.has(rule));
    if (joined.length < MIN_JOINED || findAll(root, unionOf(joined)).length > 0) return rules;
    return rules.filter((rule) => !this.#joinable.has(rule));
  }

  #rulesFor({ path, text, reading }: Source, scanners: ReadonlySet<string>): readonly Rule[] {
    const asked = reading.languages
      .flatMap((language) => this.#rules.get(language) ?? [])
      .filter((rule) => scanners.has(rule.scanner) && isOfPath(rule, path));
    if (asked.length === 0) return [];
    const words = new Vocabulary(text);
    return asked.filter((rule) => words.has(rule.needs));
  }
}

function findingsOf(rule: Rule, node: Node, { path, lines, steps }: Source): Found[] {
  const { measure, at } = rule;
  let value: number | undefined;
  if (measure !== undefined) {
    value = measure.kind === "lines" ? linesOf(node) : branchesOf(node, measure, rule.matcher);
    if (value <= measure.over) return [];
  }
  const places = at === undefined ? [placeOf(node)] : [...placesIn(node, new RegExp(at, "gu"), lines)];
  const told = (template: string, most?: number): string => filled(template, node, most).replaceAll("$VALUE", () => String(value ?? ""));
  return places.map((place) =>
    Object.assign(
      {
        rule: rule.id,
        scanner: rule.scanner,
        severity: rule.severity,
        confidence: lowered(rule.confidence, isFact(rule.scanner) ? 0 : steps),
        file: path,
        code: codeOf(rule, lines, place),
        message: told(rule.message, MAX_QUOTED),
        ...(rule.fix === undefined ? {} : { fix: told(rule.fix) }),
      },
      place,
    ),
  );
}

function codeOf({ scanner }: Rule, lines: Lines, place: Place): string {
  const code = lines.shown(place.line, place.column);
  return scanner === "find_secrets" ? maskedQuotes(code) : code;
}

/** What is there is there, in a test too. */
function isFact(scanner: string): boolean {
  return scanner === "find_imports" || scanner === "find_todos";
}

function placeOf(node: Node): Place {
  const { start, end } = node.range();
  return { line: start.line, column: start.column, end_line: end.line, end_column: end.column };
}

function* placesIn(node: Node, pattern: RegExp, lines: Lines): Generator<Place> {
  const { start } = node.range();
  for (const match of node.text().matchAll(pattern)) {
    const from = lines.place(start.index + match.index);
    const to = lines.place(start.index + match.index + match[0].length);
    yield { line: from.line, column: from.column, end_line: to.line, end_column: to.column };
  }
}

/** Metavariables of a template by what they matched, at most so much of each. */
function filled(template: string, node: Node, most = Infinity): string {
  const cut = (text: string): string => (text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text);
  return template.replaceAll(/\$(\$\$)?([A-Z_][A-Z0-9_]*)/g, (name, several: string | undefined, variable: string) => {
    if (several === undefined) return cut(node.getMatch(variable)?.text() ?? node.getTransformed(variable) ?? name);
    const texts = node.getMultipleMatches(variable).map((each) => each.text());
    return cut(texts.join(""));
  });
}

async function secrets({ path, text }: Part, lines: Lines, steps: number): Promise<Found[]> {
  const known = await secretsIn(path, text);
  return known.slice(0, MAX_FINDINGS + 1).map(({ start, end, rule, message }) => {
    const from = lines.place(start);
    const to = lines.place(end);
    const isPlaceholder = /example|sample|dummy|placeholder|x{6}|0{6}|1234567/i.test(text.slice(start, end));
    return {
      rule,
      scanner: "find_secrets",
      severity: "high",
      confidence: lowered("high", steps + (isPlaceholder || lines.isComment(from.line) ? 1 : 0)),
      file: path,
      line: from.line,
      column: from.column,
      end_line: to.line,
      end_column: to.column,
      code: lines.shown(from.line, from.column),
      message,
    };
  });
}

/** The same text with blanks for all that stands outside of its scripts: places stay. */
function scriptsAlone(text: string): string | undefined {
  let alone = "";
  let last = 0;
  for (const match of text.matchAll(/<script\b([^>]*)>([^]*?)<\/script\s*>/gi)) {
    const [whole, attributes = "", script = ""] = match;
    if (/\btype\s*=\s*["']?(?:application\/(?:ld\+)?json|text\/(?:template|x-|html))/i.test(attributes)) continue;
    const start = match.index + whole.length - whole.slice(whole.indexOf(">") + 1).length;
    alone += blank(text.slice(last, start)) + script;
    last = start + script.length;
  }
  return last === 0 ? undefined : alone + blank(text.slice(last));
}

function blank(text: string): string {
  return text.replaceAll(/[^\r\n]/g, " ");
}

function isOfPath({ files, ignores }: Rule, path: string): boolean {
  const fits = (glob: string): boolean => matchesGlob(path, glob);
  return (files === undefined || files.some(fits)) && ignores?.some(fits) !== true;
}

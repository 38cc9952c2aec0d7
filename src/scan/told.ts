// From what was found in a text to what is told of it: each place once, no secret shown, nothing that was to be ignored.
import { isSecurity } from "./catalogue.ts";
import { CONFIDENCES, SEVERITIES, type Found } from "./finding.ts";
import type { Lines } from "./lines.ts";
import { masked, secretsIn } from "./secrets.ts";

const IGNORE = /ast-grep-ignore(?::\s*([\w\-, ]+))?/;

type Place = Pick<Found, "line" | "column" | "end_line" | "end_column">;

/** As ast-grep has it: a comment in the line itself or the one before, for all rules or for those it names. */
export function withoutIgnored(found: readonly Found[], lines: Lines): Found[] {
  if (!lines.mentionsIgnore) return [...found];
  return found.filter(({ line, rule }) => {
    const mark = IGNORE.exec(lines.text(line)) ?? (line > 0 ? IGNORE.exec(lines.text(line - 1)) : null);
    return mark === null || (mark[1] !== undefined && !mark[1].split(/[,\s]+/).includes(rule));
  });
}

/** One place is one finding of a scanner, the surest; of a security scanner also what lies within it. */
export function withoutRepeated(found: readonly Found[]): Found[] {
  const kept = new Map<string, Found>();
  const best = found.toSorted((a, b) => rank(a) - rank(b));
  const taken = new Map<string, Found[]>();
  for (const finding of best) {
    const key = `${finding.scanner} ${finding.line}:${finding.column}`;
    if (kept.has(key)) continue;
    if (isSecurity(finding.scanner)) {
      const others = taken.get(finding.scanner) ?? [];
      if (others.some((other) => overlaps(other, finding))) continue;
      others.push(finding);
      taken.set(finding.scanner, others);
    }
    kept.set(key, finding);
  }
  return [...kept.values()].toSorted((a, b) => a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : 1));
}

function rank({ confidence, severity, line, column }: Found): number {
  return (CONFIDENCES.indexOf(confidence) * SEVERITIES.length + SEVERITIES.indexOf(severity)) * 1e12 + line * 1e5 + column;
}

function overlaps(a: Place, b: Place): boolean {
  const before = (line: number, column: number, than: number, thanColumn: number): boolean =>
    line < than || (line === than && column <= thanColumn);
  return !before(a.end_line, a.end_column, b.line, b.column) && !before(b.end_line, b.end_column, a.line, a.column);
}

/** To places of the file, from 1. */
export function shifted(found: readonly Found[], { line = 0, column = 0 }: { readonly line?: number; readonly column?: number }): Found[] {
  return found.map((finding) => ({
    ...finding,
    line: finding.line + line + 1,
    column: finding.column + (finding.line === 0 ? column : 0) + 1,
    end_line: finding.end_line + line + 1,
    end_column: finding.end_column + (finding.end_line === 0 ? column : 0) + 1,
  }));
}

/** No line that is told shows a secret, whatever was found in it. */
export async function withoutSecrets(found: readonly Found[], path: string): Promise<Found[]> {
  if (found.length === 0) return [];
  const separator = "\n\n";
  const whole = found.map(({ code, message, fix = "" }) => [code, message, fix].join(separator)).join(separator);
  const known = new Set((await secretsIn(path, whole)).map(({ start, end }) => whole.slice(start, end)));
  if (known.size === 0) return [...found];
  const hidden = (text: string): string => [...known].reduce((shown, secret) => shown.replaceAll(secret, () => masked(secret)), text);
  return found.map((finding) => {
    const { code, message, fix } = finding;
    return { ...finding, code: hidden(code), message: hidden(message), ...(fix === undefined ? {} : { fix: hidden(fix) }) };
  });
}

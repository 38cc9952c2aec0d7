// A rule of a scanner, as it is read from YAML: ast-grep's, and what stands under `metadata`.
import type { Confidence, Severity } from "./finding.ts";
import type { Language } from "./languages.ts";
import type { Need } from "./words.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** What ast-grep matches by. */
export interface Matcher {
  readonly rule: Fields;
  readonly constraints?: Fields;
  readonly utils?: Fields;
  readonly transform?: Fields;
}

export interface Rule {
  readonly id: string;
  readonly scanner: string;
  readonly language: Language;
  readonly severity: Severity;
  readonly confidence: Confidence;
  /** Metavariables stand for what they matched. */
  readonly message: string;
  readonly fix?: string;
  readonly matcher: Matcher;
  /** What a text must have for it to match. */
  readonly needs: readonly Need[];
  /** A regular expression: what it finds within a match is the finding. */
  readonly at?: string;
  /** A match is a finding when this measure of it is over a number. */
  readonly measure?: Measure;
  /** Globs of paths, as ast-grep has them. */
  readonly files?: readonly string[];
  readonly ignores?: readonly string[];
  /** As `CWE-89`. */
  readonly cwe?: string;
  readonly url?: string;
}

export type Measure =
  /** Lines that are not empty. */
  | { readonly kind: "lines"; readonly over: number }
  /** Nodes that `counts` matches, without those of functions inside. */
  | { readonly kind: "branches"; readonly over: number; readonly counts: Fields };

/** Those that were read once already, and come out of a file of ours or a message. */
export function isRules(value: unknown): value is Rule[] {
  return Array.isArray(value) && value.every((each) => typeof each === "object" && each !== null && "matcher" in each);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

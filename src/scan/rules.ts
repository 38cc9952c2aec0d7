// Rules in ast-grep's own YAML format, read from files: what is beyond it stands under `metadata`.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { HostError, messageOf } from "../errors.ts";
import { isBuiltIn } from "./catalogue.ts";
import { CONFIDENCES, SEVERITIES, type Severity } from "./finding.ts";
import { LANGUAGES } from "./languages.ts";
import { isFields, type Fields, type Matcher, type Measure, type Rule } from "./rule.ts";
import { needsOf } from "./words.ts";

/** Rules of a user's folders, and the scanners they make. */
export interface UserRules {
  readonly rules: readonly Rule[];
  /** Names that no built-in scanner has. */
  readonly scanners: readonly string[];
}

const MAX_FILES = 2_000;
const OF_AST_GREP: Readonly<Record<string, Severity>> = { error: "high", warning: "medium", info: "low", hint: "info" };

/**
 * All rules below folders, each for the scanner that its `metadata.scanner` names, else for one named as its folder is. Throws E_USAGE,
 * naming file and rule.
 */
export function readUserRules(folders: readonly string[], cwd: string): UserRules {
  const rules = folders.flatMap((folder) => rulesBelow(resolve(cwd, folder), folder));
  const seen = new Set<string>();
  for (const { id } of rules) {
    if (seen.has(id)) throw new HostError("E_USAGE", `--rules: two rules have the id ${JSON.stringify(id)}: give one of them another`);
    seen.add(id);
  }
  return { rules, scanners: [...new Set(rules.map(({ scanner }) => scanner))].filter((name) => !isBuiltIn(name)).toSorted() };
}

/** The rules that come with rlm-repl: `<scanner>/<language>.yml`. */
export function readBuiltInRules(folder: string): Rule[] {
  return ruleFiles(folder, folder).flatMap((path) => rulesIn(readFileSync(join(folder, path), "utf8"), path, basename(dirname(path))));
}

function rulesBelow(folder: string, written: string): Rule[] {
  const scanner = basename(folder).replaceAll(/[^A-Za-z0-9_]+/g, "_");
  const rules = ruleFiles(folder, written).flatMap((path) =>
    rulesIn(readFileSync(join(folder, path), "utf8"), join(written, path), scanner),
  );
  if (rules.length === 0) throw new HostError("E_USAGE", `--rules ${written}: there is no rule in it (.yml files in ast-grep's format)`);
  return rules;
}

function ruleFiles(folder: string, written: string): string[] {
  try {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => /\.ya?ml$/.test(path));
    if (files.length <= MAX_FILES) return files.map((path) => path.replaceAll("\\", "/")).toSorted();
  } catch (error) {
    throw new HostError("E_USAGE", `--rules ${written}: ${messageOf(error)}`, { cause: error });
  }
  throw new HostError("E_USAGE", `--rules ${written} has more than ${MAX_FILES} rule files: name the folder of the rules alone`);
}

/** What is no rule is passed over: ast-grep keeps its configuration and its tests beside them. */
function rulesIn(text: string, from: string, scanner: string): Rule[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [broken] = document.errors;
    if (broken !== undefined) throw new HostError("E_USAGE", `${from}: ${broken.message.split("\n")[0] ?? "is no YAML"}`);
    const given: unknown = document.toJS();
    if (!isFields(given) || given["rule"] === undefined || given["severity"] === "off") return [];
    return [ruleOf(given, from, scanner)];
  });
}

function ruleOf(given: Fields, from: string, folder: string): Rule {
  const id = given["id"];
  if (typeof id !== "string" || id === "") throw new HostError("E_USAGE", `${from}: a rule has no id`);
  const wrong = (what: string): HostError => new HostError("E_USAGE", `${from}: rule ${id}: ${what}`);
  const { rule, message = id, fix, severity = "hint", metadata = {}, url } = given;
  if (!isFields(rule)) throw wrong("`rule` is no object");
  if (typeof message !== "string") throw wrong("`message` is no text");
  if (fix !== undefined && typeof fix !== "string") throw wrong("`fix` is no text: only the short form is taken");
  if (!isFields(metadata)) throw wrong("`metadata` is no object");
  const language = LANGUAGES.find((each) => each === alias(given["language"]));
  if (language === undefined) throw wrong(`the language ${JSON.stringify(given["language"])} is none of ${LANGUAGES.join(", ")}`);
  const level = SEVERITIES.find((each) => each === (metadata["severity"] ?? OF_AST_GREP[String(severity)]));
  if (level === undefined) throw wrong(`the severity ${JSON.stringify(severity)} is none of ${Object.keys(OF_AST_GREP).join(", ")}`);
  const { confidence = "medium", scanner = folder, at, cwe } = metadata;
  const sure = CONFIDENCES.find((each) => each === confidence);
  if (sure === undefined) throw wrong(`the confidence ${JSON.stringify(confidence)} is none of ${CONFIDENCES.join(", ")}`);
  if (typeof scanner !== "string" || !/^[A-Za-z_]\w{0,63}$/.test(scanner) || scanner.startsWith("run_"))
    throw wrong(`${JSON.stringify(scanner)} cannot be the name of a scanner: rename the folder, or say metadata: {scanner: a_name}`);
  if (at !== undefined && !isRegExp(at)) throw wrong("`metadata.at` is no regular expression");
  const parts = Object.fromEntries(
    ["constraints", "utils", "transform"].flatMap((key) => (isFields(given[key]) ? [[key, given[key]]] : [])),
  );
  const matcher: Matcher = { rule, ...parts };
  const measure = measureOf(metadata, wrong);
  return {
    id,
    scanner,
    language,
    severity: level,
    confidence: sure,
    message,
    matcher,
    needs: needsOf(matcher),
    ...(fix === undefined ? {} : { fix }),
    ...(typeof at === "string" ? { at } : {}),
    ...(measure === undefined ? {} : { measure }),
    ...globs(given, "files", wrong),
    ...globs(given, "ignores", wrong),
    ...(typeof cwe === "string" ? { cwe } : {}),
    ...(typeof url === "string" ? { url } : {}),
  };
}

function measureOf({ measure, over, counts }: Fields, wrong: (what: string) => HostError): Measure | undefined {
  if (measure === undefined) return undefined;
  if (typeof over !== "number") throw wrong("`metadata.measure` needs `over`, a number");
  if (measure === "lines") return { kind: "lines", over };
  if (measure === "branches" && isFields(counts)) return { kind: "branches", over, counts };
  throw wrong("`metadata.measure` is lines, or branches with `counts`, a rule");
}

function globs(given: Fields, key: "files" | "ignores", wrong: (what: string) => HostError): { readonly [K in typeof key]?: string[] } {
  const value = given[key];
  if (value === undefined) return {};
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) throw wrong(`\`${key}\` is no list of globs`);
  return { [key]: value };
}

function alias(language: unknown): string {
  const name = String(language).toLowerCase();
  return { ts: "typescript", js: "javascript", jsx: "javascript", py: "python", golang: "go" }[name] ?? name;
}

function isRegExp(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value, "u").source !== "";
  } catch {
    return false;
  }
}

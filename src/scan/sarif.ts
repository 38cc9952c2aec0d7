// Findings as SARIF 2.1.0, which code hosts and editors read.
import type { ArtifactLocation, Log, ReportingDescriptor, Result } from "sarif";
import { isSecurity } from "./catalogue.ts";
import type { Confidence, Found, Severity } from "./finding.ts";
import type { Rule } from "./rule.ts";
import type { ScanNote } from "./scan.ts";

const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  info: "note",
};
/** As GitHub reads `security-severity`. */
const SCORES: Readonly<Record<Severity, string>> = { critical: "9.5", high: "8.0", medium: "5.5", low: "3.0", info: "0.0" };
const RANKS: Readonly<Record<Confidence, number>> = { high: 90, medium: 50, low: 20 };

export function sarifOf(findings: readonly Found[], notes: readonly ScanNote[], rules: readonly Rule[], version: string): Log {
  const known = new Map(rules.map((rule) => [rule.id, rule]));
  const used = [...new Map(findings.map((finding) => [finding.rule, finding])).values()];
  const places = new Map(used.map(({ rule }, i) => [rule, i]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "rlm-repl", version, rules: used.map((finding) => ruleOf(finding, known.get(finding.rule))) } },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: notes.map(({ file, why }) => ({
              level: "warning",
              message: { text: `${file}: ${why}` },
              locations: [{ physicalLocation: { artifactLocation: artifact(file) } }],
            })),
          },
        ],
        results: findings.map((finding) => resultOf(finding, places.get(finding.rule) ?? 0)),
      },
    ],
  };
}

function ruleOf({ rule, scanner, severity, message }: Found, known: Rule | undefined): ReportingDescriptor {
  const cwe = known?.cwe === undefined ? [] : [`external/cwe/${known.cwe.toLowerCase()}`];
  return {
    id: rule,
    shortDescription: { text: known?.message ?? message },
    defaultConfiguration: { level: LEVELS[severity] },
    ...(known?.url === undefined ? {} : { helpUri: known.url }),
    properties: {
      tags: [scanner, ...(isSecurity(scanner) ? ["security"] : []), ...cwe],
      ...(isSecurity(scanner) ? { "security-severity": SCORES[severity] } : {}),
    },
  };
}

function resultOf(finding: Found, ruleIndex: number): Result {
  const { rule, severity, confidence, file, line, column, end_line, end_column, code, message, fix } = finding;
  const region = { startLine: line, startColumn: column, endLine: end_line, endColumn: end_column };
  const artifactLocation = artifact(file);
  return {
    ruleId: rule,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: message },
    rank: RANKS[confidence],
    locations: [{ physicalLocation: { artifactLocation, region: { ...region, snippet: { text: code } } } }],
    ...(fix === undefined
      ? {}
      : {
          fixes: [{ artifactChanges: [{ artifactLocation, replacements: [{ deletedRegion: region, insertedContent: { text: fix } }] }] }],
        }),
    properties: { severity, confidence },
  };
}

function artifact(file: string): ArtifactLocation {
  const isAbsolute = file.startsWith("/");
  const uri = file.split("/").map(encodeURIComponent).join("/");
  return isAbsolute ? { uri: `file://${uri}` } : { uri, uriBaseId: "%SRCROOT%" };
}

// The built-in scanners as cells call them: names and options checked, findings by scanner.
import { OF_TOOLS } from "../../prelude/contract.ts";
import { HostError } from "../errors.ts";
import { SCANNER_NAMES } from "../scan/catalogue.ts";
import { CONFIDENCES, told, type Finding } from "../scan/finding.ts";
import type { ScanPool } from "../scan/pool.ts";
import { scan, type Files, type ScanNote } from "../scan/scan.ts";
import type { ContextSource } from "../workspace/types.ts";
import type { UserRules } from "../scan/rules.ts";
import type { ToolEntry } from "./tools.ts";
import { bad, fields, optionalNumber, shown } from "./arguments.ts";
import type { Handler } from "./types.ts";

export interface ScannerOptions {
  readonly data: { readonly workspace: Files; readonly contexts: readonly ContextSource[] };
  readonly maxWorkers: number;
  readonly pool: ScanPool;
  /** Names that rules of the user's own add. */
  readonly own: readonly string[];
}

/** What a guest is told: findings in order, each with the place of its scanner among those that were asked. */
export interface ScannerAnswer {
  readonly findings: readonly Finding[];
  readonly of: readonly number[];
  readonly ms: number;
}

const MAX_NOTES_TOLD = 20;
const MAX_RULES_TOLD = 3;

export function scanners({ data, maxWorkers, pool, own }: ScannerOptions): Handler {
  return async (args, call) => {
    const given = fields("a scanner", args);
    const names = namesIn(given["scanners"], own);
    const asked = optionalNumber("max_workers", given["max_workers"], { min: 1, max: 1024, whole: true });
    const began = performance.now();
    const report = await scan(
      {
        scanners: names,
        files: pathsIn(given["files"]),
        minConfidence: confidenceIn(given["min_confidence"]),
        maxWorkers: Math.min(asked ?? maxWorkers, maxWorkers),
      },
      {
        workspace: data.workspace,
        contexts: data.contexts,
        pool,
        signal: call.signal,
        onProgress: (done, total) =>
          call.emit({ type: "progress", label: names.length === 1 ? (names[0] ?? "scan") : "scan", done, total }),
      },
    );
    for (const text of notesIn(report.notes)) call.warn(text);
    return {
      findings: report.findings.map(told),
      of: report.findings.map(({ scanner }) => names.indexOf(scanner)),
      ms: Math.round((performance.now() - began) * 10) / 10,
    } satisfies ScannerAnswer;
  };
}

/** What a guest, and a model, is told of the user's scanners. */
export function scannerEntries(rules: UserRules | undefined): ToolEntry[] {
  return (rules?.scanners ?? []).map((name) => {
    const own = rules?.rules.filter(({ scanner }) => scanner === name) ?? [];
    const told = own.slice(0, MAX_RULES_TOLD).map(({ message }) => message.split("\n")[0]);
    return {
      name: `${OF_TOOLS}${name}`,
      told: `a scanner: ${told.join("; ")}${own.length > MAX_RULES_TOLD ? "; …" : ""}`,
      signature: `function ${OF_TOOLS}${name}(options?: ScannerOptions): Promise<Finding[]>;`,
    };
  });
}

function notesIn(notes: readonly ScanNote[]): string[] {
  const shownNotes = notes.slice(0, MAX_NOTES_TOLD).map(({ file, why }) => `${file}: ${why}`);
  return notes.length <= MAX_NOTES_TOLD
    ? shownNotes
    : [...shownNotes, `… and ${notes.length - MAX_NOTES_TOLD} more files that were not scanned whole`];
}

function namesIn(value: unknown, own: readonly string[]): string[] {
  const known = [...SCANNER_NAMES, ...own];
  if (!Array.isArray(value) || value.length === 0) throw bad(`scanners is ${shown(value)}, not a list of names`);
  return value.map((name: unknown) => {
    if (typeof name === "string" && known.includes(name)) return name;
    throw new HostError("E_BAD_ARGUMENT", `there is no scanner ${shown(name)}; there are ${known.join(", ")}`);
  });
}

function pathsIn(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw bad(`files is ${shown(value)}, not a list of paths`);
}

function confidenceIn(value: unknown): (typeof CONFIDENCES)[number] {
  const found = CONFIDENCES.find((each) => each === (value ?? "low"));
  if (found === undefined) throw bad(`min_confidence is ${shown(value)}, not one of ${CONFIDENCES.join(", ")}`);
  return found;
}

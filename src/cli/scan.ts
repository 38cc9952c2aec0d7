// `scan`: the built-in scanners over files, for a person, a pipe, or a code host.
import { HostError } from "../errors.ts";
import { QUALITY_SCANNERS, SCANNER_NAMES, SECURITY_SCANNERS } from "../scan/catalogue.ts";
import { CONFIDENCES, isAtLeast, SEVERITIES, told, type Found } from "../scan/finding.ts";
import { namedFiles } from "../scan/named-files.ts";
import { builtInRules, ScanPool } from "../scan/pool.ts";
import type { UserRules } from "../scan/rules.ts";
import { sarifOf } from "../scan/sarif.ts";
import { scan, type Files, type ScanReport } from "../scan/scan.ts";
import { automaticWorkers } from "../pool/settings.ts";
import { bytesInWords } from "../workspace/describe.ts";
import { oneOf } from "./choice.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";
import { catchSignals } from "./interrupt.ts";
import { Reporter } from "./reporter.ts";
import { counted, visible } from "./terminal.ts";

/** As they were given, undefined where nobody said. */
export interface ScanCommand {
  readonly paths: readonly string[];
  readonly only: string | undefined;
  readonly failOn: string | undefined;
  readonly minConfidence: string | undefined;
  readonly isSarif: boolean;
}

/** Exit 1 when something at `--fail-on` or worse was found. */
export async function scanCommand(asked: ScanCommand, { out, err, settings, process }: CommandContext, version: string): Promise<number> {
  const failOn = asked.failOn === undefined ? undefined : oneOf("--fail-on", asked.failOn, SEVERITIES);
  const minConfidence = oneOf("--min-confidence", asked.minConfidence ?? "low", CONFIDENCES);
  const isQuiet = settings.quiet === true;
  if (asked.isSarif && settings.json === true)
    throw new HostError("E_USAGE", "--json and --sarif are two forms of the same: give one of them");
  const own =
    settings.rules === undefined
      ? { rules: [], scanners: [] }
      : (await import("../scan/rules.ts")).readUserRules(settings.rules, process.cwd);
  const scanners = scannersIn(asked.only, own);
  const named = await namedFiles(asked.paths, { cwd: process.cwd, noIgnore: settings.noIgnore === true });
  const { emit } = new Reporter(err, { quiet: isQuiet, verbose: false, console: false, turns: false });
  for (const text of named.leftOut) emit({ type: "notice", text });
  const threads = settings.maxWorkers ?? automaticWorkers();
  using pool = new ScanPool({ rules: own.rules, threads });
  await pool.ready();
  using signals = catchSignals(() => pool[Symbol.dispose]());
  const began = performance.now();
  const run = async (files: Files, names: readonly string[]): Promise<ScanReport> =>
    await scan(
      { scanners: names, files: null, minConfidence, maxWorkers: threads },
      {
        workspace: files,
        contexts: [],
        pool,
        signal: signals.signal,
        onProgress: (done, total) => emit({ type: "progress", label: "scan", done, total }),
      },
    );
  const reports: ScanReport[] = [];
  try {
    reports.push(await run(named.files, scanners));
    if (named.deniedCount > 0 && scanners.includes("find_secrets")) reports.push(await run(named.denied, ["find_secrets"]));
  } catch (error) {
    const interrupted = signals.exitCode();
    if (interrupted === undefined) throw error;
    return interrupted;
  }
  const findings = reports.flatMap((report) => report.findings);
  const notes = reports.flatMap((report) => report.notes);
  const files = reports.reduce((sum, report) => sum + report.files, 0);
  const units = reports.reduce((sum, report) => sum + report.units, 0);
  const ms = performance.now() - began;
  if (asked.isSarif) await out.raw(`${JSON.stringify(sarifOf(findings, notes, [...builtInRules(), ...own.rules], version), null, 2)}\n`);
  else if (settings.json === true)
    await out.raw(`${JSON.stringify({ findings: findings.map(told), notes, scanners, files, ms: Math.round(ms) })}\n`);
  else for (const finding of findings) await out.raw(lineOf(finding, out));
  for (const { file, why } of notes) emit({ type: "notice", text: `${file}: ${why}` });
  emit({ type: "notice", text: `${summary(findings)} in ${counted(files, "file")}, ${bytesInWords(units)}, ${(ms / 1_000).toFixed(1)} s` });
  return failOn !== undefined && findings.some(({ severity }) => isAtLeast(SEVERITIES, severity, failOn)) ? EXIT.cell : EXIT.ok;
}

/** `src/a.ts:12:5: high js-sql-…: message`, and the line itself. */
function lineOf({ file, line, column, severity, confidence, rule, message, code }: Found, out: CommandContext["out"]): string {
  const sure = confidence === "high" ? "" : `, ${confidence} confidence`;
  return `${visible(file)}:${line}:${column}: ${severity}${sure}: ${visible(message)} [${rule}]\n    ${out.dim(visible(code))}\n`;
}

function summary(findings: readonly Found[]): string {
  const levels = SEVERITIES.flatMap((level) => {
    const count = findings.filter(({ severity }) => severity === level).length;
    return count === 0 ? [] : [`${count.toLocaleString("en-US")} ${level}`];
  });
  return `${counted(findings.length, "finding")}${levels.length === 0 ? "" : ` (${levels.join(", ")})`}`;
}

/** Names, or `security`, `quality`, `all`; without a word the security scan and the user's own. */
function scannersIn(only: string | undefined, own: UserRules): string[] {
  const sets: Readonly<Record<string, readonly string[]>> = {
    security: SECURITY_SCANNERS,
    quality: QUALITY_SCANNERS,
    all: [...SCANNER_NAMES, ...own.scanners],
  };
  const known = [...SCANNER_NAMES, ...own.scanners];
  const names = (only ?? ["security", ...own.scanners].join(",")).split(",").flatMap((word) => {
    const name = word.trim();
    const set = Object.hasOwn(sets, name) ? sets[name] : undefined;
    if (set === undefined && !known.includes(name))
      throw new HostError("E_USAGE", `--only ${JSON.stringify(name)} is no scanner; there are security, quality, all, ${known.join(", ")}`);
    return set ?? [name];
  });
  return [...new Set(names)];
}

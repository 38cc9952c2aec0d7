// The scanners beside the engines' own command lines, over the same tree, in one run: `node test/bench/scanners.ts [PATH] [rounds]`.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { automaticWorkers } from "../../src/pool/settings.ts";
import { SECURITY_SCANNERS } from "../../src/scan/catalogue.ts";
import { namedFiles } from "../../src/scan/named-files.ts";
import { builtInRules, ScanPool } from "../../src/scan/pool.ts";
import type { Rule } from "../../src/scan/rule.ts";
import { scan } from "../../src/scan/scan.ts";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const tree = resolve(process.argv[2] ?? "node_modules/zod");
const rounds = Number(process.argv[3] ?? 3);
const RULES = SECURITY_SCANNERS.filter((name) => name !== "find_secrets");

interface Figure {
  readonly name: string;
  readonly ms: number[];
  measure(): Promise<void>;
}

/** The command's own start is in its time, as ours is: a pool is started for each round. */
async function ours(scanners: readonly string[], threads: number): Promise<{ files: number; units: number }> {
  const { files } = await namedFiles([tree], { cwd: tree, noIgnore: true });
  using pool = new ScanPool({ threads });
  return await scan(
    { scanners, files: null, minConfidence: "low", maxWorkers: threads },
    { workspace: files, contexts: [], pool, signal: new AbortController().signal, onProgress: () => undefined },
  );
}

/** As ast-grep's command line reads them: for its every language a rule of its own. */
function forCommandLine(rules: readonly Rule[]): string {
  const folder = mkdtempSync(join(tmpdir(), "rlm-bench-"));
  mkdirSync(join(folder, "rules"));
  const said = rules
    .filter(({ scanner, language }) => RULES.some((name) => name === scanner) && language !== "php")
    .flatMap(({ id, language, matcher }) => {
      const rule = { id, severity: "warning", message: id, ...matcher };
      return language === "typescript"
        ? [Object.assign({ language: "TypeScript" }, rule), Object.assign({}, rule, { id: `${id}-x`, language: "Tsx" })]
        : [Object.assign({ language }, rule)];
    });
  writeFileSync(join(folder, "rules/all.yml"), said.map((rule) => stringify(rule, { aliasDuplicateObjects: false })).join("---\n"));
  const globs = { TypeScript: ["*.ts", "*.mts", "*.cts"], Tsx: ["*.tsx", "*.js", "*.jsx", "*.mjs", "*.cjs"] };
  writeFileSync(join(folder, "sgconfig.yml"), stringify({ ruleDirs: ["rules"], languageGlobs: globs }));
  return folder;
}

const config = forCommandLine(builtInRules());
const secretlintrc = join(config, "secretlintrc.json");
writeFileSync(secretlintrc, JSON.stringify({ rules: [{ id: "@secretlint/secretlint-rule-preset-recommend" }] }));
const astGrep = join(dirname(require.resolve(`@ast-grep/cli-${process.platform}-${process.arch}-gnu/package.json`)), "ast-grep");
const secretlint = join(dirname(require.resolve("secretlint/package.json")), "bin/secretlint.js");
const options = { maxBuffer: 1 << 30, cwd: fileURLToPath(new URL("../..", import.meta.url)) };
const quiet = (): undefined => undefined;

const figure = (name: string, measure: () => Promise<unknown>): Figure => {
  const ms: number[] = [];
  const timed = async (): Promise<void> => {
    const began = performance.now();
    await measure();
    ms.push(performance.now() - began);
  };
  return { name, ms, measure: timed };
};
const workers = [...new Set([1, 2, automaticWorkers()])];
const figures = [
  ...workers.map((n) => figure(`rules, ${n} workers`, () => ours(RULES, n))),
  figure("ast-grep's own command line", () =>
    run(astGrep, ["scan", "-c", join(config, "sgconfig.yml"), "--no-ignore", "vcs", "--json=stream", tree], options).catch(quiet),
  ),
  ...workers.map((n) => figure(`secrets, ${n} workers`, () => ours(["find_secrets"], n))),
  figure("secretlint's own command line", () =>
    run(process.execPath, [secretlint, "--secretlintrc", secretlintrc, join(tree, "**/*")], options).catch(quiet),
  ),
  ...workers.map((n) => figure(`the security scan, ${n} workers`, () => ours(SECURITY_SCANNERS, n))),
];
const { files, units } = await ours(["find_secrets"], 2);
for (let round = 0; round < rounds; round++) for (const each of figures) await each.measure();
const median = (ms: readonly number[]): number => ms.toSorted((a, b) => a - b)[ms.length >> 1] ?? 0;
process.stdout.write(`${tree}: ${files} files, ${(units / 1e6).toFixed(1)} MB, medians of ${rounds} rounds\n`);
for (const { name, ms } of figures) {
  const of = median(ms);
  process.stdout.write(
    `${name.padEnd(36)} ${of.toFixed(0).padStart(7)} ms ${((files / of) * 1_000).toFixed(0).padStart(7)} files/s ${(units / of / 1_000).toFixed(2).padStart(7)} MB/s\n`,
  );
}
rmSync(config, { recursive: true, force: true });

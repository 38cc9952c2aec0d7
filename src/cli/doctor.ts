// `doctor`: what this machine gives the sandbox, and where each setting comes from. No value of a key is ever read for it.
import type { Process, Streams } from "./command.ts";
import { inspectMachine, type Finding } from "./doctor-findings.ts";
import { inspectSettings, type SettingFinding } from "./doctor-settings.ts";
import { EXIT } from "./exit.ts";
import type { Given } from "./program.ts";
import { visible, type Output } from "./terminal.ts";

export async function doctor(given: Given, { process, out, err }: Streams & { readonly process: Process }): Promise<number> {
  const { settings, fileError } = inspectSettings({ given, as: "flag", env: process.env, cwd: process.cwd });
  const findings = await inspectMachine(settings, process, err.isTerminal);
  if (fileError !== undefined) findings.push({ key: "configuration", title: "configuration", state: "failed", text: fileError });
  if (given.json === true) await out.raw(`${JSON.stringify(asJson(findings, settings))}\n`);
  else
    await out.raw(
      `${[...findings.map((finding) => line(finding, out)), "", ...settings.map((each) => settingLine(each, out))].join("\n")}\n`,
    );
  const broken = findings.find(({ state, needed }) => state === "failed" && needed === true);
  return broken === undefined ? EXIT.ok : broken.key === "node" ? EXIT.usage : EXIT.limit;
}

const MARKS = { ok: "ok ", off: "off", failed: "!! " } as const;

function line({ state, title, text }: Finding, out: Output): string {
  const mark = state === "failed" ? out.bold(MARKS[state]) : state === "off" ? out.dim(MARKS[state]) : MARKS[state];
  return `${mark}  ${title.padEnd(22)}${visible(text)}`;
}

function settingLine({ row, key, found, error }: SettingFinding, out: Output): string {
  if (error !== undefined) return `${out.bold(MARKS.failed)}  ${key.padEnd(22)}${visible(error)}`;
  if (found === undefined) return out.dim(`     ${key.padEnd(22)}default: ${row.without}`);
  return `set  ${key.padEnd(22)}${visible(JSON.stringify(found.value))} (${visible(found.source)})`;
}

/** One object: a field for each finding, with its state, its text, and its value where it is a number or a name; and all settings. */
function asJson(findings: readonly Finding[], settings: readonly SettingFinding[]): object {
  const told = findings.map(({ key, state, text, value }) => [key, { state, text, ...(value === undefined ? {} : { value }) }] as const);
  const set: Record<string, object> = {};
  for (const { key, found, error } of settings)
    set[key] = { value: found?.value ?? null, source: found?.source ?? "default", ...(error === undefined ? {} : { error }) };
  return { ...Object.fromEntries(told), settings: set };
}

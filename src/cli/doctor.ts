// `doctor`: what this machine gives the sandbox, and where each setting comes from. No value of a key is ever read for it.
import type { Settings } from "./options.ts";
import type { Streams } from "./cells.ts";
import { inspectMachine, type Finding } from "./doctor-findings.ts";
import { EXIT } from "./exit.ts";
import type { Host } from "./setup.ts";
import { visible, type Output } from "./terminal.ts";

export async function doctor(settings: Settings, host: Host, { out }: Streams): Promise<number> {
  const findings = await inspectMachine(settings, host);
  if (settings.json) await out.raw(`${JSON.stringify(asJson(findings))}\n`);
  else await out.raw(`${findings.map((finding) => line(finding, out)).join("\n")}\n`);
  const broken = findings.find(({ state, needed }) => state === "failed" && needed === true);
  return broken === undefined ? EXIT.ok : broken.key === "node" ? EXIT.usage : EXIT.limit;
}

const MARKS = { ok: "ok ", off: "off", failed: "!! " } as const;

function line({ state, title, text }: Finding, out: Output): string {
  const mark = state === "failed" ? out.bold(MARKS[state]) : state === "off" ? out.dim(MARKS[state]) : MARKS[state];
  return `${mark}  ${title.padEnd(22)}${visible(text)}`;
}

/** One object: a field for each finding, with its state, its text, and its value where it is a number or a name. */
function asJson(findings: readonly Finding[]): object {
  return Object.fromEntries(
    findings.map(({ key, state, text, value }) => [key, { state, text, ...(value === undefined ? {} : { value }) }]),
  );
}

// The demo's answer in words: counts, quotes, how to check a count by hand, and what to type next.
import { HostError } from "../errors.ts";
import { visible, type Output } from "./terminal.ts";

interface Answer {
  readonly counts: readonly { readonly can: string; readonly packages: number; readonly files: number; readonly places: number }[];
  readonly quotes: readonly { readonly at: string; readonly text: string }[];
  readonly check: { readonly text: string; readonly places: number; readonly globs: readonly string[] };
}

/** Reads what the last cell gave to FINAL. */
export function readAnswer(value: unknown): Answer {
  if (!isAnswer(value)) throw new HostError("E_DEFECT", "the demo's answer has another shape than its screen shows");
  return value;
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && "counts" in value && "quotes" in value && "check" in value;
}

export function answerLines({ counts, quotes, check }: Answer, folder: string, out: Output): string[] {
  const width = Math.max(...counts.map(({ can }) => can.length));
  return [
    "",
    out.bold("Answer (what FINAL got)"),
    ...counts.map(
      ({ can, packages, files, places }) =>
        `  ${can.padEnd(width)}  ${amount(packages, "package")}, ${amount(files, "file")}, ${amount(places, "place")}`,
    ),
    ...(quotes.length === 0 ? [] : [""]),
    ...quotes.map(({ at, text }) => out.dim(out.wrapped(`  ${visible(at)}: ${visible(text)}`))),
    "",
    out.bold(`Check it by hand: ${check.places.toLocaleString("en-US")} times ${check.text} in scripts`),
    `  LC_ALL=C grep -rIohF ${quoted(check.text)} ${check.globs.map((glob) => `--include=${quoted(glob)}`).join(" ")} ${quoted(folder)} | wc -l`,
    "",
    out.bold("Next"),
    `  npm run -s rlm-repl -- -e 'context.files.length' -c ${quoted(folder)}`,
    "  npm run -s rlm-repl -- ask 'Where are processes started?' src sandbox --model offline",
    "  npm run -s rlm-repl -- run examples/dependencies.ts -c YOUR_FOLDER --model offline",
    "  ANTHROPIC_API_KEY=… npm run -s rlm-repl -- ask 'your question' YOUR_FOLDER",
  ];
}

function amount(n: number, noun: string): string {
  return `${n.toLocaleString("en-US").padStart(5)} ${noun}${n === 1 ? "" : "s"}`;
}

function quoted(text: string): string {
  return /^[\w./*-]+$/.test(text) && !text.includes("*") ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

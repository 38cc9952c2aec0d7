// What a terminal may be shown: control characters as visible escapes, colour only where it is wanted, a closed pipe no error.
import type { Writable } from "node:stream";

/** C0 but tab and newline, DEL, C1, bidi overrides and isolates, line and paragraph separators, byte-order mark. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text of a cell, a model or a file, fit for a terminal. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const unit = char.charCodeAt(0);
    return unit < 0x100 ? `\\x${unit.toString(16).padStart(2, "0")}` : `\\u${unit.toString(16).padStart(4, "0")}`;
  });
}

/** "1 turn", "1,200 model calls". */
export function counted(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

/** Where a command writes: raw in a pipe, visible at a terminal. */
export class Output {
  readonly stream: Writable;
  readonly isTerminal: boolean;
  readonly color: boolean;

  constructor(stream: Writable & { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>) {
    this.stream = stream;
    this.isTerminal = stream.isTTY === true;
    this.color = this.isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  }

  get columns(): number {
    const { stream } = this;
    return "columns" in stream && typeof stream.columns === "number" && stream.columns > 0 ? stream.columns : 80;
  }

  /** Resolves when the text is on its way; a reader that went away is waited for by nobody. */
  write(text: string): Promise<void> {
    const shown = this.isTerminal ? visible(text) : text;
    return this.raw(shown);
  }

  /** Text of ours, escape codes included. */
  raw(text: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.stream.destroyed || this.stream.writableEnded) return resolve();
      this.stream.write(text, () => resolve());
    });
  }

  /** A line that is longer than the terminal is wide, cut. */
  cut(line: string): string {
    const room = Math.max(10, this.columns - 1);
    return this.isTerminal && line.length > room ? `${line.slice(0, room - 1)}…` : line;
  }

  /** Lines broken between words where the terminal would break them anywhere; what follows is indented by two more. */
  wrapped(text: string): string {
    return this.isTerminal
      ? text
          .split("\n")
          .map((line) => wrap(line, this.columns))
          .join("\n")
      : text;
  }

  dim(text: string): string {
    return this.color ? `\u001b[2m${text}\u001b[22m` : text;
  }

  bold(text: string): string {
    return this.color ? `\u001b[1m${text}\u001b[22m` : text;
  }
}

function wrap(line: string, columns: number): string {
  const indent = `${/^ */.exec(line)?.[0] ?? ""}  `;
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const space = rest.lastIndexOf(" ", columns);
    if (space <= indent.length) break;
    lines.push(rest.slice(0, space));
    rest = indent + rest.slice(space + 1);
  }
  return [...lines, rest].join("\n");
}

// What every command gets: its settings, the process's streams, and how they become a session.
import pLimit from "p-limit";
import type { EventSink } from "../events.ts";
import type { Resolved } from "../config/resolve.ts";
import type { Settings } from "../config/settings.ts";
import { openWith, type Handed, type Host, type Kind } from "../library/open.ts";
import type { ReplSession } from "../library/session.ts";
import { confirm, type Terminal } from "./dialog.ts";
import type { Output } from "./terminal.ts";

export interface Streams {
  readonly out: Output;
  readonly err: Output;
}

/** What a process gives a command: its streams, environment and folder. */
export interface Process {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
}

export interface CommandContext extends Streams {
  readonly process: Process;
  readonly resolved: Resolved;
  /** Of `resolved`. */
  readonly settings: Settings;
}

/** The caller owns the session. `stdin`: what `-` reads, null where it is read for something else; default the process's, unless it is a terminal. */
export function openFor(
  { process, resolved, err }: CommandContext,
  kind: Kind,
  emit: EventSink,
  handed: Handed & Partial<Pick<Host, "stdin" | "confirm">> = {},
): Promise<ReplSession> {
  const { cwd, env } = process;
  const stdin = process.stdin.isTTY ? null : handed.stdin === undefined ? process.stdin : handed.stdin;
  const terminal = { stdin: process.stdin, stdout: globalThis.process.stderr, env };
  const confirm = process.stdin.isTTY && err.isTerminal ? asking(terminal) : undefined;
  return openWith(resolved, kind, { cwd, env, stdin, isTerminal: err.isTerminal, confirm: handed.confirm ?? confirm, emit }, handed);
}

/** One question after another. */
export function asking(terminal: Terminal): (question: string) => Promise<boolean> {
  const turns = pLimit(1);
  return (message) => turns(() => confirm(terminal, { message, instead: "--yes" }));
}

// The guest's side of a scan isolate: the web's globals, the context, what was captured, and the functions; no bridge to the host.
// First: the libraries below look for the web's globals when they load.
import { installWeb } from "./web.ts";
import { parse } from "devalue";
import { Clock, hidden } from "./clock.ts";
import { parseCsv } from "./api/csv.ts";
import type { Capture } from "./captures.ts";
import { contextValue } from "./context-value.ts";
import { KEEP_LOCALS, MAX_SCAN_VALUE, SCANNER_NAMES, type ContextSetup } from "./contract.ts";
import { copyOf } from "./copies.ts";
import { fixed } from "./corpus.ts";
import { coded, cut, named } from "./errors.ts";
import { safeInspect } from "./inspect.ts";
import { globalEval, NativeError, parseJson, stringifyJson } from "./primordials.ts";
import { StackMapper } from "./stack.ts";

interface Setup {
  readonly now: number;
  readonly seed: number;
  readonly functions: readonly { readonly name: string; readonly capture: number }[];
  readonly captures: readonly Capture[];
}

interface Group {
  readonly scan: number;
  readonly jobs: readonly {
    readonly fn: number;
    readonly item: "none" | "value" | "file";
    readonly path?: string;
    readonly size?: number;
  }[];
}

/** Real time, as guests do not have it. */
const realNow = Date.now;

/** Ends of jobs are told together: at the end of a group, and when they come to so many characters. Telling each costs as much as a small job. */
const MAX_UNTOLD = 64 * 1024;

type ScanFunction = (context: unknown, item?: unknown) => unknown;
type Settle = { readonly resolve: (text: string) => void; readonly reject: (error: Error) => void };

/** So that a stack shows them, and not the prelude. */
const SOURCE_URL = "\n//# sourceURL=scan";

/** What only a cell can do, and what to do instead. */
const NOT_HERE: Readonly<Record<string, string>> = {
  llm_query: "collect the prompts and call llm_batch_query after the scan",
  llm_batch_query: "collect the prompts and call it after the scan",
  llm_query_batched: "collect the prompts and call it after the scan",
  rlm_query: "collect the prompts and call rlm_batch_query after the scan",
  rlm_batch_query: "collect the prompts and call it after the scan",
  rlm_query_batched: "collect the prompts and call it after the scan",
  parallel_scan: "return the items and scan them in a second parallel_scan",
  parallel_rg_search: "search first and hand the matches in by `over`",
  rg_search: "search first and hand the matches in by `over`",
  rg_files: "search first and hand the files in by `over`",
  rg_count: "search first and hand the counts in by `over`",
  read_file: "hand the files in by `over: context.files`; each arrives with its text",
  list_files: "list first and hand the files in by `over`",
  FINAL: "return the value and call FINAL in the cell",
  FINAL_VAR: "return the value and call FINAL in the cell",
};

export function boot(post: (message: string) => void): (kind: string, head: string, ...texts: readonly string[]) => void {
  installWeb();
  const clock = new Clock(0, 0);
  clock.install();
  new StackMapper(/^scan$/, () => "").install();
  for (const [name, instead] of Object.entries(NOT_HERE)) fixed(globalThis, name, () => refuse(name, instead));
  hidden(globalThis, "setTimeout", () => refuse("setTimeout", "a scan function has no clock to wait for"));
  hidden(
    globalThis,
    "parse_csv",
    named("parse_csv", (text: unknown, options?: unknown) => parseCsv(text, options)),
  );
  hidden(globalThis, "print", () => undefined);
  hidden(globalThis, "progress", () => undefined);
  hidden(globalThis, "tools", toolsRefused());
  fixed(globalThis, "contexts", {});
  fixed(globalThis, "context", undefined);

  /** Of each scan its setup, and its functions once a job has asked for them. */
  const scans = new Map<number, { readonly setup: string; functions?: readonly ScanFunction[] }>();
  const reads = new Map<number, Settle>();
  let lastRead = 0;
  /** Which job of a group runs, where the kernel sees it whatever becomes of this isolate. */
  let gauge: Int32Array = new Int32Array(1);
  let lengths = "";
  let ends = "";
  const tell = (): void => {
    if (lengths === "") return;
    const message = `[${lengths}]\n${ends}`;
    lengths = "";
    ends = "";
    post(message);
  };
  const note = (end: string, ms: number): void => {
    lengths += `${lengths === "" ? "" : ","}[${ms},${end.length}]`;
    ends += end;
    if (ends.length >= MAX_UNTOLD) tell();
  };
  const read = (context: string, path: unknown, range: unknown): Promise<string> =>
    new Promise((resolve, reject) => {
      reads.set(++lastRead, { resolve, reject });
      tell();
      post(`?${lastRead}\n${stringifyJson({ context, path, range })}`);
    });

  const functionsOf = (scan: number): readonly ScanFunction[] => {
    const known = scans.get(scan);
    if (known === undefined) throw new NativeError("no such scan");
    if (known.functions !== undefined) return known.functions;
    const { now, seed, functions, captures } = parseJson(known.setup) as Setup;
    clock.restart(now, seed);
    known.functions = loaded(functions, captures);
    return known.functions;
  };

  const run = async ({ scan, jobs }: Group, texts: readonly string[]): Promise<void> => {
    for (const [i, { fn, item, path, size }] of jobs.entries()) {
      const text = texts[i] ?? "";
      const began = realNow();
      let end: string;
      gauge[0] = i;
      try {
        const value = item === "none" ? undefined : item === "value" ? (parse(text) as unknown) : { path, size, text };
        end = result(await functionsOf(scan)[fn]?.((globalThis as Record<string, unknown>)["context"], value));
      } catch (error) {
        end = failure(error);
      }
      note(end, realNow() - began);
    }
    gauge[0] = jobs.length;
    tell();
  };

  return function enter(kind, head, ...texts) {
    switch (kind) {
      case "gauge":
        gauge = new Int32Array(texts[0] as unknown as SharedArrayBuffer);
        return;
      case "context":
        return addContext(parseJson(head) as ContextSetup, texts[0] ?? "", read);
      case "scan":
        return void scans.set(Number(head), { setup: texts[0] ?? "" });
      case "forget":
        return void scans.delete(Number(head));
      case "text":
        return settle(reads, parseJson(head) as ReadEnd, texts[0] ?? "");
      case "jobs":
        return void run(parseJson(head) as Group, texts);
    }
  };
}

interface ReadEnd {
  readonly id: number;
  /** JSON of the error, or `{}`. */
  readonly head: string;
}

function settle(reads: Map<number, Settle>, { id, head }: ReadEnd, text: string): void {
  const waiting = reads.get(id);
  reads.delete(id);
  const { code, message } = parseJson(head) as { readonly code?: string; readonly message?: string };
  if (code === undefined) waiting?.resolve(text);
  else waiting?.reject(coded(code, message ?? ""));
}

/**
 * The scan's functions: each with names of its own for what it mentions, so that neither another function nor a later scan finds them.
 * Functions may mention each other: who comes later is told once all are made.
 */
function loaded(functions: Setup["functions"], captures: Setup["captures"]): readonly ScanFunction[] {
  const made: unknown[] = [];
  const told: (() => void)[] = [];
  for (const capture of captures) {
    if (capture.kind === "value") {
      made.push(parse(capture.text));
      continue;
    }
    const { name, text, mentions } = capture;
    const names = Object.keys(mentions);
    const now = (): unknown[] => names.map((mention) => made[mentions[mention] as number]);
    const called = JSON.stringify(name);
    const setter = names.length === 0 ? "() => {}" : `(...$told) => { [${names.join(", ")}] = $told; }`;
    const source = `"use strict";(function(${[KEEP_LOCALS, ...names].join(", ")}) { return [{${called}: ${text}}[${called}], ${setter}]; })`;
    const make = globalEval(source + SOURCE_URL) as (...values: readonly unknown[]) => [unknown, (...values: readonly unknown[]) => void];
    const [value, tell] = make(keepNothing, ...now());
    made.push(value);
    told.push(() => tell(...now()));
  }
  for (const tell of told) tell();
  return functions.map(({ capture }) => made[capture] as ScanFunction);
}

function keepNothing<T>(closure: T): T {
  return closure;
}

function result(value: unknown): string {
  try {
    return `+${copyOf("what the function returned", value, MAX_SCAN_VALUE)}`;
  } catch (error) {
    if (isTooLarge(error)) return failure(error);
    return failure(
      coded(
        "E_SCAN_RESULT",
        `what the function returned cannot be copied: ${error instanceof Error ? error.message : "it threw"} (E_SCAN_RESULT)`,
      ),
    );
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof NativeError && (error as { code?: unknown }).code === "E_TOO_LARGE";
}

function failure(error: unknown): string {
  const isError = error instanceof NativeError;
  const code: unknown = isError ? (error as { code?: unknown }).code : undefined;
  const message = isTooLarge(error) ? (error as Error).message : isError ? `${error.name}: ${error.message}` : safeInspect(error, 2_000);
  return `-${typeof code === "string" && /^E_[A-Z_]{1,60}$/.test(code) ? code : "E_SCAN_THREW"}\n${cut(message, 2_000)}`;
}

function refuse(name: string, instead: string): never {
  throw coded("E_NOT_IN_SCAN", `${name} cannot be called inside a scan function: ${instead} (E_NOT_IN_SCAN)`);
}

function toolsRefused(): object {
  const all = [...SCANNER_NAMES, "run_security_scan", "run_quality_scan"];
  return Object.fromEntries(all.map((name) => [name, () => refuse(`tools.${name}`, "hand it to parallel_scan beside the functions")]));
}

type Read = (context: string, path: unknown, range: unknown) => Promise<string>;

function addContext(setup: ContextSetup, text: string, read: Read): void {
  if (setup.kind === "none") return;
  const value =
    setup.kind === "corpus"
      ? { files: setup.files ?? [], size: setup.size ?? 0, read: (path: unknown, range: unknown) => read(setup.name, path, range) }
      : contextValue(setup, text);
  (globalThis as unknown as { contexts: Record<string, unknown> }).contexts[setup.name] = value;
  fixed(globalThis, "context", value);
}

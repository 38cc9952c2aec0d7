// The guest's side of a scan isolate: the web's globals, the context, what was captured, and the functions; no bridge to the host.
// First: the libraries below look for the web's globals when they load.
import { installWeb } from "./web.ts";
import { parse } from "devalue";
import { Clock, hidden } from "./clock.ts";
import { contextValue } from "./context-value.ts";
import { MAX_SCAN_VALUE, type ContextSetup } from "./contract.ts";
import { copyOf } from "./copies.ts";
import { fixed } from "./corpus.ts";
import { coded, cut } from "./errors.ts";
import { safeInspect } from "./inspect.ts";
import { globalEval, NativeError, parseJson } from "./primordials.ts";
import { StackMapper } from "./stack.ts";

interface Setup {
  readonly now: number;
  readonly seed: number;
  readonly functions: readonly { readonly name: string; readonly source: string }[];
  readonly captures: readonly { readonly name: string; readonly kind: "value" | "source"; readonly text: string }[];
}

interface JobHead {
  readonly fn: number;
  readonly item: "none" | "value" | "file";
  readonly path?: string;
  readonly size?: number;
}

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

export function boot(post: (message: string) => void, setupJson: string): (kind: string, head: string, text: string) => void {
  const setup = parseJson(setupJson) as Setup;
  installWeb();
  new Clock(setup.now, setup.seed).install();
  new StackMapper(/^scan$/, () => "").install();
  for (const [name, instead] of Object.entries(NOT_HERE)) fixed(globalThis, name, () => refuse(name, instead));
  hidden(globalThis, "setTimeout", () => refuse("setTimeout", "a scan function has no clock to wait for"));
  hidden(globalThis, "print", () => undefined);
  hidden(globalThis, "progress", () => undefined);
  fixed(globalThis, "contexts", {});
  fixed(globalThis, "context", undefined);

  let functions: ((context: unknown, item?: unknown) => unknown)[] | undefined;
  const load = (): NonNullable<typeof functions> => {
    for (const { name, kind, text } of setup.captures)
      hidden(globalThis, name, kind === "value" ? parse(text) : globalEval(text + SOURCE_URL));
    return setup.functions.map(
      ({ source }) => globalEval(`"use strict";${source}${SOURCE_URL}`) as (context: unknown, item?: unknown) => unknown,
    );
  };

  return function enter(kind, headJson, text) {
    if (kind === "context") return addContext(parseJson(headJson) as ContextSetup, text);
    const head = parseJson(headJson) as JobHead;
    const drive = async (): Promise<void> => {
      let reply: string;
      try {
        functions ??= load();
        const item =
          head.item === "none" ? undefined : head.item === "value" ? (parse(text) as unknown) : { path: head.path, size: head.size, text };
        const value = await functions[head.fn]?.((globalThis as Record<string, unknown>)["context"], item);
        reply = result(value);
      } catch (error) {
        reply = failure(error);
      }
      post(reply);
    };
    void drive();
  };
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

function addContext(setup: ContextSetup, text: string): void {
  if (setup.kind === "none") return;
  const value =
    setup.kind === "corpus"
      ? { files: setup.files ?? [], size: setup.size ?? 0, read: () => refuse("context.read", NOT_HERE["read_file"] ?? "") }
      : contextValue(setup, text);
  (globalThis as unknown as { contexts: Record<string, unknown> }).contexts[setup.name] = value;
  fixed(globalThis, "context", value);
}

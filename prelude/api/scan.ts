// parallel_scan in the session's isolate: shapes the call, captures, and reads the results back.
import { parse, stringify } from "devalue";
import type { Bridge } from "../bridge.ts";
import { capture } from "../captures.ts";
import type { Contexts } from "../corpus.ts";
import { badArgument, coded } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { isArray } from "../primordials.ts";
import { kindOf } from "./models.ts";

interface JobResult {
  readonly ok: boolean;
  /** devalue's text of the value. */
  readonly value?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly ms: number;
}

export class Scan {
  readonly #bridge: Bridge;
  readonly #contexts: Contexts;
  readonly #isBuiltIn: (name: string) => boolean;
  readonly #argument: number;

  constructor(bridge: Bridge, contexts: Contexts, isBuiltIn: (name: string) => boolean, argumentLimit: number) {
    this.#bridge = bridge;
    this.#contexts = contexts;
    this.#isBuiltIn = isBuiltIn;
    this.#argument = argumentLimit;
  }

  /** `parallel_scan(functions, options)` or `parallel_scan(tools, functions, options)`. */
  async run(...given: readonly unknown[]): Promise<unknown[]> {
    const [functions, options] = isArray(given[0]) || !isArray(given[1]) ? given : given.slice(1);
    if (!isArray(functions))
      throw badArgument(`parallel_scan takes a list of functions, not ${kindOf(functions)}: parallel_scan([(context) => …])`);
    const { over, maxWorkers } = optionsOf(options);
    const captured = capture(functions, this.#isBuiltIn);
    if (functions.length === 0 || over?.length === 0) return [];
    const items = over?.map((item, i) => this.#item(item, i)) ?? null;
    const call = { functions: captured.functions, captures: captured.captures, items, max_workers: maxWorkers };
    const results = (await this.#bridge.call("scan", argumentJson("parallel_scan: argument", call, this.#argument))) as JobResult[];
    const names = captured.functions.flatMap(({ name }) =>
      (over ?? [undefined]).map((item, i) => (over === undefined ? name : `${name}[${this.#label(item, i)}]`)),
    );
    return results.map((result, i) => scanResult(names[i] ?? "", result));
  }

  /** A file of a corpus goes by its path, and arrives with its text. */
  #item(item: unknown, i: number): { readonly file: string } | { readonly value: string } {
    const file = this.#contexts.fileOf(item);
    if (file !== undefined) return { file };
    try {
      return { value: stringify(item) };
    } catch (error) {
      throw coded(
        "E_SCAN_CAPTURE",
        `parallel_scan: over[${i}] cannot be copied: ${error instanceof Error ? error.message : "it threw"} (E_SCAN_CAPTURE)`,
      );
    }
  }

  #label(item: unknown, i: number): string {
    return this.#contexts.fileOf(item) ?? (typeof item === "string" && item.length <= 40 ? item : String(i));
  }
}

function scanResult(name: string, result: JobResult): unknown {
  const { ok, ms } = result;
  return ok ? { name, ok, value: parse(result.value ?? "null") as unknown, ms } : { name, ok, value: undefined, error: result.error, ms };
}

function optionsOf(options: unknown): { over: readonly unknown[] | undefined; maxWorkers: number | null } {
  if (options === undefined || options === null) return { over: undefined, maxWorkers: null };
  if (typeof options === "number") return { over: undefined, maxWorkers: workers(options) };
  if (typeof options !== "object" || isArray(options))
    throw badArgument(`parallel_scan takes options as an object or a number of workers, not ${kindOf(options)}`);
  const { over, max_workers: maxWorkers } = options as { over?: unknown; max_workers?: unknown };
  if (over !== undefined && over !== null && !isArray(over))
    throw badArgument(`parallel_scan: over takes a list of items, not ${kindOf(over)}`);
  return {
    over: isArray(over) ? over : undefined,
    maxWorkers: maxWorkers === undefined || maxWorkers === null ? null : workers(maxWorkers),
  };
}

function workers(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
  throw badArgument(`parallel_scan: max_workers is ${String(value)}, not a whole number ≥ 1 (null for automatic)`);
}

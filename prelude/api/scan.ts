// parallel_scan in the session's isolate: shapes the call, captures, and reads the results back.
import { parse } from "devalue";
import type { Bridge } from "../bridge.ts";
import { capture, type Captured } from "../captures.ts";
import type { Contexts } from "../corpus.ts";
import { copyOf } from "../copies.ts";
import { badArgument, coded, isImmediate } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { isArray } from "../primordials.ts";
import type { Scanners } from "./scanners.ts";
import { kindOf, optionsOf, wholeNumber } from "../options.ts";

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
  readonly #scanners: Scanners;
  readonly #isBuiltIn: (name: string) => boolean;
  readonly #argument: number;

  constructor(bridge: Bridge, contexts: Contexts, scanners: Scanners, isBuiltIn: (name: string) => boolean, argumentLimit: number) {
    this.#bridge = bridge;
    this.#contexts = contexts;
    this.#scanners = scanners;
    this.#isBuiltIn = isBuiltIn;
    this.#argument = argumentLimit;
  }

  /** `parallel_scan(functions, options)` or `parallel_scan(tools, functions, options)`. */
  async run(first: unknown, second: unknown, third: unknown): Promise<unknown[]> {
    const hasTools = !isArray(first) && isArray(second);
    const functions = hasTools ? second : first;
    const options = hasTools ? third : second;
    if (!isArray(functions))
      throw badArgument(`parallel_scan takes a list of functions, not ${kindOf(functions)}: parallel_scan([(context) => …])`);
    const { over, maxWorkers } = scanOptions(options);
    const scanners = functions.flatMap((value) => this.#scanners.nameOf(value) ?? []);
    const captured = capture(
      functions.filter((value) => this.#scanners.nameOf(value) === undefined),
      this.#isBuiltIn,
    );
    if (functions.length === 0 || over?.length === 0) return [];
    const [found, results] = await Promise.all([
      scanners.length === 0 ? [] : this.#scan(scanners, over, maxWorkers),
      captured.functions.length === 0 ? [] : this.#run(captured, over, maxWorkers),
    ]);
    const each = over?.length ?? 1;
    return functions.flatMap((value) => (this.#scanners.nameOf(value) === undefined ? results : found).splice(0, each));
  }

  async #run(captured: Captured, over: readonly unknown[] | undefined, maxWorkers: number | null): Promise<unknown[]> {
    const items = over?.map((item, i) => this.#item(item, i)) ?? null;
    const call = { functions: captured.functions, captures: captured.captures, items, max_workers: maxWorkers };
    const results = (await this.#bridge.call("scan", argumentJson("parallel_scan: argument", call, this.#argument))) as JobResult[];
    const names = captured.functions.flatMap(({ name }) => this.#names(name, over));
    return results.map((result, i) => scanResult(names[i] ?? "", result));
  }

  /** All scanners together, so that each file is read once; what goes wrong is told of each. */
  async #scan(scanners: readonly string[], over: readonly unknown[] | undefined, maxWorkers: number | null): Promise<unknown[]> {
    const files = over?.map((item, i) => this.#contexts.fileOf(item) ?? notFile(item, i)) ?? null;
    const names = scanners.flatMap((name) => this.#names(name, over));
    try {
      const unique = [...new Set(scanners)];
      const { findings, of, ms } = await this.#scanners.ask("parallel_scan", unique, {
        files,
        min_confidence: null,
        max_workers: maxWorkers,
      });
      const values = scanners.flatMap((scanner) => {
        const own = findings.filter((_, i) => unique[of[i] ?? -1] === scanner);
        return files === null ? [own] : files.map((path) => own.filter(({ file }) => file === path));
      });
      return values.map((value, i) => ({ name: names[i], ok: true, value, ms }));
    } catch (error) {
      if (isImmediate(error)) throw error;
      const { code = "E_DEFECT", message } = error as Error & { readonly code?: string };
      return names.map((name) => ({ name, ok: false, error: { code, message }, ms: 0 }));
    }
  }

  #names(name: string, over: readonly unknown[] | undefined): string[] {
    return over === undefined ? [name] : over.map((item, i) => `${name}[${this.#label(item, i)}]`);
  }

  /** A file of a corpus goes by its path, and arrives with its text. */
  #item(item: unknown, i: number): { readonly file: string } | { readonly value: string } {
    const file = this.#contexts.fileOf(item);
    if (file !== undefined) return { file };
    try {
      return { value: copyOf(`parallel_scan: over[${i}]`, item, this.#argument) };
    } catch (error) {
      if (isImmediate(error)) throw error;
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

function notFile(item: unknown, i: number): never {
  throw badArgument(`parallel_scan: over[${i}] is ${kindOf(item)}, not a file of a Corpus: scanners run over context.files`);
}

function scanResult(name: string, result: JobResult): unknown {
  const { ok, ms } = result;
  return ok ? { name, ok, value: parse(result.value ?? "null") as unknown, ms } : { name, ok, error: result.error, ms };
}

function scanOptions(given: unknown): { over: readonly unknown[] | undefined; maxWorkers: number | null } {
  const options = optionsOf("parallel_scan", typeof given === "number" ? { max_workers: given } : given, ["max_workers", "over"]);
  const over = options["over"] ?? undefined;
  if (over !== undefined && !isArray(over)) throw badArgument(`parallel_scan: over takes a list of items, not ${kindOf(over)}`);
  return { over, maxWorkers: wholeNumber("parallel_scan: max_workers", options["max_workers"]) ?? null };
}

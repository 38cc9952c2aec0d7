// `tools`: the built-in scanners and those of the user's rules. The host runs them; here are their names and how they are called.
import type { Bridge } from "../bridge.ts";
import { OF_TOOLS, QUALITY_SCANNERS, SCANNER_NAMES, SECURITY_SCANNERS } from "../contract.ts";
import { badArgument } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { kindOf, optionsOf, wholeNumber } from "../options.ts";
import { define, freeze, isArray } from "../primordials.ts";

/** The host's answer: of each finding the place of its scanner among those asked. */
export interface ScannerAnswer {
  readonly findings: readonly { readonly file: string }[];
  readonly of: readonly number[];
  readonly ms: number;
}

export class Scanners {
  readonly #bridge: Bridge;
  readonly #argument: number;
  readonly #names = new Map<unknown, string>();
  readonly tools: object;

  /** `own`: names of the user's. `rejecting`: how every asynchronous function of the prelude is made. */
  constructor(
    bridge: Bridge,
    own: readonly string[],
    argumentLimit: number,
    rejecting: (name: string, work: (...given: never[]) => unknown) => object,
  ) {
    this.#bridge = bridge;
    this.#argument = argumentLimit;
    const tools: Record<string, unknown> = {};
    for (const name of [...SCANNER_NAMES, ...own]) {
      const scanner = rejecting(name, (options?: unknown) => this.#one(`tools.${name}`, [name], options, false));
      define(scanner, "scanner", name, { writable: false, enumerable: true });
      this.#names.set(scanner, name);
      tools[name] = freeze(scanner);
    }
    for (const [name, scanners] of [
      ["run_security_scan", SECURITY_SCANNERS],
      ["run_quality_scan", QUALITY_SCANNERS],
    ] as const)
      tools[name] = freeze(rejecting(name, (options?: unknown) => this.#one(`tools.${name}`, scanners, options, true)));
    this.tools = freeze(tools);
  }

  /** The name of a scanner; undefined for anything else. */
  nameOf(value: unknown): string | undefined {
    return this.#names.get(value);
  }

  /** All at once: each file is read once. */
  ask(name: string, scanners: readonly string[], options: object): Promise<ScannerAnswer> {
    return this.#bridge.call(
      "scanners",
      argumentJson(`${name}: argument`, { scanners, ...options }, this.#argument),
    ) as Promise<ScannerAnswer>;
  }

  async #one(name: string, scanners: readonly string[], given: unknown, hasWorkers: boolean): Promise<unknown> {
    const known = ["files", "min_confidence", ...(hasWorkers ? ["max_workers"] : [])];
    const { files, min_confidence, max_workers } = optionsOf(name, given, known);
    if (files !== undefined && files !== null && !isArray(files))
      throw badArgument(`${name}: files takes a list of paths, not ${kindOf(files)}`);
    const answer = await this.ask(name, scanners, {
      files: files ?? null,
      min_confidence: min_confidence ?? null,
      max_workers: wholeNumber(`${name}: max_workers`, max_workers) ?? null,
    });
    return answer.findings;
  }
}

/** Which of the names behind `tools.` are a user's scanners. */
export function ownScanners(tools: readonly { readonly name: string }[]): string[] {
  return tools.flatMap(({ name }) => (name.startsWith(OF_TOOLS) ? [name.slice(OF_TOOLS.length)] : []));
}

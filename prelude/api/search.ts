// ripgrep from a cell. Arguments are shaped here; the host validates them again and decides which files exist.
import type { Bridge } from "../bridge.ts";
import type { Operation } from "../contract.ts";
import { badArgument } from "../errors.ts";
import { argumentJson } from "../json.ts";
import { define, isArray } from "../primordials.ts";
import { kindOf } from "../options.ts";

export class Search {
  readonly #bridge: Bridge;
  readonly #argument: number;

  constructor(bridge: Bridge, argumentLimit: number) {
    this.#bridge = bridge;
    this.#argument = argumentLimit;
  }

  /** `patterns` is one pattern for `rg_*`, a list for `parallel_rg_search`; a number in place of options is `max_workers`. */
  run(operation: Operation, name: string, patterns: unknown, paths: unknown, options: unknown): Promise<unknown> {
    const list = typeof patterns === "string" ? [patterns] : patterns;
    if (!isArray(list)) {
      const wanted = name === "parallel_rg_search" ? "a list of patterns" : "one pattern";
      throw badArgument(
        `${name} takes ${wanted} as text in ripgrep's syntax, not ${patterns instanceof RegExp ? "a RegExp (use its .source)" : kindOf(patterns)}`,
      );
    }
    for (let i = 0; i < list.length; i++)
      if (typeof list[i] !== "string") throw badArgument(`${name}: patterns[${i}] is ${kindOf(list[i])}, not a string`);
    if (typeof paths === "object" && paths !== null && !isArray(paths))
      throw badArgument(`${name}: paths is an object; options come third: ${name}(…, null, { … })`);
    if (name !== "parallel_rg_search" && list.length !== 1)
      throw badArgument(`${name} takes one pattern; for several use parallel_rg_search`);
    const shaped = typeof options === "number" ? { max_workers: options } : (options ?? {});
    const call = { patterns: list, paths: paths ?? null, options: shaped };
    return this.#bridge.call(
      operation,
      argumentJson(`${name}: argument`, call, this.#argument),
      operation === "rg_search" ? { receive: matches } : {},
    );
  }
}

/** The matches, with `truncated` beside them where a loop or JSON does not see it. */
function matches(answer: unknown): unknown {
  const { matches: found, truncated } = answer as { matches: unknown[]; truncated: number };
  define(found, "truncated", truncated, { writable: false });
  return found;
}

// Contexts in the guest: a string, parsed JSON, or a Corpus, of which only the slice asked for ever crosses.
import type { Bridge } from "./bridge.ts";
import { contextValue } from "./context-value.ts";
import type { ContextSetup } from "./contract.ts";
import { badArgument } from "./errors.ts";
import { argumentJson } from "./json.ts";
import { kindOf, optionsOf, shown } from "./options.ts";
import { create, define, filter, freeze, isArray, keys, map } from "./primordials.ts";

interface CorpusFile {
  readonly path: string;
  readonly size: number;
}

interface Piece {
  readonly text: string;
  readonly start_line: number;
  /** Where the next piece begins, in bytes and lines; null at the end of the file. */
  readonly next_offset: number | null;
  readonly next_line: number | null;
}

const DEFAULT_CHUNK = 100_000;
const MAX_CHUNK = 4_000_000;

export class Contexts {
  readonly #bridge: Bridge;
  readonly #all: Record<string, unknown> = create(null) as Record<string, unknown>;
  /** Files of any corpus, so that `parallel_scan` knows them when it meets them. */
  readonly #files = new WeakMap<object, string>();
  readonly #corpora = new WeakSet();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  install(): void {
    fixed(globalThis, "context", undefined);
    fixed(globalThis, "contexts", this.#all);
  }

  /** The last one given is `context`. */
  add(setup: ContextSetup, text: string): void {
    const before = setup.replaces === true ? keys(this.#all) : [];
    for (let i = 0; i < before.length; i++) delete this.#all[before[i] as string];
    if (setup.kind === "none") return fixed(globalThis, "context", undefined);
    const value = setup.kind === "corpus" ? this.#corpus(setup) : contextValue(setup, text);
    fixed(this.#all, setup.name, value, true);
    fixed(globalThis, "context", value);
  }

  fileOf(item: unknown): string | undefined {
    return typeof item === "object" && item !== null ? this.#files.get(item) : undefined;
  }

  /** The name of a context that is this very value. */
  nameOf(value: unknown): string | undefined {
    return filter(keys(this.#all), (name) => this.#all[name] === value)[0];
  }

  isCorpus(value: unknown): boolean {
    return typeof value === "object" && value !== null && this.#corpora.has(value);
  }

  #corpus(setup: ContextSetup): unknown {
    const files = freeze((setup.files ?? []).map((file) => freeze({ path: file.path, size: file.size })));
    for (const file of files) this.#files.set(file, file.path);
    const pieces = (name: string, file: string, maxChars: number): AsyncGenerator<Piece> => this.#pieces(name, file, maxChars);
    const byPath = create(null) as Record<string, CorpusFile>;
    for (let i = 0; i < files.length; i++) byPath[(files[i] as CorpusFile).path] = files[i] as CorpusFile;
    const pick = (chosen: unknown): readonly CorpusFile[] =>
      chosen === undefined || chosen === null ? files : chosenFiles(byPath, chosen);
    const corpus = {
      files,
      size: setup.size ?? 0,
      read: async (path: unknown, range?: unknown) => readFile(this.#bridge, path, range, setup.name),
      async *chunks(given?: unknown) {
        const options = optionsOf("chunks", given, ["max_chars", "files"]);
        const maxChars = options["max_chars"] ?? DEFAULT_CHUNK;
        if (typeof maxChars !== "number" || maxChars % 1 !== 0 || maxChars < 2 || maxChars > MAX_CHUNK) {
          throw badArgument(`chunks: max_chars is ${shown(maxChars)}, not a whole number from 2 to ${MAX_CHUNK}`);
        }
        const chosen = pick(options["files"]);
        for (let i = 0; i < chosen.length; i++) {
          const file = chosen[i] as CorpusFile;
          for await (const piece of pieces(setup.name, file.path, maxChars))
            yield { path: file.path, start_line: piece.start_line, text: piece.text };
        }
      },
      async *lines(given?: unknown) {
        const chosen = pick(optionsOf("lines", given, ["files"])["files"]);
        for (let i = 0; i < chosen.length; i++) {
          const file = chosen[i] as CorpusFile;
          let line = 0;
          let rest = "";
          for await (const piece of pieces(setup.name, file.path, DEFAULT_CHUNK)) {
            // What is before the piece's first line end is only joined to the rest: looking through both again costs the square of a long line.
            let start = 0;
            for (let end = piece.text.indexOf("\n"); end !== -1; end = piece.text.indexOf("\n", start)) {
              const text = rest + piece.text.slice(start, end);
              rest = "";
              start = end + 1;
              yield { path: file.path, line: ++line, text: text.endsWith("\r") ? text.slice(0, -1) : text };
            }
            rest += piece.text.slice(start);
          }
          if (rest !== "") yield { path: file.path, line: ++line, text: rest };
        }
      },
    };
    this.#corpora.add(corpus);
    return freeze(corpus);
  }

  async *#pieces(context: string, path: string, maxChars: number): AsyncGenerator<Piece> {
    let offset: number | null = 0;
    let line = 1;
    while (offset !== null) {
      const piece = (await this.#bridge.call(
        "read_piece",
        argumentJson("chunks", { context, path, offset, line, max_chars: maxChars }, 10_000),
      )) as Piece;
      if (piece.text !== "") yield piece;
      offset = piece.next_offset;
      line = piece.next_line ?? 1;
    }
  }
}

/** `read_file` and `Corpus.read`. */
export function readFile(bridge: Bridge, path: unknown, range: unknown, context?: string): Promise<unknown> {
  const name = context === undefined ? "read_file" : "context.read";
  if (typeof path !== "string") throw badArgument(`${name} takes a path as a string, not ${kindOf(path)}`);
  if (range !== undefined && range !== null && typeof range !== "object") {
    throw badArgument(`${name} takes a range as {start_line, end_line}, lines from 1, both inclusive, not ${kindOf(range)}`);
  }
  return bridge.call("read_file", argumentJson("read_file", { path, range: range ?? undefined, context }, 100_000));
}

export function listFiles(bridge: Bridge, glob: unknown): Promise<unknown> {
  if (glob !== undefined && glob !== null && typeof glob !== "string")
    throw badArgument(`list_files takes a glob as a string, or nothing, not ${kindOf(glob)}`);
  return bridge.call("list_files", argumentJson("list_files", { glob: glob ?? null }, 10_000));
}

function chosenFiles(files: Readonly<Record<string, CorpusFile>>, chosen: unknown): readonly CorpusFile[] {
  if (!isArray(chosen)) throw badArgument(`files takes a list of paths, not ${kindOf(chosen)}`);
  return map(chosen, (item) => {
    const path = typeof item === "object" && item !== null && "path" in item ? item.path : item;
    const found = typeof path === "string" ? files[path] : undefined;
    if (found === undefined) throw badArgument(`no such file in this corpus: ${String(path)}; context.files lists them`);
    return found;
  });
}

/** A property no cell can replace, though the prelude can, when a context is added. */
export function fixed(object: object, name: string, value: unknown, enumerable = false): void {
  define(object, name, value, { writable: false, enumerable });
}

// read_file, list_files, and the pieces a Corpus is read in: the workspace decides which files exist, a corpus what they were.
import { HostError } from "../errors.ts";
import type { Corpus, ContextSource, PieceRequest } from "../workspace/types.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { bad, fields, optionalText, shown, text } from "./arguments.ts";
import type { Handler } from "./types.ts";

/** Asked at each call: a session's contexts can be replaced. */
export interface FilesOptions {
  readonly workspace: Workspace;
  readonly contexts: readonly ContextSource[];
}

export function readFile(data: FilesOptions): Handler {
  return async (args, { signal }) => await readText(data, args, signal);
}

/** `{path, range, context}`: of the corpus that is named, else of the workspace. */
export async function readText(data: FilesOptions, args: unknown, signal: AbortSignal): Promise<string> {
  const { path, range, context } = fields("read_file", args);
  const corpus = corpusOf(data.contexts, context);
  return corpus === undefined ? await data.workspace.read(path, range, signal) : await corpus.read(text("read: path", path), range, signal);
}

export function readPiece(data: FilesOptions): Handler {
  return async (args, { signal }) => {
    const given = fields("chunks", args);
    const corpus = corpusOf(data.contexts, given["context"]);
    if (corpus === undefined) throw bad("chunks: no context is named");
    const request: PieceRequest = {
      offset: count("offset", given["offset"]),
      line: count("line", given["line"]),
      maxChars: count("max_chars", given["max_chars"]),
    };
    return await corpus.readPiece(text("chunks: path", given["path"]), request, signal);
  };
}

export function listFiles(data: FilesOptions): Handler {
  return async (args, { signal }) => await data.workspace.list(fields("list_files", args)["glob"], signal);
}

function corpusOf(contexts: readonly ContextSource[], named: unknown): Corpus | undefined {
  const name = optionalText("context", named);
  if (name === undefined) return undefined;
  const found = contexts.find((context) => context.name === name);
  if (found?.kind !== "corpus") throw new HostError("E_NOT_FOUND", `there is no corpus named ${shown(name)}`);
  return found.corpus;
}

function count(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw bad(`chunks: ${name} is ${shown(value)}, not a whole number ≥ 0`);
}

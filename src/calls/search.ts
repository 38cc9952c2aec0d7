// rg_search, rg_files and rg_count for the session: the searches are functions of their arguments and the files alone.
import type { ContextSource } from "../workspace/types.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { fields } from "./arguments.ts";
import { searchCount, searchFiles, searchPatterns } from "./search/search.ts";
import type { Handler } from "./types.ts";

export interface SearchOptions {
  /** Asked at each call: a session's contexts can be replaced. */
  readonly data: { readonly workspace: Workspace; readonly contexts: readonly ContextSource[] };
  readonly maxWorkers: number;
}

export function rgSearch({ data, maxWorkers }: SearchOptions): Handler {
  return async (args, { signal, warn }) => {
    const { patterns, paths, options } = fields("parallel_rg_search", args);
    return await searchPatterns(patterns, paths, options, { workspace: data.workspace, contexts: data.contexts, maxWorkers, signal, warn });
  };
}

export function rgFiles({ data, maxWorkers }: SearchOptions): Handler {
  return async (args, { signal, warn }) => {
    const { patterns, paths, options } = fields("rg_files", args);
    return await searchFiles(one(patterns), paths, options, {
      workspace: data.workspace,
      contexts: data.contexts,
      maxWorkers,
      signal,
      warn,
    });
  };
}

export function rgCount({ data, maxWorkers }: SearchOptions): Handler {
  return async (args, { signal, warn }) => {
    const { patterns, paths, options } = fields("rg_count", args);
    return await searchCount(one(patterns), paths, options, {
      workspace: data.workspace,
      contexts: data.contexts,
      maxWorkers,
      signal,
      warn,
    });
  };
}

function one(patterns: unknown): unknown {
  return Array.isArray(patterns) ? patterns[0] : patterns;
}

// rg_search, rg_files and rg_count for the session: the searches are functions of their arguments and the files alone.
import type { LimitFunction } from "p-limit";
import type { ContextSource } from "../workspace/types.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { fields } from "./arguments.ts";
import { searchCount, searchFiles, searchPatterns } from "./search/search.ts";
import type { SearchTools } from "./search/types.ts";
import type { CallContext, Handler } from "./types.ts";

export interface SearchOptions {
  /** Asked at each call: a session's contexts can be replaced. */
  readonly data: { readonly workspace: Workspace; readonly contexts: readonly ContextSource[] };
  readonly maxWorkers: number;
  readonly slots: LimitFunction;
}

export function rgSearch(options: SearchOptions): Handler {
  return async (args, call) => {
    const { patterns, paths, options: given } = fields("parallel_rg_search", args);
    return await searchPatterns(patterns, paths, given, toolsOf(options, call));
  };
}

export function rgFiles(options: SearchOptions): Handler {
  return async (args, call) => {
    const { patterns, paths, options: given } = fields("rg_files", args);
    return await searchFiles(one(patterns), paths, given, toolsOf(options, call));
  };
}

export function rgCount(options: SearchOptions): Handler {
  return async (args, call) => {
    const { patterns, paths, options: given } = fields("rg_count", args);
    return await searchCount(one(patterns), paths, given, toolsOf(options, call));
  };
}

function toolsOf({ data, maxWorkers, slots }: SearchOptions, { signal, warn }: CallContext): SearchTools {
  return { workspace: data.workspace, contexts: data.contexts, maxWorkers, slots, signal, warn };
}

function one(patterns: unknown): unknown {
  return Array.isArray(patterns) ? patterns[0] : patterns;
}

// rg_search, rg_files and rg_count for the session: the searches are functions of their arguments and the files alone.
import type { LimitFunction } from "p-limit";
import type { ContextSource } from "../workspace/types.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { fields } from "./arguments.ts";
import { searchCount, searchFiles, searchPatterns } from "./search/search.ts";
import type { Handler } from "./types.ts";

export interface SearchOptions {
  readonly workspace: Workspace;
  readonly contexts: readonly ContextSource[];
  readonly maxWorkers: number;
  readonly slots: LimitFunction;
}

export function rgSearch(tools: SearchOptions): Handler {
  return async (args, { signal }) => {
    const { patterns, paths, options } = fields("parallel_rg_search", args);
    return await searchPatterns(patterns, paths, options, { ...tools, signal });
  };
}

export function rgFiles(tools: SearchOptions): Handler {
  return async (args, { signal }) => {
    const { patterns, paths, options } = fields("rg_files", args);
    return await searchFiles(one(patterns), paths, options, { ...tools, signal });
  };
}

export function rgCount(tools: SearchOptions): Handler {
  return async (args, { signal }) => {
    const { patterns, paths, options } = fields("rg_count", args);
    return await searchCount(one(patterns), paths, options, { ...tools, signal });
  };
}

function one(patterns: unknown): unknown {
  return Array.isArray(patterns) ? patterns[0] : patterns;
}

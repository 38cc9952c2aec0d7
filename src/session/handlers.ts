// What serves the host calls of a session's cells, by their operation.
import pLimit from "p-limit";
import { MAX_FILE_CALLS } from "../../sandbox/limits.ts";
import { listFiles, readFile, readPiece } from "../calls/files.ts";
import { llm, llmBatch } from "../calls/llm.ts";
import { rlmHandlers, type RlmOptions } from "../calls/rlm.ts";
import { rgCount, rgFiles, rgSearch } from "../calls/search.ts";
import { scanners, type ScannerOptions } from "../calls/scanners.ts";
import { tool, type ToolOptions } from "../calls/tools.ts";
import { inTurn } from "../calls/turns.ts";
import type { Handlers } from "../calls/types.ts";
import type { SessionData } from "./data.ts";

export function handlersOf(data: SessionData, llmOptions: RlmOptions, toolOptions: ToolOptions, scannerOptions: ScannerOptions): Handlers {
  const { maxWorkers } = scannerOptions;
  const turns = pLimit(MAX_FILE_CALLS);
  const search = { data, maxWorkers, slots: pLimit(maxWorkers) };
  return {
    llm: llm(llmOptions),
    llm_batch: llmBatch(llmOptions),
    ...rlmHandlers(llmOptions),
    tool: tool(toolOptions),
    scanners: inTurn(turns, scanners(scannerOptions)),
    rg_search: inTurn(turns, rgSearch(search)),
    rg_files: inTurn(turns, rgFiles(search)),
    rg_count: inTurn(turns, rgCount(search)),
    read_file: inTurn(turns, readFile(data)),
    read_piece: inTurn(turns, readPiece(data)),
    list_files: inTurn(turns, listFiles(data)),
  };
}

/** For a scan, which reads files by itself. */
export async function readCorpusFile({ contexts, workspace }: SessionData, path: string, signal: AbortSignal): Promise<string> {
  for (const context of contexts.toReversed()) {
    if (context.kind === "corpus" && context.corpus.files.some((file) => file.path === path))
      return await context.corpus.read(path, null, signal);
  }
  return await workspace.read(path, null, signal);
}

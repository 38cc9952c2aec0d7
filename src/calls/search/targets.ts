// What a search looks into, as command lines for ripgrep: groups of files that the workspace or a corpus allows, or one text from a pipe.
// Only files are ever passed, each by its real path: so ripgrep decides nothing about ignore rules, links or special files.
import { isUnchanged } from "../../workspace/inspect.ts";
import { changed } from "../../workspace/path-errors.ts";
import { inCommandLines } from "../../workspace/ripgrep.ts";
import type { HostFile, Selection, TextSource } from "../../workspace/types.ts";
import type { SearchSettings, SearchTools } from "./types.ts";

/** The file name of a context that is one text. */
const CONTEXT = "context";

/** What one run of ripgrep looks into. */
export interface Group {
  /** Paths of this machine, or "-". */
  readonly args: readonly string[];
  readonly input?: () => AsyncIterable<Uint8Array>;
}

export interface Targets {
  readonly groups: readonly Group[];
  /** The name a cell knows for a path that ripgrep prints. */
  nameOf(printed: string): string;
  /** After ripgrep had trouble with a file: throws when a context is not what it was. */
  assertUnchanged(): Promise<void>;
}

/** Finds them. `paths` null: the last context, or the workspace where there is none. */
export async function findTargets(
  paths: readonly string[] | null,
  settings: SearchSettings,
  tools: SearchTools,
  signal: AbortSignal,
): Promise<Targets> {
  const { globs, types, hidden, noIgnore } = settings;
  const selection: Selection = { paths, globs, types, hidden, noIgnore };
  const context = paths === null ? tools.contexts?.at(-1) : undefined;
  if (context === undefined) return fileTargets(await tools.workspace.select(selection, signal), () => Promise.resolve());
  if (context.kind !== "corpus") return textTargets(context);
  const { corpus } = context;
  return fileTargets(await corpus.select(selection, signal), async () => void (await corpus.select(selection, signal)));
}

function fileTargets(files: readonly HostFile[], assertUnchanged: () => Promise<void>): Targets {
  const names = new Map(files.map((file) => [file.real, file.path]));
  const groups = inCommandLines(files, (file) => file.real).map((group) => ({ args: group.map((file) => file.real) }));
  return { groups, nameOf: (printed) => names.get(printed) ?? printed, assertUnchanged };
}

/** Straight from its file while that is what was opened; else what is streamed. Globs do not apply to what has one name only. */
async function textTargets(source: TextSource): Promise<Targets> {
  const { file } = source;
  const assertUnchanged = async (): Promise<void> => {
    if (file !== undefined && !(await isUnchanged(file.real, file).catch(() => false))) throw changed(source.name);
  };
  await assertUnchanged();
  const group = file === undefined ? { args: ["-"], input: () => source.stream() } : { args: [file.real] };
  return { groups: [group], nameOf: () => CONTEXT, assertUnchanged };
}

// What a search looks into, as command lines for ripgrep: groups of files that the workspace or a corpus allows, or one text from a pipe.
// Only files are ever passed, each by its real path: so ripgrep decides nothing about ignore rules, links or special files.
import { HostError } from "../../errors.ts";
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
  /** The name a cell knows for a path that ripgrep prints. */
  readonly nameOf: (printed: string) => string;
}

export interface Targets {
  readonly groups: readonly Group[];
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
  if (context === undefined) return fileTargets(await tools.workspace.select(selection, signal), tools, () => Promise.resolve());
  if (context.kind !== "corpus") return textTargets(context);
  const { corpus } = context;
  return fileTargets(await corpus.select(selection, signal), tools, async () => void (await corpus.select(selection, signal)));
}

function fileTargets(files: readonly HostFile[], { warn }: SearchTools, assertUnchanged: () => Promise<void>): Targets {
  const names = new Map(files.map((file) => [file.real, file.path]));
  const nameOf = (printed: string): string => names.get(printed) ?? printed;
  // A file is piped in once for each pattern.
  const told = new Set<string>();
  const warnOnce = (what: string): void => {
    if (!told.has(what)) warn?.(what);
    told.add(what);
  };
  const plain = files.filter((file) => file.text === undefined);
  const groups: Group[] = inCommandLines(plain, (file) => file.real).map((group) => ({ args: group.map((file) => file.real), nameOf }));
  for (const { path, text } of files) {
    if (text !== undefined) groups.push({ args: ["-"], input: () => upToDamage(text(), warnOnce), nameOf: () => path });
  }
  return { groups, assertUnchanged };
}

/** One damaged or too large archive among many files must not keep a cell from searching the others. */
async function* upToDamage(text: AsyncIterable<Uint8Array>, warn: (what: string) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* text;
  } catch (error) {
    if (!(error instanceof HostError) || (error.code !== "E_NOT_FOUND" && error.code !== "E_TOO_LARGE")) throw error;
    warn(`searched only up to there: ${error.message}`);
  }
}

/** Straight from its file while that is what was opened; else what is streamed. Globs do not apply to what has one name only. */
async function textTargets(source: TextSource): Promise<Targets> {
  const { file } = source;
  const assertUnchanged = async (): Promise<void> => {
    if (file !== undefined && !isUnchanged(file.real, file)) throw changed(source.name);
  };
  await assertUnchanged();
  const group = file === undefined ? { args: ["-"], input: () => source.stream() } : { args: [file.real] };
  return { groups: [{ ...group, nameOf: () => CONTEXT }], assertUnchanged };
}

// What a session works on: its contexts, and the workspace that their folders are part of. Both can be replaced while it lives; whoever
// serves calls asks here each time.
import type { EventSink } from "../events.ts";
import { openCombinedContext, openContexts, type ContextOptions } from "../workspace/contexts.ts";
import { describeFiles } from "../workspace/describe.ts";
import type { ContextInput } from "../workspace/context-input.ts";
import { memorySource } from "../workspace/memory-source.ts";
import { TextCopies } from "../workspace/text-copies.ts";
import type { ContextSource, FileList } from "../workspace/types.ts";
import { uniqueNames } from "../workspace/unique-names.ts";
import { openWorkspace, type Workspace } from "../workspace/workspace.ts";

export interface DataOptions {
  readonly cwd: string;
  readonly workspaceDirs: readonly string[];
  readonly noIgnore: boolean;
  /** What `-` reads; null where there is nothing to read. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly emit: EventSink;
}

export interface ContextChoice {
  readonly inputs: readonly ContextInput[];
  /** All paths make one corpus. */
  readonly combined?: boolean;
}

/** Owns its contexts: disposing removes what had to be stored for them. */
export class SessionData implements AsyncDisposable {
  readonly #options: DataOptions;
  readonly #copies = new TextCopies();
  /** The last ones are those there are; the ones before are kept, since a session may be rebuilt with them. */
  readonly #generations: (readonly ContextSource[])[] = [];
  #choice: ContextChoice = { inputs: [] };
  #isBorrowed = false;
  #workspace: Workspace | undefined;

  private constructor(options: DataOptions) {
    this.#options = options;
  }

  /** Throws E_USAGE for a path that is not there. */
  static async open(options: DataOptions, choice: ContextChoice): Promise<SessionData> {
    const data = new SessionData(options);
    await data.replace(choice);
    return data;
  }

  /** Of a child: contexts and files are its parent's, and its parent's to close. */
  static within(parent: SessionData, choice: ContextChoice, contexts: readonly ContextSource[]): SessionData {
    const data = new SessionData(parent.#options);
    data.#workspace = parent.workspace;
    data.#generations.push(contexts);
    data.#choice = choice;
    data.#isBorrowed = true;
    return data;
  }

  /** How those there are were given. */
  get choice(): ContextChoice {
    return this.#choice;
  }

  get contexts(): readonly ContextSource[] {
    return this.#generations.at(-1) ?? [];
  }

  /** Those that were loaded when the contexts had been replaced so often; 0: the first ones. */
  contextsOf(generation: number): readonly ContextSource[] {
    return this.#generations[generation] ?? [];
  }

  get workspace(): Workspace {
    if (this.#workspace === undefined) throw new Error("asked for the workspace before it was open");
    return this.#workspace;
  }

  /** Opens other contexts in place of those there are; when one cannot be opened, those stay. */
  async replace(choice: ContextChoice): Promise<void> {
    const { cwd, workspaceDirs, noIgnore, stdin, emit } = this.#options;
    const copies = this.#copies;
    const sources = { cwd, stdin, copies };
    const contextPaths = choice.inputs.filter((input) => typeof input === "string");
    const combined = choice.combined === true && contextPaths.length > 0;
    const [workspace, contexts] = await Promise.all([
      openWorkspace({
        cwd,
        workspaceDirs,
        contextPaths,
        combined,
        noIgnore,
        copies,
        onFirstSurvey: (list) => tellLeftOut(workspaceDirs, contextPaths, list, emit),
      }),
      combined ? openCombinedContext(contextPaths, sources).then((one) => [one]) : openInOrder(choice.inputs, contextPaths, sources),
    ]);
    for (const context of contexts) tell(context, emit);
    this.#workspace = workspace;
    this.#generations.push(contexts);
    this.#choice = choice;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isBorrowed) return;
    for (const context of this.#generations.flat()) await context.close?.();
    await this.#copies[Symbol.asyncDispose]();
  }
}

async function openInOrder(inputs: readonly ContextInput[], paths: readonly string[], options: ContextOptions): Promise<ContextSource[]> {
  const fromPaths = await openContexts(paths, options);
  const sources = inputs.map((input) => (typeof input === "string" ? fromPaths.shift() : memorySource(input)));
  const known = sources.filter((source) => source !== undefined);
  const names = uniqueNames(known.map(({ name }) => name));
  return known.map((source, i) => Object.assign({}, source, { name: names[i] ?? source.name }));
}

function tell(context: ContextSource, emit: EventSink): void {
  for (const text of context.notices) emit({ type: "notice", text });
  if (context.kind !== "corpus" && context.size === 0) emit({ type: "notice", text: `${context.name} is empty` });
  if (context.kind === "corpus" && context.corpus.files.length > 0)
    emit({ type: "notice", text: `${context.name}: ${describeFiles(context.corpus)}` });
}

/** Files of a context were told when it was opened. */
function tellLeftOut(workspaceDirs: readonly string[], contextPaths: readonly string[], list: FileList, emit: EventSink): void {
  if (workspaceDirs.length === 0 && contextPaths.length > 0) return;
  const { ignored, binary, denied, unreadable } = list.leftOut;
  if (ignored + binary + denied + unreadable === 0) return;
  const where = workspaceDirs.length === 0 ? "the current folder" : "the workspace";
  emit({ type: "notice", text: `${where}: ${describeFiles(list)}` });
}

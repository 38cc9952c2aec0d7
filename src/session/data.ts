// What a session works on: its contexts, and the workspace that their folders are part of. Both can be replaced while it lives; whoever
// serves calls asks here each time.
import { openCombinedContext, openContexts } from "../workspace/contexts.ts";
import { memorySource, type MemoryContext } from "../workspace/memory-source.ts";
import type { ContextSource } from "../workspace/types.ts";
import { uniqueNames } from "../workspace/unique-names.ts";
import { openWorkspace, type Workspace } from "../workspace/workspace.ts";

/** A path, quoted glob or `-`, or what a program holds in memory. */
export type ContextInput = string | MemoryContext;

export interface DataOptions {
  readonly cwd: string;
  readonly workspaceDirs: readonly string[];
  readonly noIgnore: boolean;
  /** What `-` reads; null where there is nothing to read. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
}

export interface ContextChoice {
  readonly inputs: readonly ContextInput[];
  /** All paths make one corpus. */
  readonly combined?: boolean;
}

/** Owns its contexts: disposing removes what had to be stored for them. */
export class SessionData implements AsyncDisposable {
  readonly #options: DataOptions;
  #contexts: readonly ContextSource[] = [];
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

  get contexts(): readonly ContextSource[] {
    return this.#contexts;
  }

  get workspace(): Workspace {
    if (this.#workspace === undefined) throw new Error("asked for the workspace before it was open");
    return this.#workspace;
  }

  /** Opens other contexts in place of those there are; when one cannot be opened, those stay. */
  async replace(choice: ContextChoice): Promise<void> {
    const { cwd, workspaceDirs, noIgnore } = this.#options;
    const contextPaths = choice.inputs.filter((input) => typeof input === "string");
    const combined = choice.combined === true && contextPaths.length > 0;
    const [workspace, contexts] = await Promise.all([
      openWorkspace({ cwd, workspaceDirs, contextPaths, combined, noIgnore }),
      combined ? openCombinedContext(contextPaths, this.#options).then((one) => [one]) : this.#open(choice.inputs, contextPaths),
    ]);
    const before = this.#contexts;
    this.#workspace = workspace;
    this.#contexts = contexts;
    for (const context of before) await context.close?.();
  }

  async #open(inputs: readonly ContextInput[], paths: readonly string[]): Promise<ContextSource[]> {
    const fromPaths = await openContexts(paths, this.#options);
    const sources = inputs.map((input) => (typeof input === "string" ? fromPaths.shift() : memorySource(input)));
    const known = sources.filter((source) => source !== undefined);
    const names = uniqueNames(known.map(({ name }) => name));
    return known.map((source, i) => Object.assign({}, source, { name: names[i] ?? source.name }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const context of this.#contexts) await context.close?.();
  }
}

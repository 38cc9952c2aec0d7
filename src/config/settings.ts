// What every option comes to once it is read, by its name in the library. Flags, variables and keys of `rlm.config.json` are the same
// names in other spellings (`table.ts`).

/** Undefined: nobody said, and the default of the table holds. */
export interface Settings {
  /** Paths, quoted globs, or `-` for standard input; each is a context of its own, the last one is `context`. */
  readonly context?: readonly string[];
  /** Folders whose files cells may read. */
  readonly workspace?: readonly string[];
  readonly model?: string;
  readonly subModel?: string;
  /** Where the key of the root model's provider comes from: `env:NAME` or `file:PATH`. */
  readonly keyFrom?: string;
  readonly maxWorkers?: number;
  readonly concurrency?: number;
  /** Seconds of a slice and of a cell's own time. */
  readonly cellTimeout?: number;
  /** Seconds of a model call. */
  readonly callTimeout?: number;
  /** MiB beside the context. */
  readonly memory?: number;
  /** USD. */
  readonly maxCost?: number;
  readonly maxCalls?: number;
  /** Prompts and replies of all calls together. */
  readonly maxTokens?: number;
  /** Seconds of a question; of a session that is none, from its start. */
  readonly maxTime?: number;
  /** Levels of children that `rlm_query` starts. */
  readonly maxDepth?: number;
  /** USD: a batch that is likely to cost more is shown to a person first. */
  readonly confirmCost?: number;
  /** What a person would be asked is agreed to. */
  readonly yes?: boolean;
  /** Identical model calls of cells are made once over all sessions that say so. */
  readonly cache?: boolean;
  readonly prices?: string;
  readonly maxIterations?: number;
  /** File of a JSON Schema that the answer of a question must fit. */
  readonly answerSchema?: string;
  /** Module whose functions cells may call. */
  readonly tools?: string;
  /** Folders of ast-grep rules, which become scanners. */
  readonly rules?: readonly string[];
  /** File of a text that is added to the system prompt. */
  readonly systemAppend?: string;
  /** A small context goes through the loop as well. */
  readonly noDirect?: boolean;
  /** Conversations keep all of their turns, however long they grow. */
  readonly noCompaction?: boolean;
  readonly tz?: string;
  readonly locale?: string;
  readonly stateDir?: string;
  /** Id, the beginning of one, or name of a kept session to go on with. */
  readonly resume?: string;
  /** Go on with the session that was used last. */
  readonly continue?: boolean;
  /** Go on in a copy, as a session of its own. */
  readonly fork?: boolean;
  /** Name of a session: it is gone on with where there is one, begun where there is none. */
  readonly session?: string;
  readonly noIgnore?: boolean;
  /** Models elsewhere are E_LOCAL_ONLY, and no proxy is used. A function as the model cannot be held to it. */
  readonly localOnly?: boolean;
  /** Refuse to run cells where bubblewrap cannot be put around the sandbox. */
  readonly requireBwrap?: boolean;
  /** V8 without machine code in the sandbox. */
  readonly paranoid?: boolean;
  /** File for a V8 CPU profile of cells and scan functions (`.cpuprofile`), written when the session is closed. */
  readonly profile?: string;
  /** Nothing is kept: no journal, no history. */
  readonly ephemeral?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export type SettingName = keyof Settings;

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

// What crosses between the guest and the host, and the names the prelude owns. Types and constants only: the one file of the
// prelude that other realms import. Only strings cross; what comes from the guest is `unknown` until a guard has passed it.

/** Names a cell cannot declare at its top level: losing one would lose the session. */
export const RESERVED_NAMES: readonly string[] = [
  "context",
  "contexts",
  "llm_query",
  "llm_batch_query",
  "llm_query_batched",
  "rlm_query",
  "rlm_batch_query",
  "rlm_query_batched",
  "parallel_scan",
  "parallel_rg_search",
  "rg_search",
  "rg_files",
  "rg_count",
  "get_optimal_workers",
  "read_file",
  "list_files",
  "FINAL",
  "FINAL_VAR",
  "SHOW_VARS",
];

/** Everyday names of the prelude: a cell may take them, and is told what it gave up. */
export const EVERYDAY_NAMES: readonly string[] = ["answer", "budget", "print", "help", "progress", "parse_csv", "tools"];

/** The built-in scanners: those of `tools.run_security_scan()`, of `tools.run_quality_scan()`, and of neither. */
export const SECURITY_SCANNERS = [
  "find_secrets",
  "find_sql_injection",
  "find_command_injection",
  "find_xss",
  "find_path_traversal",
  "find_unsafe_deserialization",
  "find_weak_crypto",
] as const;
export const QUALITY_SCANNERS = [
  "find_async_mistakes",
  "find_swallowed_errors",
  "find_long_functions",
  "find_complex_functions",
  "find_todos",
] as const;
export const SCANNER_NAMES = [...SECURITY_SCANNERS, ...QUALITY_SCANNERS, "find_imports"] as const;
/** What begins the name of a user's own scanner among the tools a guest is told of. */
export const OF_TOOLS = "tools.";

/** Values in one call's arguments, a list or object counting twice: one of two characters takes tens of bytes. A scan over a million items fits. */
export const MAX_ARGUMENT_VALUES = 4_000_000;
/** Progress, timings and warnings a cell posts; what is over is not shown. Every post is counted, or a loop of them is out of all bounds. */
export const MAX_NOTES = 10_000;
/** Text of what a scan function returns, in UTF-16 units. */
export const MAX_SCAN_VALUE = 32 * 1024 * 1024;
/** How deep what crosses may nest: the host's own parsers must survive it. */
export const MAX_JSON_DEPTH = 1_000;
/** Names a cell defines that are told, and the longest of them. */
export const MAX_TOLD_NAMES = 10_000;
export const MAX_TOLD_NAME = 1_000;

/** Host operations. `timer` is one too: the host owns every clock. */
export type Operation =
  | "llm"
  | "llm_batch"
  | "rlm"
  | "rlm_batch"
  | "rg_search"
  | "rg_files"
  | "rg_count"
  | "read_file"
  | "read_piece"
  | "list_files"
  | "tool"
  | "scan"
  | "scanners"
  | "timer"
  | "clear_timer";

/** In a script the function that keeps a closure's locals for scans. A cell that has the name itself goes without. */
export const KEEP_LOCALS = "__rlm_locals";

/** What the guest posts, as one JSON array each, in the order of effects. */
export type Post =
  /** A host call: its number in the session, the operation, its arguments. */
  | readonly ["call", number, Operation, unknown]
  | readonly ["console", string]
  /** `progress(done, total, text)`. */
  | readonly ["progress", number, number | null, string]
  /** FINAL was called: JSON text of the answer, and its previews. The first one wins. */
  | readonly ["final", FinalPost]
  | readonly ["warning", string]
  /** `console.time` and its kin: measured where the clock moves. */
  | readonly ["time", "start" | "log" | "end", string]
  /** The cell's function has settled. */
  | readonly ["done", DonePost]
  /** Answer to a `look`: its number, and JSON text. */
  | readonly ["look", number, string];

export interface PostedValue {
  readonly preview: string;
  readonly long: string;
  readonly type: string;
  readonly length?: number;
  readonly json?: string;
}

export interface PostedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface FinalPost {
  readonly value: PostedValue;
}

export interface DonePost {
  /** An earlier cell's promise may be what it waited for: the entry is not its own then. */
  readonly cell: number;
  readonly outcome: "ok" | "threw" | "final";
  readonly value?: PostedValue;
  readonly error?: PostedError;
  /** The tail of the console text that was kept back, and the true length of all of it. */
  readonly tail: string;
  readonly console_length: number;
  readonly vars: readonly string[];
}

/** How a host call ended, as the guest is told. */
export type Settlement =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** The synchronous facts of an entry: the guest's whole clock (ms since the epoch), and what `budget()` returns. */
export interface EntryFacts {
  readonly now: number;
  readonly budget: unknown;
  /** Calls that will never be answered, because the cell they belong to ended before them. */
  readonly cancelled?: readonly number[];
  /** Calls are numbered on from here: after entries that this guest has not seen. */
  readonly sequence?: number;
  /** With a `context` entry: JSON of its `ContextSetup`. */
  readonly setup?: string;
}

/** `look` reads the session's names for a person's prompt: it changes nothing, and no journal tells of it. */
export type EntryKind = "run" | "settle" | "timer" | "context" | "look";

/** What a `look` asks: the variables, the members of the value that a path of names leads to (none: the global scope). */
export type LookQuery =
  | { readonly what: "vars" }
  | { readonly what: "members"; readonly path: readonly string[] }
  /** Whether a value fits a JSON Schema: null, or what is wrong. */
  | { readonly what: "fits"; readonly schema: Readonly<Record<string, unknown>>; readonly value: unknown };

/** What a session's guest is told once, before its first cell. */
export interface GuestSetup {
  /** 32 bits of seed for Math.random and crypto.randomUUID. */
  readonly seed: number;
  readonly now: number;
  readonly workers: number;
  /** RLM_MAX_WORKERS was set: get_optimal_workers() ignores its arguments. */
  readonly workers_fixed: boolean;
  readonly parallelism: number;
  /** Functions of the user's own. */
  readonly tools: readonly { readonly name: string; readonly told: string; readonly signature: string }[];
  readonly limits: {
    readonly calls_in_flight: number;
    readonly calls_per_cell: number;
    readonly argument: number;
    readonly arguments_in_flight: number;
    readonly value: number;
    readonly answer: number;
    readonly console: number;
    readonly error_message: number;
    readonly stack: number;
    readonly preview: number;
    readonly long_preview: number;
  };
}

/** How a context arrives in the guest. A text's characters come apart, by `text(name, string)`. */
export interface ContextSetup {
  readonly name: string;
  /** `none`: there is no context, of any name. */
  readonly kind: "text" | "json" | "jsonl" | "corpus" | "none";
  /** Those that were there before go. */
  readonly replaces?: boolean;
  /** Files and total size of a corpus. */
  readonly files?: readonly { readonly path: string; readonly size: number }[];
  readonly size?: number;
}

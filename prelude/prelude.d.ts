/**
 * What a cell can call. This file is the contract between the host, the model's prompt and the type checker;
 * it may grow; nothing in it is renamed silently.
 * Names follow the RLM paper, its reference implementation, and RLM-Mem MCP.
 * Errors thrown to a cell are ordinary `Error`s with a stable `code` ("E_LLM_RATE", "E_OUTSIDE_WORKSPACE", …).
 * Results are typed openly where a model would otherwise be stopped for correct code.
 */

/** Any JSON value. Declared open for the checker. */
type Json = any;
type JsonSchema = { [keyword: string]: any };

/** One file of a corpus. `path` relative to the workspace root it came from, always with "/". `size` in bytes. */
interface CorpusFile {
  readonly path: string;
  readonly size: number;
}

/**
 * The context when it is a folder, a glob, several PATHs of one `ask`, or one text over 256 MiB of UTF-8.
 * Nothing is loaded until asked for; only the slice asked for crosses into the sandbox.
 */
interface Corpus {
  /**
   * Sorted by path. Ignored, binary and denied files are left out, and counted when the context is opened.
   * Compressed files (.gz, .br, .zst) and UTF-16 are read and searched as their text; `size` is the stored one.
   */
  readonly files: readonly CorpusFile[];
  /** Total bytes of all files. */
  readonly size: number;
  /** Text of a file; lines are 1-based and inclusive. */
  read(path: string, range?: { start_line?: number; end_line?: number }): Promise<string>;
  /** Pieces over the whole corpus, cut at line ends, each at most `max_chars` UTF-16 units (default 100,000); a longer line is cut between characters. */
  chunks(options?: { max_chars?: number; files?: readonly string[] }): AsyncIterable<{ path: string; start_line: number; text: string }>;
  lines(options?: { files?: readonly string[] }): AsyncIterable<{ path: string; line: number; text: string }>;
}

/**
 * The data under analysis. Declared to each session as exactly what it is: `string` for one text, the inferred type for
 * .json and .jsonl, `Corpus` otherwise. Each `--context` is one context, named by its last path part (`a.log`; a second one `a.log#2`;
 * stdin `stdin`): `context` is the last one given, `contexts` has all by name.
 */
declare const context: any;
declare const contexts: { readonly [name: string]: any };

interface QueryOptions {
  /** Model for this call; default is the session's sub-model. Must be on the session's allow list. */
  model?: string;
  system?: string;
  temperature?: number;
  /** Upper bound on the reply, in tokens. */
  max_tokens?: number;
  /** JSON Schema of the reply; the reply is parsed, validated, and retried with the validation error. */
  schema?: JsonSchema;
  /** Do not reuse an earlier or running identical call (identical calls in a session are otherwise made, and paid for, once). */
  fresh?: boolean;
}

/** Ask a model. Plain completion: no sandbox, no tools. */
declare function llm_query<T = any>(prompt: string, options: QueryOptions & { schema: JsonSchema }): Promise<T>;
declare function llm_query(prompt: string, options?: QueryOptions): Promise<string>;

/**
 * Ask many at once; at most RLM_SEMAPHORE_LIMIT (default 10) run at a time over the whole process.
 * Answers come in the order of the prompts. A slot that failed after its retries is `null`, and a warning names it;
 * calling again pays only for those. `on_error: "throw"` throws a BatchError instead, with `.results`.
 */
interface BatchOptions extends QueryOptions {
  on_error?: "null" | "throw";
  limit?: number;
}
declare function llm_batch_query<T = any>(
  prompts: readonly string[],
  options: BatchOptions & { schema: JsonSchema },
): Promise<(T | null)[]>;
declare function llm_batch_query(prompts: readonly string[], options?: BatchOptions): Promise<(string | null)[]>;

interface RlmOptions extends QueryOptions {
  /** What the child sees as its `context`; default: the prompt itself. Passed by handle, not through a prompt. */
  context?: any;
  /** Share of what is left of this session's budget, 0..1; default 0.5, split evenly in a batch. */
  budget?: number;
  max_iterations?: number;
}
/**
 * Run a child RLM with its own sandbox and loop, one level deeper: what its FINAL gets is the answer. Without one it is an error
 * (E_NO_ANSWER, E_BUDGET, …), in a batch a null slot. At the depth limit it runs as an llm_query, with the text of `context`, where
 * given, after the prompt, and says so; a Corpus or what does not fit the model's window is E_LLM_TOO_LARGE.
 */
declare function rlm_query<T = any>(prompt: string, options?: RlmOptions): Promise<T>;
declare function rlm_batch_query<T = any>(prompts: readonly string[], options?: RlmOptions & BatchOptions): Promise<(T | null)[]>;

interface Finding {
  rule: string;
  severity: "critical" | "high" | "medium" | "low" | "info";
  /** Lower in tests, examples, comments and generated code. */
  confidence: "high" | "medium" | "low";
  file: string;
  line: number;
  column: number;
  end_line: number;
  /** The source, at most 200 units; secrets masked but for 4 characters. */
  code: string;
  message: string;
  fix?: string;
}
interface ScannerOptions {
  /** Files, folders and globs; without them the context, or the workspace where there is none. */
  files?: readonly string[];
  min_confidence?: "high" | "medium" | "low";
}
/** A built-in scanner: rules as data, run on host threads over the context or workspace. Call it, or hand it to parallel_scan. */
interface Scanner {
  (options?: ScannerOptions): Promise<Finding[]>;
  readonly scanner: string;
}
/**
 * Scanners for TypeScript, JavaScript, Python, Go, Java, PHP and HTML; secrets and TODO marks in any text. Findings come by file and line.
 * What could not be scanned is a warning that names it. Folders given as --rules are scanners here too.
 */
declare const tools: {
  readonly find_secrets: Scanner;
  readonly find_sql_injection: Scanner;
  readonly find_command_injection: Scanner;
  readonly find_xss: Scanner;
  readonly find_path_traversal: Scanner;
  readonly find_unsafe_deserialization: Scanner;
  readonly find_weak_crypto: Scanner;
  readonly find_async_mistakes: Scanner;
  readonly find_swallowed_errors: Scanner;
  readonly find_long_functions: Scanner;
  readonly find_complex_functions: Scanner;
  readonly find_todos: Scanner;
  readonly find_imports: Scanner;
  /** All scanners of secrets, injections, XSS, paths, deserialisation and crypto at once: each file is read once. */
  run_security_scan(options?: ScannerOptions & { max_workers?: number | null }): Promise<Finding[]>;
  /** Async mistakes, swallowed errors, long and complex functions, TODO marks. */
  run_quality_scan(options?: ScannerOptions & { max_workers?: number | null }): Promise<Finding[]>;
  /** Scanners of the user's own rules. */
  readonly [name: string]: any;
};

interface ScanResult<T> {
  readonly name: string;
  readonly ok: boolean;
  /** Only when ok. */
  readonly value: T;
  readonly error?: { code: string; message: string };
  readonly ms: number;
}
interface ScanOptions {
  /** Default get_optimal_workers(); 1 = sequential. */
  max_workers?: number | null;
  /** Run each function once per item instead of once over the whole context. A CorpusFile arrives as {path, size, text}. */
  over?: readonly any[];
}
type ScanFunction<T> = (context: any, item?: any) => T | Promise<T>;
/**
 * Run scanners and functions in parallel, on real threads. A function runs in an isolate other than the session's, which shares the
 * context without copying it; what it mentions of the session is captured by value, once for each worker; what cannot be
 * captured (promises, bound and native functions, functions that use `this`, instances of your classes, over 16 MiB) is E_SCAN_CAPTURE
 * before anything runs. A Corpus has `files`, `size` and `read` there. One failure never loses the others.
 * Results keep the order of `functions` (× `over`; scanners go over files of a Corpus). No model calls inside (E_NOT_IN_SCAN).
 */
declare function parallel_scan<T = any>(
  functions: readonly (Scanner | ScanFunction<T>)[],
  options?: ScanOptions | number | null,
): Promise<ScanResult<T>[]>;
declare function parallel_scan<T = any>(
  tools: object,
  functions: readonly (Scanner | ScanFunction<T>)[],
  options?: ScanOptions | number | null,
): Promise<ScanResult<T>[]>;
/** max(min_limit, min(max_limit, available parallelism)), or RLM_MAX_WORKERS. Defaults 16 and 4. */
declare function get_optimal_workers(max_limit?: number, min_limit?: number): number;

interface RgMatch {
  file: string;
  /** 1-based. `column` in UTF-16 units of `text`. */
  line: number;
  column: number;
  /** The line without its end, at most 2,000 units around the match; invalid UTF-8 as U+FFFD. */
  text: string;
  match: string;
  /** Index into `patterns` (0 for rg_search). One RgMatch per occurrence. */
  pattern: number;
  before?: string[];
  after?: string[];
}
/** `truncated` is how many matches max_matches cut off. */
type RgMatches = RgMatch[] & { readonly truncated: number };
interface RgOptions {
  glob?: string | readonly string[];
  type?: string;
  ignore_case?: boolean;
  smart_case?: boolean;
  fixed_strings?: boolean;
  word?: boolean;
  multiline?: boolean;
  context_lines?: number;
  hidden?: boolean;
  /** Also files that .gitignore and the like leave out. */
  no_ignore?: boolean;
  encoding?: string;
  /** Default 10,000. */
  max_matches?: number;
  /** Bounds ripgrep's threads in total; 1 = one process, one thread. */
  max_workers?: number | null;
}
/**
 * Search many patterns (ripgrep syntax) at once: every match of every pattern, ordered by file, line, column, pattern.
 * `paths` null or omitted: the context, whatever its kind (a single text has the file name "context").
 */
declare function parallel_rg_search(
  patterns: readonly string[],
  paths?: string | readonly string[] | null,
  options?: RgOptions | number | null,
): Promise<RgMatches>;
declare function rg_search(pattern: string, paths?: string | readonly string[] | null, options?: RgOptions): Promise<RgMatches>;
declare function rg_files(pattern: string, paths?: string | readonly string[] | null, options?: RgOptions): Promise<string[]>;
declare function rg_count(pattern: string, paths?: string | readonly string[] | null, options?: RgOptions): Promise<Record<string, number>>;

/** Files below the session's workspace roots, read-only. */
declare function read_file(path: string, range?: { start_line?: number; end_line?: number }): Promise<string>;
declare function list_files(glob?: string): Promise<CorpusFile[]>;

/**
 * Rows of a text of delimiter-separated values (RFC 4180) by the names of its first row, values as text. The delimiter is told from that row
 * (`,` tab `;` `|`) unless given; `header: false` gives lists. Cells behind the last column are in `_rest`.
 */
declare function parse_csv(text: string, options: { delimiter?: string; header: false }): string[][];
declare function parse_csv(text: string, options?: { delimiter?: string; header?: true }): Record<string, string>[];

/** End the run with an answer; the rest of the cell does not count. A promise or what JSON cannot keep is a TypeError here. */
declare function FINAL<T>(value: T extends PromiseLike<any> ? never : T): never;
declare function FINAL_VAR(name: string): never;
/** The reference implementation's newer protocol: when a cell ends with `ready` true, `content` is the answer. */
declare const answer: { content: any; ready: boolean };

/** Names, types and sizes of the session's variables. */
declare function SHOW_VARS(): { name: string; type: string; size: number; preview: string }[];
/** What is left of the budget of this session (null = unlimited). */
declare function budget(): {
  usd: number | null;
  tokens: number | null;
  calls: number | null;
  seconds: number | null;
  depth: number;
  iterations: number | null;
};
/** Signature, meaning and one example of a prelude function; without a name, the list. */
declare function help(name?: string): string;
declare function print(...values: unknown[]): void;
/** Show progress of the cell's own work. */
declare function progress(done: number, total?: number, text?: string): void;

// The reference implementation's names for the same things:
declare const llm_query_batched: typeof llm_batch_query;
declare const rlm_query_batched: typeof rlm_batch_query;

// Also there, with their standard meaning: console, setTimeout, clearTimeout, structuredClone, queueMicrotask, URL, URLSearchParams,
// TextEncoder, TextDecoder, atob, btoa, AbortController, performance.now, crypto.randomUUID (seeded). `_`, `_error`, `Out[n]`: earlier results.
// Not there: require, process, fetch, import of packages, WebAssembly, SharedArrayBuffer, Atomics, WeakRef, FinalizationRegistry.

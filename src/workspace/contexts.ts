// Opening what the user put under analysis: each PATH as one context, or several PATHs as one corpus.
import { tmpdir } from "node:os";
import path from "node:path";
import { MAX_TEXT_CONTEXT } from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import { openCorpus } from "./corpus.ts";
import { withoutCompression } from "./compression.ts";
import { isDenied } from "./deny.ts";
import { bytesInWords, describeFiles } from "./describe.ts";
import { readWindow } from "./lines.ts";
import type { Mount } from "./mount.ts";
import { resolveNamed, type NamedPath } from "./named-path.ts";
import { combinedContextMounts, contextMounts } from "./roots.ts";
import { openInside, type OpenFile } from "./safe-open.ts";
import { MAX_SPOOLED, spool, type Spooled } from "./spool.ts";
import { BINARY_HEAD, isEncoded, textOf } from "./stored-text.ts";
import { TextCopies } from "./text-copies.ts";
import { openTextSource } from "./text-source.ts";
import type { ContextSource, CorpusSource, TextSource } from "./types.ts";
import { uniqueNames } from "./unique-names.ts";

export interface ContextOptions {
  /** Absolute. */
  readonly cwd: string;
  /** What "-" reads; null where there is nothing to read. */
  readonly stdin?: AsyncIterable<Uint8Array> | null;
  /** Where standard input and decoded texts are kept meanwhile; default: the system's temporary folder. */
  readonly spoolFolder?: string;
  /** Of the files inside a corpus: the session's, which the caller owns; default: ones that last as long as the process. */
  readonly copies?: TextCopies;
  /** Most bytes of an encoded context's text; less in tests. */
  readonly maxDecoded?: number;
  readonly signal?: AbortSignal;
}

/** Each path a context, in order, with a name of its own. Throws E_USAGE; the caller closes what has a `close`. */
export async function openContexts(paths: readonly string[], options: ContextOptions): Promise<ContextSource[]> {
  const resolved = await resolveAll(paths, options.cwd);
  const names = uniqueNames(resolved.map(nameOf));
  const opened: ContextSource[] = [];
  try {
    for (const [index, source] of resolved.entries()) opened.push(await openOne(source, names[index] ?? "context", options));
    return opened;
  } catch (error) {
    for (const context of opened) await context.close?.();
    throw error;
  }
}

/** Several paths as one corpus named `paths`; a single one as `openContexts` opens it. */
export async function openCombinedContext(paths: readonly string[], options: ContextOptions): Promise<ContextSource> {
  const resolved = await resolveAll(paths, options.cwd);
  const [only] = resolved;
  if (only !== undefined && resolved.length === 1) return openOne(only, nameOf(only), options);
  const stdin = resolved.some((source) => source.kind === "stdin") ? await spoolStdin(options) : null;
  try {
    const mounts = await combinedContextMounts(resolved, options.cwd);
    if (stdin !== null) mounts.push(...(await contextMounts(stdinFile(stdin))));
    return closing(await corpusSource(mounts, "paths", options, []), stdin);
  } catch (error) {
    await stdin?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function resolveAll(paths: readonly string[], cwd: string): Promise<NamedPath[]> {
  if (paths.filter((each) => each === "-").length > 1) throw new HostError("E_USAGE", "standard input (-) can be given once only");
  const resolved = await Promise.all(paths.map((written) => resolveNamed(written, cwd)));
  for (const source of resolved) assertAllowed(source);
  return resolved;
}

async function openOne(source: NamedPath, name: string, options: ContextOptions): Promise<ContextSource> {
  await using held = new AsyncDisposableStack();
  const file = source.kind === "stdin" ? stdinFile(held.use(await spoolStdin(options))) : source;
  const plain = await asPlainText(file, held, options);
  const opened = await openMounts(await contextMounts(plain), plain, name, options);
  const kept = held.move();
  const empty = source.kind === "stdin" && opened.size === 0 ? ["standard input was empty, and so is the context"] : [];
  return { ...opened, notices: [...opened.notices, ...empty], close: () => kept.disposeAsync() };
}

/** The file itself, or its text in a file of our own where it is compressed or UTF-16: decoded once, whatever becomes of it then. */
async function asPlainText(
  source: NamedPath,
  held: AsyncDisposableStack,
  { spoolFolder = tmpdir(), maxDecoded = MAX_SPOOLED, signal }: ContextOptions,
): Promise<NamedPath> {
  const [mount] = await contextMounts(source);
  if (source.kind !== "file" || mount === undefined) return source;
  try {
    await using file = await openNamed(mount);
    if (!(await isEncoded(file))) return source;
    const text = textOf(file, source.written, maxDecoded, signal);
    // By its name it would be decompressed again.
    const name = withoutCompression(path.basename(source.place.named)) || "text";
    const { place } = held.use(await spool(text, spoolFolder, name));
    return { ...source, place };
  } catch (error) {
    throw asUsage(error);
  }
}

async function openMounts(mounts: readonly Mount[], source: NamedPath, name: string, options: ContextOptions): Promise<ContextSource> {
  const [mount] = mounts;
  if (source.kind !== "file" || mount === undefined) return corpusSource(mounts, name, options, []);
  const size = await textSize(mount);
  if (size <= MAX_TEXT_CONTEXT) return openTextSource(mount, name, kindOf(mount.at), options.signal);
  const notice = `${source.written} has ${bytesInWords(size)}, over ${MAX_TEXT_CONTEXT / 1024 / 1024} MiB: it is a Corpus of one file, read on demand`;
  return corpusSource(mounts, name, options, [notice]);
}

async function corpusSource(
  mounts: readonly Mount[],
  name: string,
  options: ContextOptions,
  notices: readonly string[],
): Promise<CorpusSource> {
  const corpus = await openCorpus(mounts, options.copies ?? new TextCopies(), options.signal);
  const empty = corpus.files.length === 0 ? [`${name} has no text file: ${describeFiles(corpus)}`] : [];
  return { kind: "corpus", name, size: corpus.size, identity: corpus.identity, notices: [...notices, ...empty], corpus };
}

/** Bytes of a file that is fit to be a text. */
async function textSize(mount: Mount): Promise<number> {
  await using file = await openNamed(mount);
  const { size } = file.stats;
  if ((await readWindow(file.handle, 0, Math.min(size, BINARY_HEAD))).includes(0)) {
    throw new HostError(
      "E_USAGE",
      `${mount.label} is binary (a NUL byte in its first 8 KiB), and a context is text: extract or convert its text first`,
    );
  }
  return size;
}

/** It could be read a moment ago: whatever it is now, the user is to look. */
async function openNamed(mount: Mount): Promise<OpenFile> {
  const file = await openInside([mount], mount.at).catch((error: unknown) => {
    throw asUsage(error);
  });
  if (file === null) throw new HostError("E_USAGE", `${mount.label} vanished while it was opened`);
  return file;
}

function asUsage(error: unknown): unknown {
  return error instanceof HostError ? new HostError("E_USAGE", error.message.replace(/ \(E_\w+\)$/u, ""), { cause: error }) : error;
}

/** A glob may find such a file in passing: it is counted. Who names one is told. */
function assertAllowed(source: NamedPath): void {
  if (source.kind === "stdin" || source.kind === "glob") return;
  if (isDenied(source.place.real) || isDenied(source.place.named)) {
    throw new HostError("E_USAGE", `${source.written} is on the deny list (credentials and keys): nothing in it may reach a model`);
  }
}

function kindOf(file: string): TextSource["kind"] {
  const extension = path.extname(withoutCompression(file)).toLowerCase();
  if (extension === ".json") return "json";
  return extension === ".jsonl" || extension === ".ndjson" ? "jsonl" : "text";
}

async function spoolStdin(options: ContextOptions): Promise<Spooled> {
  const { stdin = null, spoolFolder = tmpdir() } = options;
  if (stdin === null) throw new HostError("E_USAGE", "- reads standard input, and there is none: pipe something in, or name a file");
  return spool(stdin, spoolFolder, "stdin");
}

function stdinFile(stdin: Spooled): NamedPath {
  return { kind: "file", written: "stdin", place: stdin.place };
}

function closing<T extends ContextSource>(source: T, stdin: Spooled | null): T {
  return stdin === null ? source : { ...source, close: () => Promise.resolve(stdin[Symbol.asyncDispose]()) };
}

/** `logs/a.log` → `a.log`, `.` → the current folder's name, `-` → `stdin`. */
function nameOf(source: NamedPath): string {
  if (source.kind === "stdin") return "stdin";
  return path.basename(source.kind === "glob" ? source.written : source.place.named);
}

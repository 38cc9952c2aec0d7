// Types out of a cell, by esbuild. Its service is one process for all sessions and a hostile cell can kill or hang it, so it runs
// under supervision: 2 s a cell, restarted when it dies; only the request that dies twice, alone, is the culprit.
import childProcess from "node:child_process";
import { decode, type SourceMapMappings } from "@jridgewell/sourcemap-codec";
import type * as esbuild from "esbuild";

const STRIP_TIMEOUT_MS = 2_000;

/** JavaScript and its mappings to the source, or where the cell is wrong. Lines and columns from 1, in UTF-16 units of the source. */
export type Stripped =
  | { readonly ok: true; readonly code: string; readonly mappings: SourceMapMappings }
  | { readonly ok: false; readonly text: string; readonly line: number; readonly column: number; readonly atEnd: boolean }
  | { readonly ok: false; readonly crashed: string };

const OPTIONS = {
  loader: "ts",
  target: "esnext",
  charset: "utf8",
  logLevel: "silent",
  sourcemap: "external",
  sourcesContent: false,
  // V8 has no decorators yet; esbuild lowers the standard ones. Remove when V8 ships them.
  supported: { decorators: false },
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, useDefineForClassFields: true } },
} as const satisfies esbuild.TransformOptions;

/** esbuild moves functions out of blocks unless the code itself says that it is strict; `alwaysStrict` is not enough. */
export const STRICT = '"use strict";\n';
/** Lines in front of the cell in the source map. The lines of errors are the cell's. */
export const STRICT_LINES = 1;
let loaded: Promise<typeof esbuild> | undefined;

/** The library itself takes a while to load, and the kernel, on its way up meanwhile, takes longer. */
function load(): Promise<typeof esbuild> {
  return (loaded ??= import("esbuild"));
}

/** One request at a time runs alone when the service has just died, so that the culprit is known. */
let alone: Promise<unknown> = Promise.resolve();

export async function stripTypes(source: string): Promise<Stripped> {
  const first = await attempt(source);
  if (!("crashed" in first)) return first;
  const again = alone.then(() => attempt(source));
  alone = again;
  return again;
}

/** Whether two texts are the same code, empty statements aside. */
export async function sameCode(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([stripTypes(one), stripTypes(other)]);
  const code = (stripped: Stripped): string | undefined => (stripped.ok ? stripped.code.replaceAll(/^;\n/gm, "") : undefined);
  return first.ok && code(first) === code(second);
}

/** Starts the service, so that the first cell does not wait for it. */
export function warmUp(): void {
  void load()
    .then(({ transform }) => quietly(() => transform("", OPTIONS)))
    .catch(() => undefined);
}

async function attempt(source: string): Promise<Stripped> {
  const { transform } = await load();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<"expired">((resolve) => {
    timer = setTimeout(resolve, STRIP_TIMEOUT_MS, "expired");
  });
  try {
    const result = await Promise.race([quietly(() => transform(STRICT + source, OPTIONS)), expired]);
    if (result === "expired") return await crashed(`taking the types out took more than ${STRIP_TIMEOUT_MS / 1000} s`);
    return { ok: true, code: result.code, mappings: decode(mappingsOf(result.map)) };
  } catch (error) {
    const failure = isFailure(error) ? error.errors[0] : undefined;
    if (failure === undefined) return await crashed("esbuild stopped on this cell");
    return located(failure, source);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Starts what it is given with the service's standard error thrown away: a cell that kills the service would fill a user's terminal
 * with Go's stacks. esbuild has no option for it; remove this when it has. It spawns within the call, so nothing else is touched.
 */
function quietly<T>(start: () => T): T {
  const { spawn } = childProcess;
  childProcess.spawn = ((command: string, args: readonly string[], options: childProcess.SpawnOptions) =>
    spawn(command, args, { ...options, stdio: ["pipe", "pipe", "ignore"] })) as typeof spawn;
  try {
    return start();
  } finally {
    childProcess.spawn = spawn;
  }
}

function mappingsOf(map: string): string {
  const parsed: unknown = JSON.parse(map);
  return typeof parsed === "object" && parsed !== null && "mappings" in parsed && typeof parsed.mappings === "string"
    ? parsed.mappings
    : "";
}

/** `stop` also forgets a dead service; the next request starts a new one. */
async function crashed(text: string): Promise<Stripped> {
  await stopTransform();
  return { ok: false, crashed: text };
}

function isFailure(error: unknown): error is esbuild.TransformFailure {
  // A failure without a location speaks of the service ("The service was stopped"), not of the cell.
  return (
    error instanceof Error &&
    "errors" in error &&
    Array.isArray(error.errors) &&
    error.errors[0]?.location !== null &&
    error.errors.length > 0
  );
}

function located(message: esbuild.Message, source: string): Stripped {
  const location = message.location;
  if (location === null) return { ok: false, text: message.text, line: 1, column: 1, atEnd: false };
  // esbuild counts columns in bytes of UTF-8.
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString();
  const lines = source.trimEnd().split(/\r\n|[\n\r\u2028\u2029]/);
  const line = location.line - STRICT_LINES;
  const atEnd = line > lines.length || (line === lines.length && before.length >= (lines.at(-1)?.length ?? 0));
  return { ok: false, text: message.text, line, column: before.length + 1, atEnd };
}

/** Ends the service, so that a process can end. */
export async function stopTransform(): Promise<void> {
  await (await loaded)?.stop();
}

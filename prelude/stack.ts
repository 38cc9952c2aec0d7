// Stacks as the cell's author sees them: frames of cells only, at the line and column of the cell's own text. Maps come with the
// scripts and are decoded when the first stack that needs them is read.
import { originalPositionFor, TraceMap, type EncodedSourceMap } from "@jridgewell/trace-mapping";
import { create, define, errorToString, lastIndexOf, NativeError, parseJson, slice } from "./primordials.ts";

interface CallSiteLike {
  getScriptNameOrSourceURL(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
  getTypeName(): string | null;
  getMethodName(): string | null;
  isConstructor(): boolean;
  isAsync(): boolean;
}

const MAP_PREFIX = "\n//# sourceMappingURL=data:application/json;base64,";

export class StackMapper {
  /** Scripts by cell number; a decoded map replaces its text. */
  readonly #maps: Record<string, string | TraceMap> = create(null) as Record<string, string | TraceMap>;
  readonly #decodeBase64: (text: string) => string;

  constructor(decodeBase64: (text: string) => string) {
    this.#decodeBase64 = decodeBase64;
  }

  install(): void {
    define(NativeError, "prepareStackTrace", (error: unknown, frames: readonly CallSiteLike[]) => this.#format(error, frames));
  }

  add(cell: number, script: string): void {
    const at = lastIndexOf(script, MAP_PREFIX);
    if (at !== -1) this.#maps[`cell-${cell}`] = slice(script, at + MAP_PREFIX.length);
  }

  #format(error: unknown, frames: readonly CallSiteLike[]): string {
    let text = header(error);
    try {
      for (let i = 0; i < frames.length; i++) {
        const frame = frames[i];
        const line = frame === undefined ? undefined : this.#frame(frame);
        if (line !== undefined) text += `\n    at ${line}`;
      }
    } catch {
      // A cell replaced what decoding a map needs: the error goes on without its places.
    }
    return text;
  }

  #frame(frame: CallSiteLike): string | undefined {
    const script = frame.getScriptNameOrSourceURL() ?? "";
    const line = frame.getLineNumber();
    const column = frame.getColumnNumber();
    const map = this.#maps[script];
    if (map === undefined || line === null || column === null) return undefined;
    const decoded =
      typeof map === "string" ? (this.#maps[script] = new TraceMap(parseJson(this.#decodeBase64(map)) as EncodedSourceMap)) : map;
    const { line: sourceLine, column: sourceColumn } = originalPositionFor(decoded, { line, column: column - 1 });
    if (sourceLine === null) return undefined;
    const place = `cell ${slice(script, "cell-".length)}:${sourceLine}:${sourceColumn + 1}`;
    const name = frame.getFunctionName();
    // The function that holds the cell's top level is the cell itself; "eval" is what V8 calls one without a name.
    if (name === null || name === "" || name === "run" || name === "eval") return `${frame.isAsync() ? "async " : ""}${place}`;
    return `${frame.isAsync() ? "async " : ""}${frame.isConstructor() ? "new " : ""}${name} (${place})`;
  }
}

/** A message stands whole in `message`; a second copy of a very long one in the stack would only cost memory. */
const MAX_HEADER = 4_096;

/** `Name: message`, as V8 writes it; what throws on the way is left out. */
function header(error: unknown): string {
  try {
    const message: unknown = (error as { readonly message?: unknown }).message;
    if (typeof message !== "string" || message.length <= MAX_HEADER) return errorToString(error);
    return errorToString({ name: (error as Error).name, message: slice(message, 0, MAX_HEADER) });
  } catch {
    return "Error";
  }
}

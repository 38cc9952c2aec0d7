// Stacks as the cell's author sees them: frames of cells only, at the line and column of the cell's own text. Maps come with the
// scripts and are decoded when the first stack that needs them is read.
import { originalPositionFor, TraceMap, type EncodedSourceMap } from "@jridgewell/trace-mapping";
import {
  accessor,
  apply,
  captureStackTrace,
  create,
  define,
  errorToString,
  exec,
  filter,
  getPrototypeOf,
  lastIndexOf,
  NativeError,
  parseJson,
  slice,
  uncurry,
} from "./primordials.ts";

/** V8's own methods of a frame; a cell that gets at their prototype changes nothing here. */
interface Frames {
  readonly script: (frame: object) => unknown;
  readonly line: (frame: object) => number | null;
  readonly column: (frame: object) => number | null;
  readonly fn: (frame: object) => string | null;
  readonly isConstructor: (frame: object) => boolean;
  readonly isAsync: (frame: object) => boolean;
}

type Prepare = (error: unknown, frames: readonly object[]) => unknown;

const MAP_PREFIX = "\n//# sourceMappingURL=data:application/json;base64,";

export class StackMapper {
  /** Scripts by cell number; a decoded map replaces its text. */
  readonly #maps: Record<string, string | TraceMap> = create(null) as Record<string, string | TraceMap>;
  readonly #own: RegExp;
  readonly #decodeBase64: (text: string) => string;
  /** What the guest set: it gets the frames of its own code. */
  #custom: Prepare | undefined;
  #frames: Frames | undefined;

  /** `own`: the scripts whose frames are shown. */
  constructor(own: RegExp, decodeBase64: (text: string) => string) {
    this.#own = own;
    this.#decodeBase64 = decodeBase64;
  }

  /** In place for good: without it V8 would show the prelude's frames. A guest may set a function of its own, as it may in Node. */
  install(): void {
    this.#frames = frameMethods();
    const prepareStackTrace: Prepare = (error, frames) => {
      const custom = this.#custom;
      const own = filter(frames, (frame) => this.#script(frame) !== undefined);
      return custom === undefined ? this.#format(error, own) : apply(custom, NativeError, [error, own]);
    };
    accessor(
      NativeError,
      "prepareStackTrace",
      () => prepareStackTrace,
      (value) => {
        this.#custom = typeof value === "function" && value !== prepareStackTrace ? (value as Prepare) : undefined;
      },
    );
  }

  add(cell: number, script: string): void {
    const at = lastIndexOf(script, MAP_PREFIX);
    if (at !== -1) this.#maps[`cell-${cell}`] = slice(script, at + MAP_PREFIX.length);
  }

  /** Name of the script of a frame that may be seen. */
  #script(frame: object): string | undefined {
    try {
      const script = this.#frames?.script(frame);
      return typeof script === "string" && exec(this.#own, script) !== null ? script : undefined;
    } catch {
      return undefined;
    }
  }

  #format(error: unknown, frames: readonly object[]): string {
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

  #frame(frame: object): string | undefined {
    const methods = this.#frames;
    const script = this.#script(frame);
    if (methods === undefined || script === undefined) return undefined;
    const line = methods.line(frame);
    const column = methods.column(frame);
    if (line === null || column === null) return undefined;
    const place = this.#place(script, line, column);
    if (place === undefined) return undefined;
    const name = methods.fn(frame);
    const asynchronous = methods.isAsync(frame) ? "async " : "";
    // The function that holds the cell's top level is the cell itself; "eval" is what V8 calls one without a name.
    if (name === null || name === "" || name === "run" || name === "eval") return asynchronous + place;
    return `${asynchronous}${methods.isConstructor(frame) ? "new " : ""}${name} (${place})`;
  }

  /** A script without a map is shown as it is. */
  #place(script: string, line: number, column: number): string | undefined {
    const map = this.#maps[script];
    if (map === undefined) return exec(/^cell-/, script) === null ? `${script}:${line}:${column}` : undefined;
    const decoded =
      typeof map === "string" ? (this.#maps[script] = new TraceMap(parseJson(this.#decodeBase64(map)) as EncodedSourceMap)) : map;
    const { line: sourceLine, column: sourceColumn } = originalPositionFor(decoded, { line, column: column - 1 });
    if (sourceLine === null) return undefined;
    return `cell ${slice(script, "cell-".length)}:${sourceLine}:${sourceColumn + 1}`;
  }
}

/** Taken from a frame of our own, before any guest runs. */
function frameMethods(): Frames {
  const carrier: { stack?: unknown } = {};
  define(NativeError, "prepareStackTrace", (_: unknown, frames: readonly object[]) => frames);
  captureStackTrace(carrier);
  const [frame] = carrier.stack as [object];
  delete (NativeError as { prepareStackTrace?: unknown }).prepareStackTrace;
  const methods = getPrototypeOf(frame) as Record<string, () => never>;
  const method = (name: string): ((frame: object) => never) => uncurry(methods[name] as (this: object) => never);
  return {
    script: method("getScriptNameOrSourceURL"),
    line: method("getLineNumber"),
    column: method("getColumnNumber"),
    fn: method("getFunctionName"),
    isConstructor: method("isConstructor"),
    isAsync: method("isAsync"),
  };
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

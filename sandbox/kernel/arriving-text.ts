// The text of a context on its way in: decoded piece by piece, held twice at most, and once when it has been handed on.
import { StringDecoder } from "node:string_decoder";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Engine, SharedText } from "./isolate.ts";

/** UTF-16 units: a collection takes a few milliseconds. */
const WORTH_COLLECTING = 4 * 1024 * 1024;

export class ArrivingText {
  readonly #collect = collector();
  #pieces: string[] = [];
  #decoder = new StringDecoder("utf8");

  add(bytes: Buffer): void {
    this.#pieces.push(this.#decoder.write(bytes));
  }

  /** All of it, shared with every isolate; the next one begins. The collector would leave the pieces and the string for a long while. */
  share(engine: Engine): SharedText {
    this.#pieces.push(this.#decoder.end());
    const text = this.#pieces.join("");
    this.#pieces = [];
    if (text.length < WORTH_COLLECTING) return engine.share(text);
    this.#collect();
    const shared = engine.share(text);
    setImmediate(this.#collect);
    return shared;
  }
}

/** The flag is taken back: an isolate would have it as a global. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return typeof collect === "function" ? () => void Reflect.apply(collect, undefined, []) : () => undefined;
}

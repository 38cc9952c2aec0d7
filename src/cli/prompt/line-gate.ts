// Keys on their way to the line reader, one line at a time: while a line is evaluated the next ones wait, so that a paste of any size
// runs in order, and Ctrl-C reaches what runs and not the line reader.
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

const INTERRUPT = "\u0003";

export interface GateOptions {
  readonly stdin: NodeJS.ReadStream;
  /** Ctrl-C while a line is evaluated. */
  readonly onInterrupt: () => void;
}

/** Stands where the line reader expects its input. Owns nothing: `detach` gives the terminal back. */
export class LineGate extends Readable {
  readonly #stdin: NodeJS.ReadStream;
  readonly #onInterrupt: () => void;
  readonly #decoder = new StringDecoder("utf8");
  readonly #onData = (chunk: Buffer): void => this.#arrived(this.#decoder.write(chunk));
  readonly #onEnd = (): void => this.#finish();
  #waiting = "";
  #evaluating = 0;
  #endsInReturn = false;
  #ended = false;

  constructor({ stdin, onInterrupt }: GateOptions) {
    // Each push is one read: what waits in a stream of bytes is joined.
    super({ objectMode: true, read: () => undefined });
    this.#stdin = stdin;
    this.#onInterrupt = onInterrupt;
    this.attach();
  }

  /** A line is being worked on; no prompt is on the screen. */
  get isEvaluating(): boolean {
    return this.#evaluating > 0;
  }

  get isTTY(): boolean {
    return this.#stdin.isTTY;
  }

  setRawMode(mode: boolean): this {
    if (this.#stdin.isTTY) this.#stdin.setRawMode(mode);
    return this;
  }

  /** Takes the terminal: keys come here again. */
  attach(): void {
    this.#stdin.on("data", this.#onData).once("end", this.#onEnd).resume();
  }

  /** Leaves the terminal to a dialog, with what was typed ahead forgotten. */
  detach(): void {
    this.#waiting = "";
    this.#stdin.off("data", this.#onData).off("end", this.#onEnd).pause();
  }

  /** Lines wait until what was begun has ended. */
  async evaluate<T>(work: () => Promise<T>): Promise<T> {
    this.#evaluating++;
    try {
      return await work();
    } finally {
      this.#evaluating--;
      // After the line reader has shown its next prompt.
      setImmediate(() => this.#release());
    }
  }

  #arrived(text: string): void {
    // Terminals send CR; a paste may have CR LF, and that is one line end.
    const keys = (this.#endsInReturn && text.startsWith("\n") ? text.slice(1) : text).replaceAll("\r\n", "\r");
    this.#endsInReturn = text.endsWith("\r");
    const at = this.#evaluating > 0 ? keys.lastIndexOf(INTERRUPT) : -1;
    if (at !== -1) {
      this.#waiting = keys.slice(at + 1);
      return this.#onInterrupt();
    }
    this.#waiting += keys;
    this.#release();
  }

  #release(): void {
    if (this.#evaluating > 0) return;
    if (this.#waiting === "") {
      if (this.#ended) this.push(null);
      return;
    }
    // The line reader pauses while it completes: what it has not taken yet must not be followed.
    if (this.readableLength > 0) return void setImmediate(() => this.#release());
    const end = this.#waiting.search(/[\r\n]/);
    const line = end === -1 ? this.#waiting : this.#waiting.slice(0, end + 1);
    this.#waiting = this.#waiting.slice(line.length);
    // A tab amid other keys is pasted text; the Tab key, however fast it repeats, is not.
    if (/^\t+$/.test(line)) for (const tab of line) this.push(tab);
    else this.push(line);
    // Not every line is evaluated: an empty one, or the end of a search through history.
    if (this.#waiting !== "") setImmediate(() => this.#release());
  }

  #finish(): void {
    this.#ended = true;
    this.#release();
  }
}

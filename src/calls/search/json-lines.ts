// Cuts ripgrep's output at line ends. Bytes are cut on "\n" alone; a line without end is given up before it fills the memory.
const NEWLINE = 10;
/** Bytes of one line of output: a line of a searched file, with its matches. */
const MAX_LINE = 64 * 1024 * 1024;

export class LineCutter {
  readonly #onLine: (line: Buffer) => void;
  readonly #onTooLong: () => never;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(onLine: (line: Buffer) => void, onTooLong: () => never) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, from)) {
      this.#emit(chunk.subarray(from, newline));
      from = newline + 1;
    }
    if (from === chunk.length) return;
    this.#size += chunk.length - from;
    if (this.#size > MAX_LINE) this.#onTooLong();
    this.#parts.push(chunk.subarray(from));
  }

  #emit(end: Buffer): void {
    const line = this.#parts.length === 0 ? end : Buffer.concat([...this.#parts, end]);
    this.#parts = [];
    this.#size = 0;
    if (line.length > 0) this.#onLine(line);
  }
}

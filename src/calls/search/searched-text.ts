// From ripgrep's byte offsets to lines and UTF-16 columns, over the line (or, for a multiline match, the lines) it reports.
import { decode } from "../../workspace/utf8.ts";
import type { Content } from "./message.ts";

/** Units of a line, or of a match, that are shown. */
const MAX_SHOWN = 2_000;

/** Where something begins: how many lines after the first, that line, and the unit in it from 0. */
export interface Place {
  readonly lines: number;
  readonly text: string;
  readonly unit: number;
}

export class SearchedText {
  readonly #text: string;
  /** Null where a byte is a unit: all of it is ASCII. */
  readonly #bytes: Buffer | null;
  // Where the last question ended, since ripgrep reports matches in order: a line with 10⁵ matches is gone through once.
  #byte = 0;
  #unit = 0;
  #countedTo = 0;
  #newlines = 0;

  constructor(content: Content) {
    this.#text = typeof content === "string" ? content : decode(content);
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    this.#bytes = bytes.length === this.#text.length ? null : bytes;
  }

  /** The unit of a byte offset. */
  unitAt(byte: number): number {
    if (this.#bytes === null) return byte;
    if (byte < this.#byte) [this.#byte, this.#unit] = [0, 0];
    this.#unit += decode(this.#bytes.subarray(this.#byte, byte)).length;
    this.#byte = byte;
    return this.#unit;
  }

  /** The line around a unit. */
  placeOf(unit: number): Place {
    const lineStart = unit === 0 ? 0 : this.#text.lastIndexOf("\n", unit - 1) + 1;
    if (lineStart < this.#countedTo) [this.#countedTo, this.#newlines] = [0, 0];
    for (let at = this.#text.indexOf("\n", this.#countedTo); at !== -1 && at < lineStart; at = this.#text.indexOf("\n", at + 1))
      this.#newlines++;
    this.#countedTo = lineStart;
    return { lines: this.#newlines, text: this.#lineFrom(lineStart, unit), unit: unit - lineStart };
  }

  /** The text between two units, at most 2,000 of them. */
  shown(from: number, to: number): string {
    return this.#own(cutAfter(this.#text, from, Math.min(to, from + MAX_SHOWN)));
  }

  /** A line as it is shown for a match of `length` units at `unit`: 2,000 units around it, and the unit there. */
  around(place: Place, length: number): { text: string; unit: number } {
    const { text, unit } = place;
    if (text.length <= MAX_SHOWN) return { text: this.#own(text), unit };
    const lead = Math.floor((MAX_SHOWN - Math.min(length, MAX_SHOWN)) / 2);
    const wanted = Math.max(0, Math.min(unit - lead, text.length - MAX_SHOWN));
    const from = isLowSurrogate(text, wanted) ? wanted + 1 : wanted;
    return { text: this.#own(cutAfter(text, from, Math.min(text.length, wanted + MAX_SHOWN))), unit: Math.max(0, unit - from) };
  }

  /** All its lines, each cut to 2,000 units. */
  *lines(): Generator<string> {
    for (let at = 0; at < this.#text.length;) {
      const line = this.#lineFrom(at, at);
      yield this.#own(cutAfter(line, 0, Math.min(line.length, MAX_SHOWN)));
      const newline = this.#text.indexOf("\n", at);
      at = newline === -1 ? this.#text.length : newline + 1;
    }
  }

  /** The line from its start, without its end; `within` is a unit in it. */
  #lineFrom(start: number, within: number): string {
    const newline = this.#text.indexOf("\n", within);
    if (newline === -1) return this.#text.slice(start);
    return this.#text.slice(start, newline > start && this.#text[newline - 1] === "\r" ? newline - 1 : newline);
  }

  /** A part that does not keep a long text alive: a slice in V8 refers to what it was cut from. */
  #own(part: string): string {
    return this.#text.length > 2 * MAX_SHOWN ? Buffer.from(part, "utf16le").toString("utf16le") : part;
  }
}

/** A slice that ends before a character it would halve. */
function cutAfter(text: string, from: number, to: number): string {
  return text.slice(from, to < text.length && isLowSurrogate(text, to) ? to - 1 : to);
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

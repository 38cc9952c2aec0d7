// Builds the emitted script from pieces of a stripped cell, and the source map from the script back to the cell with it.
import { STRICT_LINES } from "./strip.ts";
import { encode, type SourceMapMappings, type SourceMapSegment } from "@jridgewell/sourcemap-codec";

/** A stretch of code (offsets, end exclusive) replaced by a text, or left out of its place because it stands elsewhere. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where a position of the text that was given to esbuild stood in the cell; lines and columns from 0. */
export type Unshift = (line: number, column: number) => readonly [line: number, column: number];

export class Pieces {
  /** The stripped cell. */
  readonly code: string;
  readonly #lineStarts: readonly number[];
  readonly #mappings: SourceMapMappings;
  readonly #unshift: Unshift;
  readonly #edits: Edit[] = [];
  #sorted: readonly Edit[] | undefined;
  readonly #out: string[] = [];
  readonly #outMappings: SourceMapSegment[][] = [[]];
  #column = 0;

  constructor(code: string, mappings: SourceMapMappings, unshift: Unshift) {
    this.code = code;
    this.#lineStarts = lineStarts(code);
    this.#mappings = mappings;
    this.#unshift = (line, column) => unshift(line - STRICT_LINES, column);
  }

  /** Replaces a stretch; all edits come before the first `copy`. They may lie inside one another: the outer one wins where both are copied. */
  edit(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** Emits text that stands nowhere in the cell. */
  text(text: string): void {
    this.#write(text);
  }

  /** Emits `code.slice(start, end)` with the edits inside it, an edit of exactly this range excepted. */
  copy(start: number, end: number): void {
    this.#sorted ??= this.#edits.toSorted((a, b) => a.start - b.start || width(a) - width(b) || b.end - a.end);
    let at = start;
    for (let next = firstFrom(this.#sorted, start); next < this.#sorted.length; next++) {
      const edit = this.#sorted[next];
      if (edit === undefined || edit.start > end) break;
      const isCut = edit.start === start && edit.end === end && edit.text === "";
      if (edit.start < at || edit.end > end || isCut) continue;
      this.#slice(at, edit.start);
      this.#write(edit.text);
      at = edit.end;
    }
    this.#slice(at, end);
  }

  /** The script, and VLQ mappings from it to the cell. */
  finish(): { readonly code: string; readonly mappings: string } {
    return { code: this.#out.join(""), mappings: encode(this.#outMappings) };
  }

  /** Position of an offset in the cell, lines and columns from 1. */
  position(offset: number): { readonly line: number; readonly column: number } | undefined {
    const line = this.#lineOf(offset);
    const segment = before(this.#mappings[line] ?? [], offset - (this.#lineStarts[line] ?? 0));
    if (segment === undefined || segment.length === 1) return undefined;
    const [sourceLine, sourceColumn] = this.#unshift(segment[2], segment[3]);
    return { line: sourceLine + 1, column: sourceColumn + 1 };
  }

  #write(text: string): void {
    this.#out.push(text);
    for (const char of text.matchAll(LINE_END)) {
      this.#outMappings.push([]);
      this.#column = -char.index - 1;
    }
    this.#column += text.length;
  }

  #slice(start: number, end: number): void {
    let at = start;
    while (at < end) {
      const line = this.#lineOf(at);
      const lineStart = this.#lineStarts[line] ?? 0;
      const stop = Math.min(end, this.#lineStarts[line + 1] ?? end);
      this.#map(this.#mappings[line] ?? [], at - lineStart, stop - lineStart);
      this.#write(this.code.slice(at, stop));
      at = stop;
    }
  }

  /** Carries the segments of one line's stretch over to where it is emitted. */
  #map(segments: readonly SourceMapSegment[], from: number, to: number): void {
    const shift = this.#column - from;
    const first = before(segments, from);
    const carried = segments.filter((segment) => segment[0] > from && segment[0] < to);
    for (const segment of first === undefined ? carried : [first, ...carried]) {
      if (segment.length === 1) continue;
      const [line, column] = this.#unshift(segment[2], segment[3]);
      this.#outMappings.at(-1)?.push([Math.max(segment[0], from) + shift, 0, line, column]);
    }
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Between lines stands \n, in plain cells also \r\n; esbuild leaves U+2028 and U+2029 in strings: ends of lines to its map and to V8. */
const LINE_END = /[\n\u2028\u2029]/g;

export function lineStarts(code: string): number[] {
  return [0, ...code.matchAll(LINE_END).map((match) => match.index + 1)];
}

/** Insertions come before what is replaced at the same place. */
function width(edit: Edit): number {
  return edit.end > edit.start ? 1 : 0;
}

/** Index of the first edit at or after an offset. */
function firstFrom(edits: readonly Edit[], start: number): number {
  let low = 0;
  let high = edits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edits[middle]?.start ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function before(segments: readonly SourceMapSegment[], column: number): SourceMapSegment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle]?.[0] ?? 0) <= column) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}

// The matches of one pattern in one file, as ripgrep reports them: lines, columns, and the lines around.
import type { Found } from "./collector.ts";
import type { Content, Submatch } from "./message.ts";
import { SearchedText } from "./searched-text.ts";

export interface FileMatchOptions {
  /** As a cell knows it. */
  readonly file: string;
  readonly pattern: number;
  readonly contextLines: number;
  /** Matches to keep; those after are counted by ripgrep alone. */
  readonly room: number;
}

export class FileMatches {
  readonly #options: FileMatchOptions;
  readonly #found: Found[] = [];
  /** Lines near kept matches, by number. */
  readonly #lines = new Map<number, string>();

  constructor(options: FileMatchOptions) {
    this.#options = options;
  }

  /** False when nothing that ripgrep may still say of this file changes what is kept. */
  get isOpen(): boolean {
    return this.#found.length < this.#options.room || (this.#options.contextLines > 0 && this.#found.length > 0);
  }

  addMatch(content: Content, line: number, submatches: readonly Submatch[]): void {
    const wanted = submatches.slice(0, Math.max(0, this.#options.room - this.#found.length));
    if (wanted.length === 0 && !this.#isNear(line)) return;
    const searched = new SearchedText(content);
    for (const { start, end } of wanted) this.#found.push(this.#matchAt(searched, line, start, end));
    this.#keepLines(searched, line);
  }

  addContext(content: Content, line: number): void {
    if (this.#found.length < this.#options.room || this.#isNear(line)) this.#keepLines(new SearchedText(content), line);
  }

  /** In order, complete with the lines around. */
  finish(): Found[] {
    const { contextLines } = this.#options;
    if (contextLines === 0) return this.#found;
    return this.#found.map(({ match, unit }) => {
      const around = {
        before: this.#linesOf(match.line - contextLines, match.line - 1),
        after: this.#linesOf(match.line + 1, match.line + contextLines),
      };
      return { match: { ...match, ...around }, unit };
    });
  }

  #matchAt(searched: SearchedText, first: number, start: number, end: number): Found {
    const from = searched.unitAt(start);
    const to = searched.unitAt(end);
    const place = searched.placeOf(from);
    const shown = searched.around(place, to - from);
    const { file, pattern } = this.#options;
    const match = { file, line: first + place.lines, column: shown.unit + 1, text: shown.text, match: searched.shown(from, to), pattern };
    return { match, unit: place.unit };
  }

  /** Does a kept match have this line among the lines after it? */
  #isNear(line: number): boolean {
    const last = this.#found.at(-1)?.match.line;
    return last !== undefined && line <= last + this.#options.contextLines;
  }

  #keepLines(searched: SearchedText, first: number): void {
    if (this.#options.contextLines === 0) return;
    let line = first;
    for (const text of searched.lines()) this.#lines.set(line++, text);
  }

  #linesOf(from: number, to: number): string[] {
    const lines: string[] = [];
    for (let line = from; line <= to; line++) {
      const text = this.#lines.get(line);
      if (text !== undefined) lines.push(text);
    }
    return lines;
  }
}

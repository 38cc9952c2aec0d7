// The lines of a text, and what of them is shown.

const MAX_SHOWN = 200;

/** Lines of a text, from 0. */
export class Lines {
  readonly #text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get mentionsIgnore(): boolean {
    return this.#text.includes("ast-grep-ignore");
  }

  place(index: number): { readonly line: number; readonly column: number } {
    const starts = this.#found();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return { line: low, column: index - (starts[low] ?? 0) };
  }

  text(line: number): string {
    const starts = this.#found();
    const start = starts[line] ?? this.#text.length;
    return this.#text.slice(start, (starts[line + 1] ?? this.#text.length + 1) - 1).replace(/\r$/, "");
  }

  /** The line, of a long one what is around the column. */
  shown(line: number, column: number): string {
    const text = this.text(line);
    if (text.length <= MAX_SHOWN) return text.trim();
    const from = Math.max(0, Math.min(column - 40, text.length - MAX_SHOWN));
    return text.slice(from, from + MAX_SHOWN).toWellFormed();
  }

  isComment(line: number): boolean {
    return /^\s*(?:\/\/|#|\*|\/\*|<!--|--)/.test(this.text(line));
  }

  #found(): readonly number[] {
    if (this.#starts !== undefined) return this.#starts;
    const starts = [0];
    for (let at = this.#text.indexOf("\n"); at !== -1; at = this.#text.indexOf("\n", at + 1)) starts.push(at + 1);
    return (this.#starts = starts);
  }
}

// A notebook is a TypeScript file; lines that begin `// %%` separate its cells, and what follows on such a line is the cell's title.

export interface NotebookCell {
  readonly title: string;
  readonly source: string;
}

const SEPARATOR = "// %%";

/** Cells in order; what stands before the first separator is one too, unless it is blank. */
export function readNotebook(source: string): NotebookCell[] {
  const cells: { title: string; lines: string[] }[] = [{ title: "", lines: [] }];
  for (const line of source.split(/(?<=\n)|(?<=\r)(?!\n)/)) {
    if (line.startsWith(SEPARATOR)) cells.push({ title: line.slice(SEPARATOR.length).trim(), lines: [] });
    else cells.at(-1)?.lines.push(line);
  }
  const read = cells.map(({ title, lines }) => ({ title, source: lines.join("") }));
  return read[0]?.source.trim() === "" && read.length > 1 ? read.slice(1) : read;
}

/** The notebook that `readNotebook` reads back as these cells. */
export function writeNotebook(sources: readonly string[]): string {
  return sources.map((source) => `${SEPARATOR}\n${source.endsWith("\n") ? source : `${source}\n`}`).join("");
}

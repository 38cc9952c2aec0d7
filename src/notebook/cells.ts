// A notebook is a TypeScript file; lines that begin `// %%` separate its cells.

/** Cells in order; what stands before the first separator is one too, unless it is blank. */
export function splitCells(source: string): string[] {
  const cells: string[][] = [[]];
  for (const line of source.split(/(?<=\n)|(?<=\r)(?!\n)/)) {
    if (line.startsWith("// %%")) cells.push([]);
    else cells.at(-1)?.push(line);
  }
  const texts = cells.map((lines) => lines.join(""));
  return texts[0]?.trim() === "" && texts.length > 1 ? texts.slice(1) : texts;
}

// One piece of an open file: the host side of `chunks()` and `lines()`, which ask for the next one until there is none.
import type { FileHandle } from "node:fs/promises";
import { chunksOf, readWindow, skipLines } from "./lines.ts";
import type { Piece, PieceRequest } from "./types.ts";
import { bomLength, bytesOfUnits, decode } from "./utf8.ts";

/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const BYTES_PER_UNIT = 3;
const NEWLINE = 10;

/** Reads from `offset` of a file of `size` bytes: whole lines, at most `maxChars` units; a longer line is cut between characters. Past the end it is "". */
export async function readPieceOf(handle: FileHandle, size: number, request: PieceRequest, signal?: AbortSignal): Promise<Piece> {
  const { offset, maxChars } = request;
  const start_line = request.line ?? (await lineAt(handle, offset, signal));
  // One byte more than the text can need, so that the end of the file is seen.
  const window = await readWindow(handle, offset, Math.min(maxChars * BYTES_PER_UNIT + 1, Math.max(0, size - offset)));
  const bom = offset === 0 ? bomLength(window) : 0;
  const bytes = window.subarray(bom);
  const fit = bytesOfUnits(bytes, maxChars);
  const atEnd = fit === bytes.length;
  const cut = atEnd ? fit : endOfLine(bytes, fit);
  const piece = bytes.subarray(0, cut);
  return {
    text: decode(piece),
    start_line,
    next_offset: atEnd ? null : offset + bom + cut,
    next_line: atEnd ? null : start_line + skipLines(piece, 0, Infinity).lines,
  };
}

/** After the last line end before `fit`, or `fit` when the line is longer. */
function endOfLine(bytes: Buffer, fit: number): number {
  const newline = bytes.lastIndexOf(NEWLINE, fit - 1);
  return newline === -1 ? fit : newline + 1;
}

async function lineAt(handle: FileHandle, offset: number, signal?: AbortSignal): Promise<number> {
  if (offset === 0) return 1;
  let line = 1;
  let position = 0;
  for await (const chunk of chunksOf(handle, 0, signal)) {
    line += skipLines(chunk.subarray(0, Math.max(0, offset - position)), 0, Infinity).lines;
    position += chunk.length;
    if (position >= offset) break;
  }
  return line;
}

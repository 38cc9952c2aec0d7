// The text of an open file or of lines of it, bounded: what one read of a cell gives.
import { MAX_RESULT } from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import { bytesInWords } from "./describe.ts";
import { readLines, SliceTooLarge, type Slice } from "./lines.ts";
import { quoted } from "./path-errors.ts";
import type { OpenText } from "./text-copies.ts";
import { bomLength, decode } from "./utf8.ts";

const MAX_IN_WORDS = `${MAX_RESULT / 1024 / 1024} MiB`;

/** Invalid UTF-8 comes as U+FFFD; a byte order mark at the start of the file is left out. Throws E_TOO_LARGE past 32 MiB. */
export async function readText(file: OpenText, slice: Slice, written: string, signal: AbortSignal): Promise<string> {
  const { size } = file;
  if (slice.start === 1 && slice.end === null && size > MAX_RESULT) throw tooLarge(`${quoted(written)} has ${bytesInWords(size)}`);
  try {
    const bytes = await readLines(file.handle, slice, MAX_RESULT, signal, size);
    return decode(slice.start === 1 ? bytes.subarray(bomLength(bytes)) : bytes);
  } catch (error) {
    if (!(error instanceof SliceTooLarge)) throw error;
    throw tooLarge(
      `lines ${slice.start} to ${slice.end ?? "the end"} of ${quoted(written)} (${bytesInWords(size)}) are over ${MAX_IN_WORDS}`,
    );
  }
}

function tooLarge(what: string): HostError {
  const advice = "ask for fewer lines with {start_line, end_line}, or go through it in pieces with a Corpus's chunks()";
  return new HostError("E_TOO_LARGE", `${what}; one read gives at most ${MAX_IN_WORDS}: ${advice}`);
}

// Bytes to text the way the sandbox gets it: UTF-8, what is invalid as U+FFFD, and where in the bytes a number of UTF-16 units ends.

const keepingBom = new TextDecoder("utf-8", { ignoreBOM: true });
const BOM = [0xef, 0xbb, 0xbf] as const;

/** All of it, byte for byte: a byte order mark stays. */
export function decode(bytes: Uint8Array): string {
  return keepingBom.decode(bytes);
}

/** Bytes of the byte order mark at the start of a file: it is no part of the text (ripgrep leaves it out too). */
export function bomLength(head: Uint8Array): number {
  return BOM.every((byte, index) => head[index] === byte) ? BOM.length : 0;
}

/**
 * How many bytes make up at most `maxUnits` UTF-16 units when decoded; never ends inside a character or between surrogates.
 * Follows the maximal-subpart rule of the Encoding standard, so that it agrees with `decode` on invalid bytes.
 */
export function bytesOfUnits(bytes: Uint8Array, maxUnits: number): number {
  let units = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    const width = length === 4 ? 2 : 1;
    if (units + width > maxUnits) break;
    units += width;
    at += length;
  }
  return at;
}

/** Bytes of the character, or of the invalid part that becomes one U+FFFD, at `at`: 4 only for a whole valid sequence. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const needed =
    lead < 0x80 ? 0 : lead >= 0xc2 && lead <= 0xdf ? 1 : lead >= 0xe0 && lead <= 0xef ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
  const lower = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const upper = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  let length = 1;
  while (length <= needed) {
    const next = bytes[at + length];
    const [from, to] = length === 1 ? [lower, upper] : [0x80, 0xbf];
    if (next === undefined || next < from || next > to) break;
    length++;
  }
  return length;
}

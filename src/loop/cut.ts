// Shortening text: never in the middle of a character, always with the true length said.

/** The first `length` UTF-16 units, one less where that would split a character. */
export function headOf(text: string, length: number): string {
  const end = isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length;
  return text.slice(0, Math.max(0, end));
}

/** The last `length` units. */
export function tailOf(text: string, length: number): string {
  if (length >= text.length) return text;
  const start = text.length - length;
  return text.slice(isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start);
}

/**
 * At most about `max` units: all of it, or head and tail with the number of characters between them. `length` is the true length
 * where `text` is itself only head and tail of something longer.
 */
export function headAndTail(text: string, max: number, length: number = text.length): string {
  if (text.length <= max && length <= text.length) return text;
  const head = headOf(text, Math.min(text.length, Math.ceil(max * 0.7)));
  const tail = tailOf(text, Math.min(text.length - head.length, Math.floor(max * 0.3)));
  const left = Math.max(0, length - head.length - tail.length);
  return `${head}\n… [${left.toLocaleString("en-US")} of ${length.toLocaleString("en-US")} characters left out] …\n${tail}`;
}

/** One line of at most `max` units. */
export function cutLine(line: string, max: number): string {
  return line.length <= max ? line : `${headOf(line, max)}… [${line.length.toLocaleString("en-US")} characters]`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

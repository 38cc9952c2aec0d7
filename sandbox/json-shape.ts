// How much a JSON text would come to, before it is parsed: a few bytes a value become tens in memory, and a kernel that was taken over
// may send nothing else.

/** Whether at most `values` values nest at most `depth` deep in a text, looked at once, without making any. What is no JSON may pass. */
export function isShallow(text: string, depth: number, values: number): boolean {
  let open = 0;
  let seen = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++open > depth) return false;
        if (++seen > values) return false;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        open--;
        break;
      case COMMA:
        if (++seen > values) return false;
        break;
    }
  }
  return true;
}

const [QUOTE, OPEN_BRACKET, OPEN_BRACE, CLOSE_BRACKET, CLOSE_BRACE, COMMA] = [0x22, 0x5b, 0x7b, 0x5d, 0x7d, 0x2c];

/** Position of the quote that ends the string that begins at `start`; the text's end where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

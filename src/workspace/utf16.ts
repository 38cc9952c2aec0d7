// UTF-16 text, known by its byte order mark, as UTF-8.
import { TextDecoder } from "node:util";

type Encoding = "utf-16le" | "utf-16be";

/** The encoding that the first bytes of a file tell. FF FE 00 00 is UTF-32's mark, which is none of ours. */
export function utf16Of(head: Uint8Array): Encoding | null {
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const isLittle = head[0] === 0xff && head[1] === 0xfe && !(head.length >= 4 && head[2] === 0 && head[3] === 0);
  return isLittle ? "utf-16le" : null;
}

/** Bytes as they are, or from UTF-16 in UTF-8 without the mark; half a character becomes U+FFFD. */
export async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  let decoder: TextDecoder | null = null;
  const converted = (chunk: Buffer): Buffer => (decoder === null ? chunk : Buffer.from(decoder.decode(chunk, { stream: true })));
  for await (const chunk of chunks) {
    if (head === null) {
      yield converted(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 4) continue;
    decoder = decoderOf(head);
    yield converted(head);
    head = null;
  }
  if (head !== null) {
    decoder = decoderOf(head);
    yield converted(head);
  }
  if (decoder !== null) yield Buffer.from(decoder.decode());
}

function decoderOf(head: Buffer): TextDecoder | null {
  const encoding = utf16Of(head);
  return encoding === null ? null : new TextDecoder(encoding);
}

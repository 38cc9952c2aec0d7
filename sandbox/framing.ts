// How frames are cut out of a stream of bytes: 4 bytes of length, 4 of the head's, a JSON head, a body of bytes.
import { MAX_CHUNK, MAX_FRAME, type HostFrame, type KernelFrame } from "./protocol.ts";

export interface Frame {
  readonly head: unknown;
  /** Good until whoever is given it returns. */
  readonly body: Buffer;
}

/** A piece of a socket's queue costs more than to copy a body of this many bytes. */
const MAX_COPIED = 16 * 1024;

/** The frame's bytes, to be written in this order. */
export function encodeFrame(head: HostFrame | KernelFrame, body: string | Uint8Array = ""): Buffer[] {
  const headBytes = Buffer.from(JSON.stringify(head));
  const bodyBytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const lengths = Buffer.allocUnsafe(8);
  lengths.writeUInt32LE(4 + headBytes.length + bodyBytes.length, 0);
  lengths.writeUInt32LE(headBytes.length, 4);
  return bodyBytes.length <= MAX_COPIED
    ? [Buffer.concat([lengths, headBytes, bodyBytes])]
    : [Buffer.concat([lengths, headBytes]), bodyBytes];
}

/** What is kept between frames, once a larger one has gone. */
const KEPT = 2 * MAX_CHUNK;

/**
 * Cuts a byte stream into frames, however it is chunked. A frame's body is good until its handler returns: what was a frame's is the next
 * one's, since buffers of a megabyte that come and go leave a heap with holes. Throws on a frame that no honest side sends.
 */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  /** The beginning of a frame whose end has not come. */
  #held = Buffer.alloc(0);
  #size = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (this.#size > 0 && rest.length > 0) {
      const missing = (this.#size < 8 ? 8 : sizeOf(this.#held)) - this.#size;
      const taken = Math.min(missing, rest.length);
      this.#hold(rest.subarray(0, taken));
      rest = rest.subarray(taken);
      if (this.#size < 8 || this.#size < sizeOf(this.#held)) continue;
      const bytes = this.#held.subarray(0, this.#size);
      this.#size = 0;
      this.#emit(bytes);
      if (this.#held.length > KEPT) this.#held = Buffer.alloc(0);
    }
    while (rest.length >= 8 && rest.length >= sizeOf(rest)) {
      const size = sizeOf(rest);
      this.#emit(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    if (rest.length > 0) this.#hold(rest);
  }

  #hold(bytes: Buffer): void {
    const size = this.#size + bytes.length;
    const whole = size < 8 ? size : Math.max(size, this.#size < 8 ? 0 : sizeOf(this.#held));
    if (whole > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(whole, 64 * 1024));
      this.#held.copy(larger, 0, 0, this.#size);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#size);
    this.#size = size;
  }

  #emit(bytes: Buffer): void {
    const head = bytes.readUInt32LE(4);
    const parsed: unknown = JSON.parse(bytes.toString("utf8", 8, 8 + head));
    this.#onFrame({ head: parsed, body: bytes.subarray(8 + head) });
  }
}

/** Of a frame whose first eight bytes are there, all of it. */
function sizeOf(bytes: Buffer): number {
  const total = bytes.readUInt32LE(0);
  const head = bytes.readUInt32LE(4);
  if (total > MAX_FRAME || head > total - 4 || head > 1024 * 1024) throw new RangeError(`a frame of ${total} bytes with a head of ${head}`);
  return 4 + total;
}

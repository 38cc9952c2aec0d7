// What crosses between the host and a kernel in thousands goes many to a frame: the heads in the frame's, the texts behind one another in
// its body. A frame for each would cost more than the small job it is about.

/** A frame waits for so many, or so many bytes of them, or the end of the loop's turn. */
const MAX_COUNT = 256;
const MAX_BYTES = 64 * 1024;

type Sized = { readonly bytes: number };

export class Batch<Head extends object> {
  readonly #send: (heads: readonly (Head & Sized)[], body: Uint8Array) => void;
  #heads: (Head & Sized)[] = [];
  #bodies: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Immediate | undefined;

  constructor(send: (heads: readonly (Head & Sized)[], body: Uint8Array) => void) {
    this.#send = send;
  }

  /** `aside`: UTF-16 units of the texts in the head. */
  add(head: Head, text = "", aside = 0): void {
    const body = Buffer.from(text);
    this.#heads.push({ ...head, bytes: body.length });
    this.#bodies.push(body);
    this.#bytes += body.length + aside;
    if (this.#heads.length >= MAX_COUNT || this.#bytes >= MAX_BYTES) this.flush();
    else this.#timer ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#timer);
    this.#timer = undefined;
    if (this.#heads.length === 0) return;
    const [heads, bodies] = [this.#heads, this.#bodies];
    this.#heads = [];
    this.#bodies = [];
    this.#bytes = 0;
    this.#send(heads, bodies.length === 1 && bodies[0] !== undefined ? bodies[0] : Buffer.concat(bodies));
  }
}

/** Its heads, each with its text. */
export function* batched<Head extends Sized>(heads: readonly Head[], body: Buffer): Generator<[Head, string]> {
  let at = 0;
  for (const head of heads) {
    yield [head, body.toString("utf8", at, at + head.bytes)];
    at += head.bytes;
  }
}

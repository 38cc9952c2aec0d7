// Frames survive any chunking; what no honest side sends is refused before it is kept.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batch, batched } from "../../sandbox/batch.ts";
import { encodeFrame, FrameReader, type Frame } from "../../sandbox/framing.ts";
import { MAX_FRAME } from "../../sandbox/protocol.ts";

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe("framing", () => {
  it("gives back every frame, however the bytes are cut", () => {
    const bodies = fc.array(fc.string({ unit: "binary", maxLength: 200 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 }), (texts, sizes) => {
        const bytes = Buffer.concat(texts.flatMap((text, n) => encodeFrame({ type: "ping", n }, text)));
        const frames: Frame[] = [];
        const reader = new FrameReader(({ head, body }) => frames.push({ head, body: Buffer.from(body) }));
        for (const piece of cut(bytes, sizes)) reader.push(piece);
        expect(frames.map(({ body }) => body.toString())).toEqual(texts.map((text) => Buffer.from(text).toString()));
        expect(frames.map(({ head }) => head)).toEqual(texts.map((_, n) => ({ type: "ping", n })));
      }),
    );
  });

  it.each([
    ["too long", [MAX_FRAME + 1, 2]],
    ["a head longer than the frame", [10, 100]],
    ["a head that is no JSON", [6, 2]],
  ])("refuses a frame that is %s", (_, [total = 0, head = 0]) => {
    const bytes = Buffer.alloc(64, 0x20);
    bytes.writeUInt32LE(total, 0);
    bytes.writeUInt32LE(head, 4);
    expect(() => new FrameReader(() => undefined).push(bytes)).toThrow();
  });
});

describe("batches", () => {
  it("give back heads and texts in order, many to a frame, and no frame's head grows past what a reader takes", () => {
    const got: [number, string][] = [];
    const frames: number[] = [];
    const batch = new Batch<{ index: number; path: string }>((heads, body) => {
      frames.push(JSON.stringify(heads).length);
      for (const [{ index }, text] of batched(heads, Buffer.from(body))) got.push([index, text]);
    });
    for (let index = 0; index < 1_000; index++) {
      const path = "\u0001".repeat(index < 500 ? 4_000 : 1);
      batch.add({ index, path }, `é${index}`, path.length);
    }
    batch.flush();
    expect(got).toEqual(Array.from({ length: 1_000 }, (_, i) => [i, `é${i}`]));
    expect(Math.max(...frames)).toBeLessThan(1024 * 1024);
    expect(frames.length).toBeLessThan(100);
  });
});

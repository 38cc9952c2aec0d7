// The codec against bytes of any kind: what it lets through is what was framed, and nothing makes it hold more than one frame.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameReader, type Frame } from "../../sandbox/framing.ts";
import { MAX_FRAME, type KernelFrame } from "../../sandbox/protocol.ts";

const heads = fc.oneof(
  fc.record({
    type: fc.constant("entered" as const),
    seq: fc.nat(),
    end: fc.constant("threw" as const),
    ms: fc.nat(),
    message: fc.string({ unit: "binary" }),
  }),
  fc.record({ type: fc.constant("pong" as const), n: fc.nat(), rss: fc.nat() }),
  fc.constant({ type: "post" as const }),
);

function read(pieces: readonly Uint8Array[]): { readonly frames: Frame[]; readonly threw: boolean } {
  const frames: Frame[] = [];
  const reader = new FrameReader(({ head, body }) => frames.push({ head, body: Buffer.from(body) }));
  try {
    for (const piece of pieces) reader.push(Buffer.from(piece));
    return { frames, threw: false };
  } catch {
    return { frames, threw: true };
  }
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

describe("framing", () => {
  it("gives back heads and bytes, wherever the stream is cut", () => {
    const frame = fc.tuple(heads, fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (sent, places) => {
        const bytes = Buffer.concat(sent.flatMap(([head, body]) => encodeFrame(head satisfies KernelFrame, body)));
        const { frames, threw } = read(cut(bytes, places));
        expect(threw).toBe(false);
        expect(frames.map(({ head }) => head)).toEqual(JSON.parse(JSON.stringify(sent.map(([head]) => head))));
        expect(frames.map(({ body }) => [...body])).toEqual(sent.map(([, body]) => [...body]));
      }),
    );
  });

  it("reads the frames before a spoilt one, and refuses or waits from there; it never invents one", () => {
    fc.assert(
      fc.property(
        fc.array(heads, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        (sent, at, flip, places) => {
          const parts = sent.map((head) => Buffer.concat(encodeFrame(head, "body")));
          const bytes = Buffer.concat(parts);
          const spoilt = at % bytes.length;
          bytes[spoilt] = (bytes[spoilt] ?? 0) ^ flip;
          let whole = 0;
          for (let end = 0; whole < parts.length; whole++) {
            end += parts[whole]?.length ?? 0;
            if (end > spoilt) break;
          }
          const { frames } = read(cut(bytes, places));
          expect(frames.slice(0, whole).map(({ head }) => head)).toEqual(JSON.parse(JSON.stringify(sent.slice(0, whole))));
        },
      ),
    );
  });

  it("throws nothing but an error, whatever the bytes, and keeps no more than came", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), (pieces) => {
        const { frames } = read(pieces);
        const came = pieces.reduce((sum, piece) => sum + piece.length, 0);
        expect(frames.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThanOrEqual(came);
      }),
    );
  });

  it("refuses a length at once, before the bytes it speaks of have come", () => {
    for (const [total, head] of [
      [MAX_FRAME + 1, 2],
      [0xffff_ffff, 2],
      [3, 0],
      [0, 0],
      [100, 97],
      [2 * 1024 * 1024, 1024 * 1024 + 1],
    ] as const) {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(total, 0);
      bytes.writeUInt32LE(head, 4);
      expect([total, head, read([bytes]).threw]).toEqual([total, head, true]);
    }
  });
});

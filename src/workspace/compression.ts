// Compressed text: which files are, by the end of their names, and their bytes decompressed piece by piece. In this process: what
// ripgrep has for it (--search-zip) runs other programs.
import { finished } from "node:stream/promises";
import { Readable, type Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress, type Zlib } from "node:zlib";

export type Compression = "gzip" | "brotli" | "zstd";

const CHUNK = 256 * 1024;
const ENDINGS: Readonly<Record<string, Compression>> = { ".gz": "gzip", ".br": "brotli", ".zst": "zstd" };
const ENDING = /\.(?:gz|br|zst)$/iu;

/** The decompressor of each, and how it is told to give what it has of a part. */
const DECOMPRESSORS: Readonly<Record<Compression, (isPart: boolean) => Transform & Zlib>> = {
  gzip: (isPart) => createGunzip({ chunkSize: CHUNK, ...(isPart ? { finishFlush: constants.Z_SYNC_FLUSH } : {}) }),
  brotli: (isPart) => createBrotliDecompress({ chunkSize: CHUNK, ...(isPart ? { finishFlush: constants.BROTLI_OPERATION_FLUSH } : {}) }),
  zstd: (isPart) => createZstdDecompress({ chunkSize: CHUNK, ...(isPart ? { finishFlush: constants.ZSTD_e_flush } : {}) }),
};

/** Thrown for what is not the compressed data its name says: the caller knows the name. */
export class DamagedData extends Error {
  override readonly name = "DamagedData";
}

/** How the first of these names that ends in one says it is compressed. */
export function compressionOf(...names: readonly string[]): Compression | null {
  const ending = names.map((name) => ENDING.exec(name)?.[0].toLowerCase()).find((each) => each !== undefined);
  return ending === undefined ? null : (ENDINGS[ending] ?? null);
}

/** `app.jsonl.gz` → `app.jsonl`. */
export function withoutCompression(name: string): string {
  return name.replace(ENDING, "");
}

export interface CompressedData {
  readonly compression: Compression;
  /** Bytes of it. */
  readonly size: number;
  /** Its bytes from an offset on. */
  readonly from: (offset: number) => AsyncIterable<Uint8Array>;
  /** It is the head of something longer: that it ends early is no damage. */
  readonly isPart?: boolean;
}

/** Throws `DamagedData`, or what reading threw. Many members or frames one after another are one text, as their tools have it. */
export async function* decompressed({ compression, size, from, isPart = false }: CompressedData): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const through = DECOMPRESSORS[compression](isPart);
    yield* member(through, from(at), compression);
    const used = through.bytesWritten;
    at += used;
    // gzip's members are joined by zlib. It also passes over what follows the first frame of zstd: that is for us to see.
    if (isPart || compression === "gzip") return;
    if (at < size && (used === 0 || compression === "brotli"))
      throw new DamagedData(`${compression} data with ${size - at} bytes after its end`);
  }
}

async function* member(through: Transform & Zlib, stored: AsyncIterable<Uint8Array>, compression: Compression): AsyncGenerator<Buffer> {
  const source = Readable.from(stored, { objectMode: false });
  const failure: { cause?: unknown } = {};
  source.once("error", (error) => {
    failure.cause = error;
    through.destroy(error);
  });
  try {
    for await (const chunk of source.pipe(through)) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    if ("cause" in failure) throw failure.cause;
    throw new DamagedData(`damaged ${compression} data: ${error instanceof Error ? error.message.toLowerCase() : "unknown reason"}`);
  } finally {
    through.destroy();
    source.destroy();
    await finished(source).catch(() => undefined);
  }
}

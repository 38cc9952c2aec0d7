// A context that a program hands over in memory: nothing of it is on a disk, and it cannot change.
import { createHash } from "node:crypto";
import { MAX_TEXT_CONTEXT } from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import type { MemoryContext } from "./context-input.ts";
import { bytesInWords } from "./describe.ts";
import type { TextSource } from "./types.ts";

const PIECE = 1024 * 1024;

/** Throws E_USAGE for a value that JSON cannot say, or one that is too large. */
export function memorySource(context: MemoryContext): TextSource {
  const isText = "text" in context;
  const name = context.name ?? (isText ? "text" : "value");
  const said: string | undefined = isText ? context.text : JSON.stringify(context.value);
  if (typeof said !== "string")
    throw new HostError("E_USAGE", `the context ${name} is ${typeof said}: give {text: string} or {value: JSON}`);
  const bytes = Buffer.from(said);
  if (bytes.length > MAX_TEXT_CONTEXT) {
    throw new HostError(
      "E_USAGE",
      `the context ${name} has ${bytesInWords(bytes.length)}, over ${MAX_TEXT_CONTEXT / 1024 / 1024} MiB: write it to a file and give its path`,
    );
  }
  return {
    kind: isText ? "text" : "json",
    name,
    size: bytes.length,
    identity: createHash("sha256").update(bytes).digest("hex"),
    notices: [],
    stream: () => pieces(bytes),
    readAt: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

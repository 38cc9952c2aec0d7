// Standard input, and the text of an encoded context, kept in a file of our own: a context is read again when a sandbox is replaced.
import { rmSync } from "node:fs";
import { mkdtemp, open, realpath, rm } from "node:fs/promises";
import path from "node:path";
import { HostError } from "../errors.ts";
import { bytesInWords } from "./describe.ts";
import type { NamedPlace } from "./named-path.ts";

/** Largest such text, in bytes: it goes to the temporary folder, which is often memory. */
export const MAX_SPOOLED = 4 * 1024 * 1024 * 1024;

export interface Spooled extends AsyncDisposable {
  readonly place: NamedPlace;
}

/** Writes all of `input` to a file of this name, readable by this user alone. Dispose it; the end of the process does too. */
export async function spool(input: AsyncIterable<Uint8Array>, folder: string, name: string, maxBytes = MAX_SPOOLED): Promise<Spooled> {
  const own = await realpath(await mkdtemp(path.join(folder, "rlm-repl-")));
  const removeNow = (): void => rmSync(own, { recursive: true, force: true });
  process.once("exit", removeNow);
  const dispose = async (): Promise<void> => {
    await rm(own, { recursive: true, force: true });
    // Not before: a second Ctrl-C may end the process meanwhile.
    process.removeListener("exit", removeNow);
  };
  try {
    const file = path.join(own, name);
    await write(input, file, maxBytes);
    return { place: { kind: "file", real: file, named: file }, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function write(input: AsyncIterable<Uint8Array>, file: string, maxBytes: number): Promise<void> {
  await using handle = await open(file, "wx", 0o600);
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new HostError("E_USAGE", `standard input is over ${bytesInWords(maxBytes)}: write it to a file and name that with --context`);
    }
    await handle.writeFile(chunk);
  }
}

// Standard input, kept in a file of our own: it can be read once only, and a context is read again when a sandbox is replaced.
import { rmSync } from "node:fs";
import { mkdtemp, open, realpath, rm } from "node:fs/promises";
import path from "node:path";
import { HostError } from "../errors.ts";
import { bytesInWords } from "./describe.ts";
import type { NamedPlace } from "./named-path.ts";

/** Largest standard input, in bytes: it goes to the temporary folder, which is often memory. */
const MAX_STDIN = 4 * 1024 * 1024 * 1024;

export interface Spooled extends AsyncDisposable {
  readonly place: NamedPlace;
}

/** Writes all of `input` to a file named `stdin`, readable by this user alone. Dispose it; the end of the process does too. */
export async function spool(input: AsyncIterable<Uint8Array>, folder: string, maxBytes = MAX_STDIN): Promise<Spooled> {
  const own = await realpath(await mkdtemp(path.join(folder, "rlm-repl-")));
  const removeNow = (): void => rmSync(own, { recursive: true, force: true });
  process.once("exit", removeNow);
  const dispose = async (): Promise<void> => {
    await rm(own, { recursive: true, force: true });
    // Not before: a second Ctrl-C may end the process meanwhile.
    process.removeListener("exit", removeNow);
  };
  try {
    const file = path.join(own, "stdin");
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
    await handle.write(chunk);
  }
}

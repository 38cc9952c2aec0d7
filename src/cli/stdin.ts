// Standard input as the context of an `ask` that names none: a pipe or a file is, a terminal or /dev/null is not.
import { fstatSync } from "node:fs";

const LATE_MS = 1_000;

/** Is there a pipe, socket or file behind the descriptor? */
export function carriesText(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket() || stats.isFile();
  } catch {
    // It is closed.
    return false;
  }
}

/** The input as it is; `tell` is called once when its first byte is a second late: who forgot that it waits must not wonder. */
export async function* tellingWhenLate(input: AsyncIterable<Uint8Array>, tell: () => void): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(tell, LATE_MS);
  try {
    for await (const chunk of input) {
      clearTimeout(timer);
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

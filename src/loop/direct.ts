// A context that a model reads at once needs no loop: below some 16,000 tokens the direct call is the better one. It is asked with all of
// the context in its first turn, and may still write a cell.
import { estimateTokens, tokensOf } from "../llm/tokens.ts";
import type { ContextSource, TextSource } from "../workspace/types.ts";

const MAX_TOKENS = 2 ** 14;

/** All contexts as text; undefined where there is none, or they are too large for that. */
export async function wholeOf(contexts: readonly ContextSource[]): Promise<string | undefined> {
  const size = contexts.reduce((sum, context) => sum + context.size, 0);
  if (contexts.length === 0 || tokensOf(size) >= MAX_TOKENS) return undefined;
  const parts: string[] = [];
  for (const context of contexts) {
    if (context.kind !== "corpus") parts.push(written(context.name, await textOf(context)));
    else for (const { path } of context.corpus.files) parts.push(written(path, await context.corpus.read(path)));
  }
  const whole = parts.join("\n");
  // What was compressed is larger than it was stored.
  return estimateTokens(whole) < MAX_TOKENS ? whole : undefined;
}

function written(name: string, text: string): string {
  return `<text of=${JSON.stringify(name)}>\n${text}\n</text>`;
}

async function textOf(source: TextSource): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

// The contexts of a session as its journal tells of them: what they were, and how they can be opened again.
import type { ContextInput, MemoryContext } from "../workspace/context-input.ts";
import type { ContextSource } from "../workspace/types.ts";
import type { ContextChoice } from "./data.ts";
import type { Journal } from "./journal.ts";
import type { JournalRecord } from "./records.ts";

export type ContextRecord = JournalRecord & { readonly type: "context" };

/** Records of contexts that were opened together; one that stands for none, where there are none. */
export async function contextRecords(
  journal: Journal,
  choice: ContextChoice,
  contexts: readonly ContextSource[],
): Promise<ContextRecord[]> {
  const inputs = journal.isKept ? await keptInputs(choice, contexts) : undefined;
  const given = inputs === undefined ? {} : { inputs: journal.value(JSON.stringify(inputs)), combined: choice.combined ?? false };
  const [first = { name: "", kind: "none", identity: "" }, ...rest] = contexts;
  return [
    { type: "context", name: first.name, kind: first.kind, identity: first.identity, ...given },
    ...rest.map(({ name, kind, identity }) => ({ type: "context", name, kind, identity }) as const),
  ];
}

/** What `contextRecords` kept of the inputs; undefined where nothing can be opened again. */
export function inputsOf(journal: Journal, { inputs, combined }: ContextRecord): ContextChoice | undefined {
  const kept: unknown = inputs === undefined ? undefined : JSON.parse(journal.jsonOf(inputs));
  return Array.isArray(kept) && kept.every(isInput) ? { inputs: kept, combined: combined ?? false } : undefined;
}

async function keptInputs({ inputs }: ContextChoice, contexts: readonly ContextSource[]): Promise<ContextInput[] | undefined> {
  const kept: ContextInput[] = [];
  for (const input of inputs) {
    if (input !== "-") kept.push(input);
    else {
      const stdin = contexts.find(({ name, kind }) => name === "stdin" && kind === "text");
      // As one of many files, or too large to be a text, it cannot be had again.
      if (stdin === undefined || stdin.kind === "corpus") return undefined;
      kept.push(await inMemory(stdin));
    }
  }
  return kept;
}

async function inMemory(source: ContextSource & { readonly kind: "text" | "json" | "jsonl" }): Promise<MemoryContext> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream()) pieces.push(piece);
  return { name: source.name, text: Buffer.concat(pieces).toString() };
}

function isInput(value: unknown): value is ContextInput {
  return typeof value === "string" || (typeof value === "object" && value !== null && ("text" in value || "value" in value));
}

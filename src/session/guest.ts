// A kernel made ready for a session: sized for its contexts, told its seed and clock, its contexts loaded.
import type { ContextSetup, EntryFacts, GuestSetup } from "../../prelude/contract.ts";
import { Kernel, type Death, type Ended, type KernelOptions, type KernelProcess, type ScanRead } from "../../sandbox/index.ts";
import {
  MAX_ANSWER,
  MAX_ARGUMENT,
  MAX_ARGUMENTS_IN_FLIGHT,
  MAX_CALLS_IN_FLIGHT,
  MAX_CALLS_PER_CELL,
  MAX_CONSOLE,
  MAX_ERROR_MESSAGE,
  MAX_LONG_PREVIEW,
  MAX_PREVIEW,
  MAX_STACK,
  MAX_VALUE,
} from "../../sandbox/limits.ts";
import { HostError } from "../errors.ts";
import type { ContextSource } from "../workspace/types.ts";

export interface Workers {
  readonly count: number;
  /** RLM_MAX_WORKERS or a flag set it. */
  readonly fixed: boolean;
  readonly parallelism: number;
}

export interface GuestOptions {
  readonly process: KernelProcess;
  readonly seed: number;
  readonly now: number;
  readonly workers: Workers;
  readonly tools: GuestSetup["tools"];
  /** Heap of the isolate, in MiB. */
  readonly heapMb: number;
  readonly contexts: readonly ContextSource[];
  readonly profiles: boolean;
  readonly onPost: (kernel: Kernel, text: string) => void;
  readonly onJobEnd: KernelOptions["onJobEnd"];
  readonly onScanRead: (frame: ScanRead, what: string) => boolean;
  readonly onDeath: (kernel: Kernel, death: Death) => void;
}

const MiB = 1024 * 1024;
/** Parsing 256 MiB of JSON in the guest takes seconds; a context that takes longer than this is not one to load whole. */
const LOAD_TIMEOUT_MS = 120_000;

/** Rejects with E_KERNEL when it does not come up, E_BAD_ARGUMENT when a context cannot be parsed. The caller owns the kernel. */
export async function openGuest(options: GuestOptions): Promise<Kernel> {
  const kernel: Kernel = new Kernel({
    process: options.process,
    heapMb: options.heapMb,
    setup: JSON.stringify(guestSetup(options)),
    profiles: options.profiles,
    onPost: (text) => options.onPost(kernel, text),
    onJobEnd: options.onJobEnd,
    onScanRead: options.onScanRead,
    onDeath: (death) => options.onDeath(kernel, death),
  });
  try {
    await kernel.ready();
    if (options.contexts.length > 0) await loadContexts(kernel, options.contexts, options.now);
    return kernel;
  } catch (error) {
    kernel.kill("closed");
    if (error instanceof HostError) throw error;
    throw new HostError(
      "E_KERNEL",
      `the sandbox did not start: ${error instanceof Error ? error.message : String(error)}; rlm-repl doctor says more`,
      { cause: error },
    );
  }
}

/** A text counts in full against each isolate's limit, twice a byte where a character is beyond Latin-1; as much again to work with. */
export function contextHeapMb(contexts: readonly ContextSource[]): number {
  const bytes = contexts.reduce((sum, context) => sum + (context.kind === "corpus" ? 0 : context.size), 0);
  const parsed = contexts.reduce((sum, context) => sum + (context.kind === "json" || context.kind === "jsonl" ? context.size * 6 : 0), 0);
  const loaded = Math.ceil((bytes * 2 + parsed) / MiB);
  return loaded + Math.min(512, loaded);
}

/** In place of those the guest has. Rejects as `openGuest` does. */
export async function loadContexts(kernel: Kernel, contexts: readonly ContextSource[], now: number): Promise<void> {
  if (contexts.length === 0) await enterContext(kernel, none(), { name: "", kind: "none", replaces: true }, now);
  for (const [i, context] of contexts.entries()) await load(kernel, context, i === 0, now);
}

function enterContext(kernel: Kernel, bytes: AsyncIterable<Uint8Array>, setup: ContextSetup, now: number): Promise<Ended> {
  const facts: EntryFacts = { now, budget: null };
  return kernel.loadContext(bytes, JSON.stringify(setup), JSON.stringify(facts), setup.replaces === true, LOAD_TIMEOUT_MS);
}

async function load(kernel: Kernel, context: ContextSource, replaces: boolean, now: number): Promise<void> {
  const common = { name: context.name, kind: context.kind, ...(replaces ? { replaces } : {}) };
  const setup: ContextSetup =
    context.kind === "corpus"
      ? { ...common, files: context.corpus.files.map(({ path, size }) => ({ path, size })), size: context.size }
      : common;
  const ended = await enterContext(kernel, context.kind === "corpus" ? none() : context.stream(), setup, now);
  if (ended.end === "ok") return;
  const detail = ended.end === "dead" ? ended.death : (ended.message ?? ended.end);
  if (ended.end === "threw")
    throw new HostError(
      "E_USAGE",
      `the context ${context.name} is not valid ${context.kind === "jsonl" ? "JSON Lines" : "JSON"}: ${detail}; rename it to .txt to open it as text`,
    );
  throw new HostError(
    "E_KERNEL",
    `the context ${context.name} (${Math.round(context.size / MiB)} MiB) could not be loaded: ${detail}; raise --memory MB`,
  );
}

async function* none(): AsyncGenerator<Uint8Array> {
  // A corpus stays outside.
}

function guestSetup({ seed, now, workers, tools }: GuestOptions): GuestSetup {
  return {
    seed,
    now,
    workers: workers.count,
    workers_fixed: workers.fixed,
    parallelism: workers.parallelism,
    tools,
    limits: {
      calls_in_flight: MAX_CALLS_IN_FLIGHT,
      calls_per_cell: MAX_CALLS_PER_CELL,
      argument: MAX_ARGUMENT,
      arguments_in_flight: MAX_ARGUMENTS_IN_FLIGHT,
      value: MAX_VALUE,
      answer: MAX_ANSWER,
      console: MAX_CONSOLE,
      error_message: MAX_ERROR_MESSAGE,
      stack: MAX_STACK,
      preview: MAX_PREVIEW,
      long_preview: MAX_LONG_PREVIEW,
    },
  };
}

// The guest's side of rlm-repl: installs the globals of prelude.d.ts and hands the kernel one function, by which alone it enters.
// First: the libraries below look for the web's globals when they load.
import { installWeb } from "./web.ts";
import { Answer } from "./answer.ts";
import { parseCsv } from "./api/csv.ts";
import { help } from "./api/help.ts";
import { argumentJson } from "./json.ts";
import { ModelCalls } from "./api/models.ts";
import { Scan } from "./api/scan.ts";
import { ownScanners, Scanners } from "./api/scanners.ts";
import { Search } from "./api/search.ts";
import { showVars } from "./api/vars.ts";
import { Bridge } from "./bridge.ts";
import { Cells } from "./cell.ts";
import { Clock, hidden } from "./clock.ts";
import { Console } from "./console.ts";
import { OF_TOOLS, type ContextSetup, type EntryFacts, type GuestSetup, type LookQuery, type Operation } from "./contract.ts";
import { Contexts, fixed, listFiles, readFile } from "./corpus.ts";
import { isImmediate, named } from "./errors.ts";
import { look } from "./look.ts";
import { apply, create, getOwnPropertyDescriptor, isFiniteNumber, NativePromise, parseJson, slice, stringifyJson } from "./primordials.ts";
import { StackMapper } from "./stack.ts";
import { Timers } from "./timers.ts";
import { optimalWorkers } from "./workers.ts";

/** Steps that `progress` shows in an entry; then each that is a hundredth further: a loop may call it a million times. */
const MAX_PROGRESS = 1_000;
const PROGRESS_GROWTH = 1.01;

type Enter = (kind: string, id: number, text: string, facts: string) => void;

/** `post` is the bridge's callback; `setupJson` a `GuestSetup`. */
export function boot(post: (message: string) => void, setupJson: string): Enter {
  const setup = parseJson(setupJson) as GuestSetup;
  const { limits } = setup;
  let budget: unknown = null;
  /** Uses of `progress` in this entry, and the next one that is shown. */
  let steps = 0;
  let nextShown = 0;

  installWeb();
  const { atob } = globalThis as unknown as { atob: (text: string) => string };
  const clock = new Clock(setup.now, setup.seed);
  clock.install();
  const stacks = new StackMapper(/^cell-\d+$/, atob);
  stacks.install();
  const bridge = new Bridge(post, setup);
  const timers = new Timers(bridge);
  timers.install();
  const console = new Console(bridge, limits.console);
  console.install();
  bridge.beforeCall = () => console.flush();
  const answer = new Answer(bridge, limits);
  const contexts = new Contexts(bridge);
  contexts.install();
  const cells = new Cells({ bridge, console, answer, stacks, limits });
  cells.install();

  const models = new ModelCalls(bridge, contexts, limits.argument);
  const search = new Search(bridge, limits.argument);
  // What stands in every isolate from the start; a session variable of the same name is the session's.
  const builtIns = create(null) as Record<string, true>;
  const isBuiltIn = (name: string): boolean => builtIns[name] === true && getOwnPropertyDescriptor(globalThis, name)?.enumerable !== true;
  const scanners = new Scanners(bridge, ownScanners(setup.tools), limits.argument, rejecting);
  const scan = new Scan(bridge, contexts, scanners, isBuiltIn, limits.argument);

  const llm = (prompt: unknown, options?: unknown): unknown => models.query("llm", prompt, options);
  const rlm = (prompt: unknown, options?: unknown): unknown => models.query("rlm", prompt, options);
  const llmBatch = (prompts: unknown, options?: unknown): unknown => models.batch("llm_batch", prompts, options);
  const rlmBatch = (prompts: unknown, options?: unknown): unknown => models.batch("rlm_batch", prompts, options);
  const searching = (operation: Operation, name: string) => (patterns: unknown, paths?: unknown, options?: unknown) =>
    search.run(operation, name, patterns, paths, options);
  const asynchronous = {
    llm_query: llm,
    llm_batch_query: llmBatch,
    llm_query_batched: llmBatch,
    rlm_query: rlm,
    rlm_batch_query: rlmBatch,
    rlm_query_batched: rlmBatch,
    parallel_scan: (first: unknown, second?: unknown, third?: unknown) => scan.run(first, second, third),
    parallel_rg_search: searching("rg_search", "parallel_rg_search"),
    rg_search: searching("rg_search", "rg_search"),
    rg_files: searching("rg_files", "rg_files"),
    rg_count: searching("rg_count", "rg_count"),
    read_file: (path: unknown, range?: unknown) => readFile(bridge, path, range),
    list_files: (glob?: unknown) => listFiles(bridge, glob),
  };
  for (const [name, work] of Object.entries(asynchronous)) fixed(globalThis, name, rejecting(name, work));
  const functions = {
    get_optimal_workers: (maxLimit?: unknown, minLimit?: unknown) => optimalWorkers(setup, maxLimit, minLimit),
    FINAL: (value: unknown) => answer.final(value),
    FINAL_VAR: (name: unknown) => answer.finalVar(name),
    SHOW_VARS: () => showVars(),
  };
  for (const [name, value] of Object.entries(functions)) fixed(globalThis, name, named(name, value));
  hidden(globalThis, "answer", answer.protocol);
  const everyday = {
    budget: () => budget,
    help: (name?: unknown) => help(name, setup.tools),
    parse_csv: (text: unknown, options?: unknown) => parseCsv(text, options),
    progress: (done: unknown, total?: unknown, text: unknown = "") => {
      if (bridge.hasEnded || ++steps < nextShown) return;
      nextShown = steps < MAX_PROGRESS ? steps + 1 : steps * PROGRESS_GROWTH;
      bridge.post("progress", jsonNumber(done, "0"), jsonNumber(total, "null"), stringifyJson(slice(String(text), 0, 200)));
    },
  };
  for (const [name, value] of Object.entries(everyday)) hidden(globalThis, name, named(name, value));
  hidden(globalThis, "tools", scanners.tools);

  for (const { name } of setup.tools) if (!name.startsWith(OF_TOOLS)) installTool(bridge, name, limits.argument);

  for (const name of Object.getOwnPropertyNames(globalThis)) builtIns[name] = true;

  return function enter(kind, id, text, factsJson) {
    if (kind === "drain") return undefined;
    if (kind === "look") return bridge.post("look", `${id}`, stringifyJson(look(parseJson(text) as LookQuery)));
    const facts = parseJson(factsJson) as EntryFacts;
    clock.advance(facts.now);
    budget = facts.budget;
    steps = 0;
    nextShown = 0;
    if (facts.cancelled !== undefined) bridge.cancel(facts.cancelled);
    if (facts.sequence !== undefined) bridge.countFrom(facts.sequence);
    switch (kind) {
      case "run":
        timers.clear();
        return cells.run(id, text);
      case "settle":
        return bridge.settle(id, text);
      case "timer":
        return timers.fire(id);
      case "context":
        return contexts.add(parseJson(facts.setup ?? "{}") as ContextSetup, text);
    }
  };
}

/** A number as JSON has it, or what stands for one that it has not. */
function jsonNumber(value: unknown, otherwise: string): string {
  return typeof value === "number" && isFiniteNumber(value) ? `${value}` : otherwise;
}

/** A function of the user's own, which the host runs. */
function installTool(bridge: Bridge, name: string, limit: number): void {
  const call = (input: unknown): unknown => bridge.call("tool", argumentJson(`${name}: input`, { name, input: input ?? {} }, limit));
  hidden(globalThis, name, rejecting(name, call));
}

/**
 * An asynchronous function of the prelude: what is wrong with a call is a rejection. Only a limit that is passed, and the end after
 * FINAL, throw at once: a loop that makes a million calls ends at the first one too many.
 */
function rejecting(name: string, work: (...given: never[]) => unknown): object {
  return named(name, (...given: readonly unknown[]) => {
    try {
      return apply(work, undefined, given);
    } catch (error) {
      if (isImmediate(error)) throw error;
      return NativePromise.reject(error);
    }
  });
}

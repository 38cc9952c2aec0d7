// One cell in the guest: its names are made session variables, its function runs, and what became of it is posted. The entry's result
// is never read by anyone, so everything there is to say is said through the bridge.
import type { Answer } from "./answer.ts";
import type { Bridge } from "./bridge.ts";
import type { Console } from "./console.ts";
import { MAX_TOLD_NAME, MAX_TOLD_NAMES, type GuestSetup } from "./contract.ts";
import { normalise } from "./errors.ts";
import { hidden } from "./clock.ts";
import { keepLocals } from "./locals.ts";
import {
  create,
  define,
  exec,
  getOwnPropertyDescriptor,
  globalEval,
  hasOwn,
  keys,
  isReferenceError,
  slice,
  stringifyJson,
} from "./primordials.ts";
import type { StackMapper } from "./stack.ts";
import { encode, encodeError, encodeValue, posted } from "./value.ts";

interface Script {
  readonly names: readonly string[];
  readonly run: () => Promise<unknown>;
}

/** One with closures is given what keeps their locals. */
type Evaluated = Script | ((keep: typeof keepLocals) => Script);

interface Parts {
  readonly bridge: Bridge;
  readonly console: Console;
  readonly answer: Answer;
  readonly stacks: StackMapper;
  readonly limits: GuestSetup["limits"];
}

export class Cells {
  readonly #parts: Parts;
  readonly #out: Record<number, unknown> = create(null) as Record<number, unknown>;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  install(): void {
    hidden(globalThis, "Out", this.#out);
    hidden(globalThis, "_", undefined);
    hidden(globalThis, "_error", undefined);
  }

  /** Runs the script of cell `n`; returns as soon as it waits. */
  run(n: number, script: string): void {
    const { bridge, console, answer, stacks } = this.#parts;
    bridge.startCell();
    console.startCell();
    answer.startCell();
    stacks.add(n, script);
    const before = keys(globalThis);
    let names: readonly string[] = [];
    const drive = async (): Promise<void> => {
      try {
        const evaluated = globalEval(script) as Evaluated;
        const parsed = typeof evaluated === "function" ? evaluated(keepLocals) : evaluated;
        names = parsed.names;
        declare(names);
        const value = await parsed.run();
        answer.readProtocol();
        this.#finished(n, value, { names, before });
      } catch (thrown) {
        try {
          this.#failed(n, hinted(thrown, script), { names, before });
        } catch {
          // A cell replaced what telling an error needs: it ends all the same.
          this.#done(n, "threw", { error: UNTOLD }, { names: [], before });
        }
      }
    };
    void drive();
  }

  #finished(n: number, value: unknown, defined: Defined): void {
    const { answer, limits } = this.#parts;
    const final = answer.value;
    if (final !== undefined) return this.#done(n, "final", {}, defined);
    if (value !== undefined) this.#keep(n, value);
    this.#done(n, "ok", { value: encodeValue(posted(value, limits)) }, defined);
  }

  #keep(n: number, value: unknown): void {
    if (typeof value === "string" && value.length > MAX_KEPT) {
      const text = `this text has ${value.length} characters and is not kept in _ and Out[${n}]: assign it to a variable to keep it`;
      return this.#parts.bridge.note("warning", stringifyJson(text));
    }
    remember("_", value);
    this.#out[n] = value;
  }

  #failed(n: number, thrown: unknown, defined: Defined): void {
    const { answer, limits } = this.#parts;
    if (answer.value !== undefined) return this.#done(n, "final", {}, defined);
    remember("_error", thrown);
    this.#done(n, "threw", { error: encodeError(normalise(thrown, n, limits)) }, defined);
  }

  #done(n: number, outcome: string, raw: Readonly<Record<string, string>>, { names, before }: Defined): void {
    const { bridge, console } = this.#parts;
    console.flush();
    const tail = console.tail;
    bridge.post("done", encode({ cell: n, outcome, tail, console_length: console.length }, { ...raw, vars: definedNames(names, before) }));
  }
}

/** `Out` holds what it got until the session ends: a text longer than this, in UTF-16 units, would take a heap that cells need. */
const MAX_KEPT = 64 * 1024 * 1024;

const UNTOLD = '{"name":"Error","message":"the cell threw, and what it did to the built-ins keeps its error from being told"}';

interface Defined {
  readonly names: readonly string[];
  readonly before: readonly string[];
}

/** Session names are configurable properties, there before the first statement runs, as hoisting would have it. */
function declare(names: readonly string[]): void {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const existing = getOwnPropertyDescriptor(globalThis, name);
    if (existing !== undefined && (existing.configurable !== true || (existing.enumerable === true && existing.writable === true)))
      continue;
    // A built-in, an everyday name of the prelude, or what a cell defined as read-only or with a getter becomes a variable of the
    // session, with its value until the cell sets it.
    define(globalThis, name, existing?.value, { enumerable: true });
  }
}

/** JSON text of the names the cell declared, and of the properties it put on the global object. */
function definedNames(names: readonly string[], before: readonly string[]): string {
  let text = "";
  const known = create(null) as Record<string, true>;
  let told = 0;
  const tell = (name: string): void => {
    known[name] = true;
    if (name.length > MAX_TOLD_NAME || told === MAX_TOLD_NAMES) return;
    told++;
    text += `${text === "" ? "" : ","}${stringifyJson(name)}`;
  };
  for (let i = 0; i < names.length; i++) if (hasOwn(globalThis, names[i] as string)) tell(names[i] as string);
  const now = keys(globalThis);
  if (now.length > before.length) {
    for (let i = 0; i < before.length; i++) known[before[i] as string] = true;
    for (let i = 0; i < now.length; i++) if (known[now[i] as string] === undefined) tell(now[i] as string);
  }
  return `[${text}]`;
}

/** `_` and `_error` are the prelude's until a cell declares them. */
function remember(name: string, value: unknown): void {
  const existing = getOwnPropertyDescriptor(globalThis, name);
  if (existing === undefined || (existing.enumerable === false && existing.configurable === true)) hidden(globalThis, name, value);
}

/** Names of other runtimes, and what a cell has instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  require: "there are no packages in the sandbox; files: read_file, list_files; search: parallel_rg_search; all names: help()",
  process: "the sandbox has no process and no environment; all names: help()",
  fetch: "the sandbox has no network; models: llm_query; files: read_file",
  fs: "files: read_file, list_files",
  Buffer: "use TextEncoder, TextDecoder, atob, btoa and Uint8Array",
  setInterval: "use setTimeout",
};

/** `x = 3` without a declaration, or a name of another runtime: say what to do. */
function hinted(thrown: unknown, script: string): unknown {
  if (!isReferenceError(thrown)) return thrown;
  const name = exec(/^([\p{ID_Start}$_][\p{ID_Continue}$]*) is not defined$/u, slice(thrown.message, 0, 300))?.[1];
  if (name === undefined || hasOwn(globalThis, name)) return thrown;
  const assigns = new RegExp(`(?:^|[^\\w$.])${name.replaceAll("$", "\\$")}\\s*(?:[-+*/%&|^]|\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?)?=(?!=)`).test(
    script,
  );
  const instead = hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
  if (instead !== undefined) thrown.message = `${name} is not defined: ${instead}`;
  else if (assigns) thrown.message = `${name} is not defined; declare it first: let ${name} = …`;
  return thrown;
}

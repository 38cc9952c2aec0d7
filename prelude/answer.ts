// The three ways to end a run with an answer, from executed code only: FINAL, FINAL_VAR, and `answer.ready`. The first one wins.
import type { PostedValue } from "./contract.ts";
import type { Bridge } from "./bridge.ts";
import { badArgument, coded } from "./errors.ts";
import { toJson } from "./json.ts";
import { exec, globalEval, hasOwn, isPromise, NativeReferenceError, NativeTypeError, slice, stringifyJson } from "./primordials.ts";
import { encodeValue, posted } from "./value.ts";

export interface AnswerLimits {
  readonly answer: number;
  readonly value: number;
  readonly preview: number;
  readonly long_preview: number;
}

export class Answer {
  readonly #bridge: Bridge;
  readonly #limits: AnswerLimits;
  /** What FINAL throws: nothing else is it. */
  readonly sentinel: Error = coded("E_FINAL", "FINAL ends the run; code after it does not count");
  readonly #initial = { content: null as unknown, ready: false };
  #value: PostedValue | undefined;
  #wasToldAgain = false;

  constructor(bridge: Bridge, limits: AnswerLimits) {
    this.#bridge = bridge;
    this.#limits = limits;
  }

  startCell(): void {
    this.#value = undefined;
    this.#wasToldAgain = false;
    this.#initial.content = null;
    this.#initial.ready = false;
  }

  /** The answer, once there is one. */
  get value(): PostedValue | undefined {
    return this.#value;
  }

  /** The object behind the global `answer`. */
  get protocol(): object {
    return this.#initial;
  }

  final(value: unknown): never {
    if (this.#value !== undefined) {
      if (!this.#wasToldAgain) this.#bridge.post("warning", '"FINAL was called again; the first answer stands"');
      this.#wasToldAgain = true;
      throw this.sentinel;
    }
    if (isPromise(value)) throw new NativeTypeError("FINAL got a promise; await it first: FINAL(await …)");
    this.#record(value, "FINAL");
    throw this.sentinel;
  }

  finalVar(name: unknown): never {
    if (typeof name !== "string") throw badArgument('FINAL_VAR takes the name of a variable as a string: FINAL_VAR("result")');
    const found = slice(name, 0, 200);
    if (exec(/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u, found) === null || (!hasOwn(globalThis, found) && !isKnown(found))) {
      throw new NativeReferenceError(`FINAL_VAR: there is no variable ${stringifyJson(found)}${near(found)}`);
    }
    return this.final((globalThis as Record<string, unknown>)[found]);
  }

  /** At the end of a cell: `answer.ready = true` makes `content` the answer. */
  readProtocol(): void {
    if (this.#value !== undefined || !this.#initial.ready) return;
    if ((globalThis as Record<string, unknown>)["answer"] !== this.#initial) return;
    this.#record(this.#initial.content, "answer.content");
  }

  #record(value: unknown, what: string): void {
    const json = toJson(value, { dropUndefined: false, limit: this.#limits.answer });
    if (typeof json !== "string") {
      if (json.isTooLarge)
        throw coded(
          "E_TOO_LARGE",
          `${what}: the answer ${json.reason}; the limit is ${this.#limits.answer}: answer with less (E_TOO_LARGE)`,
        );
      throw new NativeTypeError(`${what}: ${json.path === "" ? "the value" : json.path} ${json.reason}, which JSON cannot keep`);
    }
    const final = { ...posted(value, { ...this.#limits, value: 0 }), json };
    this.#bridge.post("final", encodeValue(final));
    // Only now: what is posted may have been more than the stack had left.
    this.#value = final;
    this.#bridge.end(this.sentinel);
  }
}

function isKnown(name: string): boolean {
  try {
    return globalEval(`typeof ${name}`) !== "undefined";
  } catch {
    return false;
  }
}

/** Session variables whose names are like the one asked for. */
function near(name: string): string {
  try {
    return nearest(name);
  } catch {
    return "; SHOW_VARS() lists what there is";
  }
}

function nearest(name: string): string {
  const wanted = name.toLowerCase();
  const names = Object.keys(globalThis).filter((other) => distance(wanted, other.toLowerCase()) <= Math.max(2, wanted.length / 3));
  return names.length === 0 ? "; SHOW_VARS() lists what there is" : `; did you mean ${names.slice(0, 5).join(", ")}?`;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length] ?? 0;
}

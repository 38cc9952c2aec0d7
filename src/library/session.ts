// A session as a program holds it. The command line, the prompt and the loop's `ask` are users of this, and know nothing below it.
import type { Limits } from "../../sandbox/limits.ts";
import type { SessionState } from "../../sandbox/outcome.ts";
import { HostError } from "../errors.ts";
import type { ChosenModels } from "../llm/choose.ts";
import type { ModelChoice } from "../llm/function-model.ts";
import type { ValueSchema } from "../llm/value-schema.ts";
import { askIn } from "../loop/ask.ts";
import type { BudgetLimits } from "../pool/caps.ts";
import type { Usage } from "../pool/usage.ts";
import type { ContextInput } from "../workspace/context-input.ts";
import type { EarlierCell } from "../session/earlier.ts";
import { replaceContexts, type Opened } from "../session/open.ts";
import type { Variable } from "../session/variable.ts";
import { variablesOf } from "../session/variables.ts";
import { askResult, type AskResult } from "./ask-result.ts";
import type { EventStream, SessionEvent } from "./events.ts";
import { cellResult, type CellResult } from "./result.ts";

export interface RunOptions {
  /** Interrupts the cell; what it assigned before stays. */
  readonly signal?: AbortSignal;
}

/** Bounds of one question, within those of its session. */
export interface AskBounds {
  /** USD. Default 1, unless the session has a bound of its own. */
  readonly maxCost?: number;
  /** Default 500, unless the session has a bound of its own. */
  readonly maxCalls?: number;
  /** Prompts and replies of all calls together. */
  readonly maxTokens?: number;
  /** Seconds. */
  readonly maxTime?: number;
  /** Turns of the root model, the forced last one not counted. Default 20. */
  readonly maxIterations?: number;
}

export interface SessionAskOptions extends AskBounds {
  /** What the answer must be: a JSON Schema, or a schema of Zod 4.2 and the like. What does not fit goes back to the model. */
  readonly answerSchema?: ValueSchema;
  readonly signal?: AbortSignal;
}

/** A context of the session. `size` in bytes. */
export interface ContextInfo {
  readonly name: string;
  readonly kind: "text" | "json" | "jsonl" | "corpus";
  readonly size: number;
  /** Of a corpus. */
  readonly files?: number;
}

/** `interrupt` ends the cell; what it assigned before stays. */
export interface ResumedCell {
  readonly cell: number;
  readonly source: string;
  /** Rejects as `run` does. */
  readonly result: Promise<CellResult>;
  readonly interrupt: () => void;
}

export interface ModelNames {
  readonly root: string;
  readonly sub: string;
  readonly isPriced: boolean;
}

/** What may be spent; null: no bound. */
export interface Bounds {
  readonly usd: number | null;
  readonly calls: number | null;
  readonly tokens: number | null;
  readonly seconds: number | null;
}

export interface SessionDefaults {
  /** Of a question that names none: none where the session has some of its own. */
  readonly bounds: BudgetLimits;
  readonly maxIterations: number;
  readonly answerSchema?: ValueSchema | undefined;
  readonly isDirect: boolean;
  /** Where somebody said. */
  readonly givenIterations?: number | undefined;
  readonly limits: Limits;
}

/** Cells run one after another. Owns every process and file of the session; `close`, or `await using`, ends them. */
export class ReplSession implements AsyncDisposable {
  readonly #opened: Opened;
  readonly #events: EventStream;
  readonly #defaults: SessionDefaults;

  /** @internal A program has sessions by `openSession`; what they stand on is none of the declarations it reads. */
  constructor(opened: Opened, events: EventStream, defaults: SessionDefaults) {
    this.#opened = opened;
    this.#events = events;
    this.#defaults = defaults;
  }

  get id(): string {
    return this.#opened.session.id;
  }

  /** What happens from the moment one begins to listen, until the session is closed. */
  get events(): AsyncIterable<SessionEvent> {
    return this.#events;
  }

  /** Model calls of the session so far. */
  get usage(): Usage {
    return this.#opened.budget.ledger.total;
  }

  get limits(): Limits {
    return this.#defaults.limits;
  }

  /** What is left of the session's own bounds; null: no bound. */
  get left(): Bounds {
    const { left, secondsLeft } = this.#opened.budget;
    return { ...left, seconds: secondsLeft };
  }

  get contexts(): readonly ContextInfo[] {
    return this.#opened.data.contexts.map((context) => ({
      name: context.name,
      kind: context.kind,
      size: context.size,
      ...(context.kind === "corpus" ? { files: context.corpus.files.length } : {}),
    }));
  }

  /** Runs one cell after those before it. What becomes of it is data; rejects only when the session cannot run at all (E_CLOSED, E_RESTART_LIMIT, …). */
  async run(code: string, options: RunOptions = {}): Promise<CellResult> {
    return cellResult(await this.#opened.session.run(code, options));
  }

  /**
   * Runs the loop in this very session: its cells see the variables and leave theirs. The question that was asked last and has no answer
   * yet goes on where it stood. Rejects where there is no model (E_NO_MODEL).
   */
  async ask(question: string, options: SessionAskOptions = {}): Promise<AskResult> {
    if (question.trim() === "") throw new HostError("E_USAGE", "the question is empty");
    return await this.#ask(question, options);
  }

  /** Goes on with the question that was asked last; one that has its answer gives it again. Rejects as `ask` does, and with E_USAGE where there is none. */
  async resumeAsk(options: SessionAskOptions = {}): Promise<AskResult> {
    return await this.#ask(undefined, options);
  }

  /** What a question may spend, where it does not say; null: no bound of its own. */
  get askBounds(): Bounds {
    const { maxUsd, maxCalls, maxTokens, maxSeconds } = this.#defaults.bounds;
    return { usd: maxUsd, calls: maxCalls, tokens: maxTokens, seconds: maxSeconds };
  }

  async #ask(question: string | undefined, options: SessionAskOptions): Promise<AskResult> {
    const { maxIterations, signal } = options;
    const { bounds: none } = this.#defaults;
    const bounds: BudgetLimits = {
      maxUsd: options.maxCost ?? none.maxUsd,
      maxCalls: options.maxCalls ?? none.maxCalls,
      maxTokens: options.maxTokens ?? none.maxTokens,
      maxSeconds: options.maxTime ?? none.maxSeconds,
    };
    const asked = await askIn(this.#opened, {
      question,
      maxIterations: maxIterations ?? this.#defaults.givenIterations,
      defaultIterations: this.#defaults.maxIterations,
      modelCallMs: this.#defaults.limits.modelCallMs,
      bound: (spent) => this.#opened.budget.narrow(bounds, spent),
      signal: signal ?? new AbortController().signal,
      answerSchema: options.answerSchema ?? this.#defaults.answerSchema,
      isDirect: this.#defaults.isDirect,
    });
    return askResult(asked, this.id);
  }

  /** Other contexts in place of those there are; none for no argument. Resolves to `lost` when the sandbox had to be replaced for them. */
  async setContext(...contexts: readonly ContextInput[]): Promise<SessionState | undefined> {
    return await replaceContexts(this.#opened, { inputs: contexts });
  }

  /** Other models from the next call on. Rejects, and keeps those there were, when they cannot be had. */
  async setModel(model: ModelChoice, subModel?: ModelChoice): Promise<ModelNames> {
    const names = namesOf(await this.#opened.models.choose({ model, ...(subModel === undefined ? {} : { subModel }) }));
    // A program's own model has nothing that tells it apart from another of its name.
    if (typeof model !== "string" || (subModel !== undefined && typeof subModel !== "string")) this.#opened.memo.clear();
    return names;
  }

  /** The models of the session; `isPriced`: money bounds both. Rejects with E_NO_MODEL. */
  async models(): Promise<ModelNames> {
    return namesOf(await this.#opened.models.chosen());
  }

  /** The session's variables. No getter runs for it. */
  async vars(): Promise<Variable[]> {
    return await variablesOf(this.#opened.session);
  }

  /** Names to complete: those of the global scope, or the members of what a path of names leads to. No getter runs for it. */
  async members(path: readonly string[]): Promise<string[]> {
    const found = await this.#opened.session.look({ what: "members", path });
    return Array.isArray(found) ? found.filter((name) => typeof name === "string") : [];
  }

  /** Takes the last cell back; resolves to its number, undefined when there is none. */
  async undo(): Promise<number | undefined> {
    return await this.#opened.session.undo();
  }

  /**
   * Copies the session, as it stands or as it was after a cell, and resolves to the id of the copy, which `openSession({ resume: id })` goes
   * on with. Rejects with E_STATE where the session is not kept, E_USAGE for a cell it does not have.
   */
  async fork(cell?: number): Promise<string> {
    return await this.#opened.fork(cell);
  }

  /**
   * The cell that was running when the process ended which had this session before: it goes on here, and cells that are run wait for it.
   * Undefined: none was.
   */
  get resumedCell(): ResumedCell | undefined {
    const resumed = this.#opened.session.resumedCell;
    if (resumed === undefined) return undefined;
    const { cell, source, outcome } = resumed;
    return { cell, source, result: outcome.then(cellResult), interrupt: () => this.#opened.session.interrupt() };
  }

  /** The cells that a session which goes on had, in order. */
  get earlier(): readonly EarlierCell[] {
    return this.#opened.earlier;
  }

  async close(): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
    this.#events.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function namesOf({ model, subModel }: ChosenModels): ModelNames {
  return { root: model.id, sub: subModel.id, isPriced: model.price !== undefined && subModel.price !== undefined };
}

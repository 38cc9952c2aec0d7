// The guest's end of the bridge. Only strings cross, through one callback that no cell can reach; what may cross is counted here,
// before it does: the callback queues without end otherwise, past every time limit.
import { MAX_NOTES, type GuestSetup, type Operation, type Settlement } from "./contract.ts";
import { CallSite, coded } from "./errors.ts";
import { apply, concat, create, isError, NativePromise, parseJson, stringifyJson } from "./primordials.ts";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly site: CallSite;
  readonly size: number;
  readonly receive: ((value: unknown) => unknown) | undefined;
}

export interface CallOptions {
  /** Turns the answer into what the cell gets. */
  readonly receive?: (value: unknown) => unknown;
}

export class Bridge {
  readonly #post: (message: string) => void;
  readonly #limits: GuestSetup["limits"];
  readonly #pending = dictionary<Pending>();
  #sequence = 0;
  #inFlight = 0;
  #argumentsInFlight = 0;
  #callsOfCell = 0;
  #notesOfCell = 0;
  /** Runs before a call is posted: what was said before it goes before it. */
  beforeCall: () => void = () => undefined;
  /** Thrown by every host call once FINAL was called. */
  #ended: unknown;

  constructor(post: (message: string) => void, { limits }: GuestSetup) {
    this.#post = post;
    this.#limits = limits;
  }

  startCell(): void {
    this.#callsOfCell = 0;
    this.#notesOfCell = 0;
    this.#ended = undefined;
  }

  countFrom(sequence: number): void {
    this.#sequence = sequence;
  }

  end(sentinel: unknown): void {
    this.#ended = sentinel;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Posts a message whose parts are JSON texts already: no guest's `toJSON` or setter is on the way. */
  post(kind: string, ...parts: readonly string[]): void {
    let text = `["${kind}"`;
    for (let i = 0; i < parts.length; i++) text += `,${parts[i]}`;
    this.#post(`${text}]`);
  }

  /** Posts what only tells something. */
  note(kind: "progress" | "time" | "warning", ...parts: readonly string[]): void {
    if (this.#notesOfCell++ < MAX_NOTES) apply(this.post, this, concat<string>([kind], parts));
  }

  /** A host call that is answered by `settle`. Throws in the cell, before anything crosses, when a limit is passed. */
  call(operation: Operation, argumentsJson: string, options: CallOptions = {}): Promise<unknown> {
    const site = new CallSite();
    let settlers: Pick<Pending, "resolve" | "reject"> | undefined;
    const promise = new NativePromise<unknown>((resolve, reject) => {
      settlers = { resolve, reject };
    });
    const id = this.send(operation, argumentsJson);
    // No function is called from here: neither the stack's end nor the slice's comes between the post and its account.
    if (settlers !== undefined) {
      const { resolve, reject } = settlers;
      this.#pending[id] = { resolve, reject, site, size: argumentsJson.length, receive: options.receive };
      this.#inFlight++;
      this.#argumentsInFlight += argumentsJson.length;
    }
    return promise;
  }

  /** Counts and posts a call; returns its number. */
  send(operation: Operation, argumentsJson: string): number {
    if (this.#ended !== undefined) throw this.#ended;
    const { calls_in_flight, calls_per_cell, argument, arguments_in_flight } = this.#limits;
    if (argumentsJson.length > argument) {
      throw coded(
        "E_TOO_LARGE",
        `the arguments of this call are ${argumentsJson.length} characters, the limit is ${argument}: pass less at a time (E_TOO_LARGE)`,
      );
    }
    if (this.#inFlight >= calls_in_flight) throw tooMany(`${calls_in_flight} host calls are in flight: await some of them first`);
    if (this.#callsOfCell >= calls_per_cell) throw tooMany(`this cell has made ${calls_per_cell} host calls: go on in another cell`);
    if (this.#argumentsInFlight + argumentsJson.length > arguments_in_flight) {
      throw coded(
        "E_TOO_LARGE",
        `the arguments of all calls in flight would pass ${arguments_in_flight} characters: await some of them first (E_TOO_LARGE)`,
      );
    }
    this.beforeCall();
    const id = this.#sequence + 1;
    // It may be the stack's last frame: counted only once it has crossed, or a number would be missing for ever.
    this.post("call", `${id}`, stringifyJson(operation), argumentsJson);
    this.#sequence = id;
    this.#callsOfCell++;
    return id;
  }

  /** The host's answer. An unknown number is ignored: its call was cancelled. */
  settle(id: number, settlementJson: string): void {
    const pending = this.#pending[id];
    if (pending === undefined) return;
    this.#forget(id, pending);
    const settlement = parseJson(settlementJson) as Settlement;
    if (!settlement.ok) {
      pending.reject(pending.site.mark(coded(settlement.error.code, settlement.error.message)));
      return;
    }
    try {
      pending.resolve(pending.receive === undefined ? settlement.value : pending.receive(settlement.value));
    } catch (error) {
      pending.reject(isError(error) ? pending.site.mark(error) : coded("E_DEFECT", "the answer could not be read"));
    }
  }

  /** Drops calls that will never be answered, because their cell ended before them. */
  cancel(ids: readonly number[]): void {
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      const pending = this.#pending[id];
      if (pending !== undefined) this.#forget(id, pending);
    }
  }

  #forget(id: number, pending: Pending): void {
    delete this.#pending[id];
    this.#inFlight--;
    this.#argumentsInFlight -= pending.size;
  }
}

function tooMany(message: string): Error {
  return coded("E_TOO_MANY_CALLS", `${message} (E_TOO_MANY_CALLS)`);
}

/** A dictionary without a prototype: nothing of the guest's is ever looked up in it. */
function dictionary<T>(): Record<number, T> {
  return create(null) as Record<number, T>;
}

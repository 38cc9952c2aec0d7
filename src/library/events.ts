// Events of a session for whoever listens: each listener gets all that happens from the moment it began to listen, in order.
import type { RunEvent } from "../events.ts";
import { cellResult, type CellResult } from "./result.ts";

export type SessionEvent =
  | Exclude<RunEvent, { type: "cell_end" | "child" }>
  | { readonly type: "cell_end"; readonly result: CellResult }
  /** What happens in a child of `rlm_query`, and in its children; `session` is its id, `depth` 1 or more. */
  | { readonly type: "child"; readonly session: string; readonly depth: number; readonly event: SessionEvent };

export function sessionEvent(event: RunEvent): SessionEvent {
  if (event.type === "child") return { ...event, event: sessionEvent(event.event) };
  return event.type === "cell_end" ? { type: "cell_end", result: cellResult(event.outcome) } : event;
}

export class EventStream implements AsyncIterable<SessionEvent> {
  readonly #listeners = new Set<(event: SessionEvent | undefined) => void>();
  #ended = false;

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  emit(event: SessionEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Listeners get what they have not read yet, and then their end. */
  end(): void {
    this.#ended = true;
    for (const listener of this.#listeners) listener(undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<SessionEvent> {
    const waiting: SessionEvent[] = [];
    const heard = { ended: this.#ended };
    let wake: (() => void) | undefined;
    const listener = (event: SessionEvent | undefined): void => {
      if (event === undefined) heard.ended = true;
      else waiting.push(event);
      wake?.();
    };
    const leave = (): void => void this.#listeners.delete(listener);
    this.#listeners.add(listener);
    return {
      async next() {
        while (waiting.length === 0 && !heard.ended) await new Promise<void>((resolve) => (wake = resolve));
        const value = waiting.shift();
        if (value !== undefined) return { done: false, value };
        leave();
        return { done: true, value: undefined };
      },
      return() {
        leave();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

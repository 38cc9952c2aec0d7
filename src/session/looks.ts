// Questions of a person's prompt that the guest answers without a cell. Each is answered once, with nothing when the guest has none to
// give: it is gone, or its code did not stop.
import type { LookQuery } from "../../prelude/contract.ts";
import type { Look } from "./entries.ts";

export class Looks {
  readonly #open = new Map<number, (json: string | undefined) => void>();
  #count = 0;

  /** Asks by `enter`; resolves to what JSON text says. */
  async ask(query: LookQuery, enter: (look: Look) => void): Promise<unknown> {
    const id = ++this.#count;
    const json = await new Promise<string | undefined>((resolve) => {
      this.#open.set(id, resolve);
      enter({ kind: "look", id, text: JSON.stringify(query) });
    });
    return json === undefined ? undefined : (JSON.parse(json) as unknown);
  }

  answer(id: number, json: string | undefined): void {
    this.#open.get(id)?.(json);
    this.#open.delete(id);
  }

  answerAll(): void {
    for (const id of this.#open.keys()) this.answer(id, undefined);
  }
}

// The models of a session: chosen when the first call needs them, told once, held to the budget from then on.
import type { Models } from "../calls/llm.ts";
import type { EventSink } from "../events.ts";
import { chooseModels, describeChoice, type ChooseOptions, type ChosenModels } from "../llm/choose.ts";
import { readPrices } from "../llm/prices.ts";
import { requirePrices } from "../pool/cost.ts";

export interface ModelOptions extends Pick<
  ChooseOptions,
  "model" | "modelSource" | "subModel" | "subModelSource" | "keyFrom" | "localOnly"
> {
  readonly pricesFile?: string | undefined;
  /** `--max-cost` as it was given, where it was: a model of unknown price cannot keep it. */
  readonly maxCostGiven?: string | undefined;
  readonly maxCalls: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderrIsTerminal: boolean;
  readonly emit: EventSink;
}

export class SessionModels implements Models {
  #options: ModelOptions;
  #chosen: Promise<ChosenModels> | undefined;

  /** `chosen`: a child's, by its parent. */
  constructor(options: ModelOptions, chosen?: ChosenModels) {
    this.#options = options;
    this.#chosen = chosen === undefined ? undefined : Promise.resolve(chosen);
  }

  chosen(): Promise<ChosenModels> {
    this.#chosen ??= this.#choose();
    return this.#chosen;
  }

  /** Other models from the next call on. Rejects, and keeps those there were, when they cannot be had. */
  async choose(choice: Pick<ModelOptions, "model" | "subModel" | "keyFrom">): Promise<ChosenModels> {
    const before = this.#options;
    this.#options = { ...before, modelSource: undefined, subModelSource: undefined, subModel: undefined, ...choice };
    try {
      const chosen = await this.#choose();
      this.#chosen = Promise.resolve(chosen);
      return chosen;
    } catch (error) {
      this.#options = before;
      throw error;
    }
  }

  async #choose(): Promise<ChosenModels> {
    const { pricesFile, maxCostGiven, maxCalls, emit, ...choice } = this.#options;
    const prices = pricesFile === undefined ? undefined : await readPrices(pricesFile);
    const chosen = await chooseModels({ ...choice, ...(prices === undefined ? {} : { prices }) });
    const both = [chosen.model, chosen.subModel];
    if (maxCostGiven !== undefined) requirePrices(both, maxCostGiven);
    emit({ type: "notice", text: describeChoice(chosen) });
    const unpriced = both.find(({ price }) => price === undefined);
    if (unpriced !== undefined) {
      const bound = maxCalls === null ? "neither money nor calls are bounded" : `only --max-calls (${maxCalls}) binds`;
      emit({ type: "notice", text: `the price of ${unpriced.id} is unknown: ${bound}; --prices FILE gives it` });
    }
    return chosen;
  }
}

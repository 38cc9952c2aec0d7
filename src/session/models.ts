// The models of a session: chosen when the first call needs them, told once, held to the budget from then on.
import type { Models } from "../calls/llm.ts";
import type { EventSink } from "../events.ts";
import { chooseModels, describeChoice, type ChosenModels } from "../llm/choose.ts";
import { readPrices } from "../llm/prices.ts";
import { requirePrices } from "../pool/budget.ts";

export interface ModelOptions {
  readonly model?: string | undefined;
  readonly subModel?: string | undefined;
  readonly pricesFile?: string | undefined;
  /** `--max-cost` as it was given, where it was: a model of unknown price cannot keep it. */
  readonly maxCostGiven?: string | undefined;
  readonly maxCalls: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderrIsTerminal: boolean;
  readonly emit: EventSink;
}

export class SessionModels implements Models {
  readonly #options: ModelOptions;
  #chosen: Promise<ChosenModels> | undefined;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  chosen(): Promise<ChosenModels> {
    this.#chosen ??= this.#choose();
    return this.#chosen;
  }

  async #choose(): Promise<ChosenModels> {
    const { model, subModel, pricesFile, maxCostGiven, maxCalls, env, stderrIsTerminal, emit } = this.#options;
    const prices = pricesFile === undefined ? undefined : await readPrices(pricesFile);
    const chosen = await chooseModels({ model, subModel, env, stderrIsTerminal, ...(prices === undefined ? {} : { prices }) });
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

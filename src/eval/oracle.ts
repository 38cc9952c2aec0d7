// A model without weights that plays both sides: as sub-model it labels right with a given chance, as root it follows a policy that was
// written beforehand. Everything it does is decided by its seed. Its figures say what the loop does with such a model, nothing of real ones.
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "../llm/model.ts";
import { estimateTokens, requestText } from "../llm/tokens.ts";
import { replyOf, type Policy } from "./policies.ts";
import { chanceOf } from "./random.ts";
import type { Task } from "./task.ts";

export interface OracleOptions {
  readonly task: Task;
  readonly policy: Policy;
  readonly seed: string;
  /** Chance that a label is right. */
  readonly accuracy: number;
  readonly latencyMs: number;
  /** Chance that a call fails with a server's error, which is tried again. */
  readonly faults: number;
}

/** Of a model that reads all at once and counts in its head: beyond so many items it guesses. */
const COUNTED_BY_HEAD = 30;
const WINDOW = 128_000;

export class Oracle implements Model {
  readonly id = "oracle";
  readonly name = "oracle";
  readonly window = WINDOW;
  /** As a mid-sized model of 2026. */
  readonly price = { input: 1, output: 5, cachedInput: 0.1 };
  readonly endpoint = undefined;
  readonly #options: OracleOptions;
  #calls = 0;
  /** Of the root's conversation: its next request reads this much from a cache. */
  #cached = 0;

  constructor(options: OracleOptions) {
    this.#options = options;
  }

  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    const { seed, latencyMs, faults } = this.#options;
    const call = this.#calls++;
    if (latencyMs > 0) await sleep(latencyMs * (0.5 + chanceOf(seed, "latency", String(call))), undefined, { signal });
    signal.throwIfAborted();
    if (chanceOf(seed, "fault", String(call)) < faults)
      throw new HostError("E_LLM_SERVER", "the oracle's server failed, as its fault rate has it", {
        data: { retryable: true, retry_after_ms: 1 },
      });
    const text = this.#reply(request);
    const input = requestText(request).reduce((sum, each) => sum + estimateTokens(each), 0);
    const cached = request.purpose === "root" ? Math.min(this.#cached, input) : 0;
    if (request.purpose === "root") this.#cached = input;
    return { text, stop: "end", usage: { inputTokens: input, outputTokens: estimateTokens(text), cachedInputTokens: cached } };
  }

  #reply(request: ModelRequest): string {
    const [first] = request.turns;
    if (request.repl === true)
      return replyOf(this.#options.policy, this.#options.task, request.turns.filter(({ role }) => role === "assistant").length);
    return this.#labelled(first?.text ?? "") ?? this.#direct();
  }

  /** One line for each numbered item it knows. */
  #labelled(prompt: string): string | undefined {
    const lines = [...prompt.matchAll(/^(\d+): (.*)$/gm)].map(([, n = "", text = ""]) => {
      const label = this.#label(text);
      return label === undefined ? [] : [`${n}: ${label}`];
    });
    return lines.flat().length === 0 ? undefined : lines.flat().join("\n");
  }

  #label(text: string): string | undefined {
    const { task, seed, accuracy } = this.#options;
    const gold = task.labels.get(text);
    if (gold === undefined || chanceOf(seed, "label", text) < accuracy) return gold;
    const others = task.allLabels.filter((label) => label !== gold);
    return others[Math.floor(chanceOf(seed, "other", text) * others.length)];
  }

  /** All of it in one prompt: what is found is right, what is counted is right up to a point. */
  #direct(): string {
    const { task, seed } = this.#options;
    const { gold, kind } = task;
    if (kind === "s-niah" || kind === "codeqa") return typeof gold === "string" ? gold : JSON.stringify(gold);
    const items = task.labels.size;
    if (items <= COUNTED_BY_HEAD) return JSON.stringify(gold);
    if (typeof gold === "number") return String(Math.round(gold * (0.6 + 0.8 * chanceOf(seed, "count"))));
    return JSON.stringify(Array.isArray(gold) ? gold.filter((_, i) => chanceOf(seed, "pair", String(i)) < 0.3) : gold);
  }
}

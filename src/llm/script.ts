// `script:FILE`, a model whose replies were written beforehand, for tests and examples (`script-format.ts` has the format). It runs in
// this process, costs nothing, and its usage is an estimate.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "./model.ts";
import { loadScript } from "./script-file.ts";
import type { Script, ScriptData, ScriptError, ScriptReply, ScriptRule } from "./script-format.ts";
import { matcher } from "./script-match.ts";
import { estimateTokens, requestText } from "./tokens.ts";

const FREE = { input: 0, output: 0 };
const SHOWN_OF_REQUEST = 120;

/** Loads the file now, so that what is wrong with it is said at the start. Throws E_USAGE. */
export async function openScript(file: string): Promise<ScriptModel> {
  const script = await loadScript(file);
  const identity = typeof script === "function" ? undefined : createHash("sha256").update(JSON.stringify(script)).digest("hex");
  return new ScriptModel(`script:${file}`, file, script, identity);
}

export class ScriptModel implements Model {
  readonly id: string;
  readonly name: string;
  readonly window = undefined;
  readonly price = FREE;
  readonly endpoint = undefined;
  readonly identity: string | undefined;
  readonly #script: Script;
  readonly #uses = new Map<ScriptRule, number>();
  #nextRoot = 0;
  #calls = 0;

  constructor(id: string, name: string, script: Script, identity?: string) {
    this.id = id;
    this.identity = identity;
    this.name = name;
    this.#script = script;
  }

  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    signal.throwIfAborted();
    const reply = typeof this.#script === "function" ? await this.#script(request) : await this.#play(this.#script, request, signal);
    const { text = "", code } = typeof reply === "string" ? { text: reply } : reply;
    this.#calls++;
    return {
      text,
      ...(code === undefined ? {} : { call: { id: `script_${this.#calls}`, code } }),
      stop: code === undefined ? "end" : "tool",
      usage: {
        inputTokens: requestText(request).reduce((sum, part) => sum + estimateTokens(part), 0),
        outputTokens: estimateTokens(text + (code ?? "")),
        cachedInputTokens: 0,
      },
    };
  }

  async #play(script: ScriptData, request: ModelRequest, signal: AbortSignal): Promise<ScriptReply> {
    // A run that goes on in another process begins in the middle.
    const replied = request.turns.filter(({ role }) => role === "assistant").length;
    const next = Math.max(this.#nextRoot, replied);
    const listed = request.purpose === "root" ? script.root?.[next] : undefined;
    if (listed !== undefined) {
      this.#nextRoot = next + 1;
      return listed;
    }
    const rule = script.rules?.find((candidate) => this.#fits(candidate, request));
    if (rule === undefined) return fallback(script, request);
    this.#uses.set(rule, (this.#uses.get(rule) ?? 0) + 1);
    if (rule.delay_ms !== undefined) await pause(rule.delay_ms, signal);
    if (rule.error !== undefined) throw scripted(rule.error);
    return rule.reply ?? "";
  }

  #fits(rule: ScriptRule, request: ModelRequest): boolean {
    if ((rule.purpose ?? "sub") !== request.purpose) return false;
    if (rule.times !== undefined && (this.#uses.get(rule) ?? 0) >= rule.times) return false;
    return rule.match === undefined || matcher(rule.match)(lastText(request));
  }
}

function fallback(script: ScriptData, request: ModelRequest): ScriptReply {
  if (request.purpose === "sub" && script.default !== undefined) return script.default;
  const shown = JSON.stringify(lastText(request).slice(0, SHOWN_OF_REQUEST));
  throw new HostError(
    "E_LLM_SCRIPT",
    `the script has no reply for the ${request.purpose} request that begins ${shown}; add one to ${request.purpose === "root" ? '"root"' : '"rules"'}`,
    {
      data: { retryable: false },
    },
  );
}

function lastText(request: ModelRequest): string {
  return request.turns.at(-1)?.text ?? "";
}

function scripted({ code, message = "the script says so", retryable = false, retry_after_ms: after }: ScriptError): HostError {
  return new HostError(code, message, { data: { retryable, ...(after === undefined ? {} : { retry_after_ms: after }) } });
}

/** Rejects with the signal's own reason. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

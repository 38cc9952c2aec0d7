// rlm_query at the depth limit, where this version always is: an llm_query with the text of its context after the prompt, said so.
import { fields, optionalNumber, text, type Fields } from "./arguments.ts";
import { askAll, askOne, pick, promptsOf, request, type LlmOptions } from "./llm.ts";
import type { CallContext, Handler } from "./types.ts";

export function rlm(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("rlm_query", args);
    checkShares("rlm_query", given);
    const model = await pick(options.models, given);
    say(call, "rlm_query");
    return await askOne(
      options,
      model,
      request("rlm_query", model, withContext(text("rlm_query: prompt", given["prompt"]), given), given),
      given,
      call,
    );
  };
}

export function rlmBatch(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("rlm_batch_query", args);
    checkShares("rlm_batch_query", given);
    const prompts = promptsOf("rlm_batch_query", given);
    const model = await pick(options.models, given);
    say(call, "rlm_batch_query");
    return await askAll(
      options,
      model,
      prompts.map((prompt) => request("rlm_batch_query", model, withContext(prompt, given), given)),
      given,
      call,
    );
  };
}

function say(call: CallContext, name: string): void {
  call.warn(`${name} ran as ${name.replace("rlm", "llm")}: this session is at the depth limit, children have no sandbox of their own`);
}

/** Checked though no child spends them here: what is wrong now would be wrong with a child. */
function checkShares(name: string, given: Fields): void {
  optionalNumber(`${name}: budget`, given["budget"], { min: 0, max: 1 });
  optionalNumber(`${name}: max_iterations`, given["max_iterations"], { min: 1, max: 1_000, whole: true });
}

function withContext(prompt: string, given: Fields): string {
  const { context } = given;
  if (context === undefined || context === null) return prompt;
  return `${prompt}\n\n${typeof context === "string" ? context : JSON.stringify(context, null, 1)}`;
}

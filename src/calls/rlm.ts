// rlm_query at the depth limit, where this version always is: an llm_query with the text of its context after the prompt, said so.
import { bad, fields, text, type Fields } from "./arguments.ts";
import { ask, askAll, pick, promptsOf, request, type LlmOptions } from "./llm.ts";
import type { CallContext, Handler } from "./types.ts";

export function rlm(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("rlm_query", args);
    const model = await pick(options.models, given);
    say(call, "rlm_query");
    return await ask(
      options,
      model,
      request("rlm_query", model, withContext(text("rlm_query: prompt", given["prompt"]), given), given),
      call,
    );
  };
}

export function rlmBatch(options: LlmOptions): Handler {
  return async (args, call) => {
    const given = fields("rlm_batch_query", args);
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

function withContext(prompt: string, given: Fields): string {
  const { context } = given;
  if (context === undefined || context === null) return prompt;
  if (typeof context === "function") throw bad("rlm_query: context is a function");
  return `${prompt}\n\n${typeof context === "string" ? context : JSON.stringify(context, null, 1)}`;
}

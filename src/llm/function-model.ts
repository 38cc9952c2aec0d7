// One function as a model: the whole request as one prompt, its reply as text. For programs that have a model of their own.
import type { Model, ModelReply, ModelRequest, Turn } from "./model.ts";
import { withSchemaInstruction } from "./schema-instruction.ts";
import { estimateTokens, requestText } from "./tokens.ts";

/** Gets everything the model should read as one text. `signal` fires when the call is cancelled. */
export type Complete = (prompt: string, options: { readonly signal: AbortSignal }) => Promise<string>;

/** A model as a program may give it: its name, an object of the interface, or one function from prompt to reply. */
export type ModelChoice = string | Model | Complete;

/** Its price is unknown, so money does not bound it; its tokens are estimates. */
export class FunctionModel implements Model {
  readonly id: string;
  readonly name: string;
  readonly window = undefined;
  readonly price = undefined;
  readonly endpoint = undefined;
  readonly #complete: Complete;

  constructor(complete: Complete) {
    this.#complete = complete;
    this.name = complete.name === "" ? "anonymous" : complete.name;
    this.id = `function:${this.name}`;
  }

  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    signal.throwIfAborted();
    const text = await this.#complete(promptOf(request), { signal });
    const inputTokens = requestText(request).reduce((sum, part) => sum + estimateTokens(part), 0);
    return { text, stop: "end", usage: { inputTokens, outputTokens: estimateTokens(text), cachedInputTokens: 0 } };
  }
}

/** A single question stays as it is; a conversation is told turn by turn. */
function promptOf({ system, turns, schema }: ModelRequest): string {
  const [only] = turns;
  const asked = turns.length === 1 && only !== undefined ? only.text : turns.map(spoken).join("\n\n");
  const instructions = schema === undefined ? system : withSchemaInstruction(system, schema);
  return instructions === undefined ? asked : `${instructions}\n\n${asked}`;
}

function spoken(turn: Turn): string {
  switch (turn.role) {
    case "user":
      return `[user]\n${turn.text}`;
    case "assistant":
      return `[you]\n${turn.text}${turn.call === undefined ? "" : `\n\`\`\`repl\n${turn.call.code}\n\`\`\``}`;
    case "output":
      return `[output]\n${turn.text}`;
  }
}

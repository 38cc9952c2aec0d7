// A function of the user's own, as `--tools FILE.ts` exports it and the library takes it.
import { HostError } from "../errors.ts";
import { jsonSchemaOf, type ValueSchema } from "../llm/value-schema.ts";
import { EVERYDAY_NAMES, RESERVED_NAMES } from "../../prelude/contract.ts";

/** It runs in the host, with all the rights of this process. */
export interface Tool {
  /** What it does, for the model. */
  readonly description: string;
  /** Of its one argument: a JSON Schema of an object, or a schema of Zod 4.2 and the like, whose value it gets. */
  readonly input: ValueSchema;
  /** What it returns is kept as JSON; what it throws is E_TOOL in the cell. `signal` fires when the cell is cut or the call is too late. */
  // eslint-disable-next-line typescript/no-explicit-any -- its author knows what `input` lets through
  readonly run: (input: any, context: { readonly signal: AbortSignal }) => unknown;
  /** It changes something: a person is asked before each call, or `--yes` agrees. */
  readonly sideEffects?: boolean;
  /** Children of `rlm_query` may call it too. */
  readonly children?: boolean;
  /** What a call costs. */
  readonly usd?: number;
}

/** By the name cells call them. */
export type Tools = Readonly<Record<string, Tool>>;

/** Throws E_USAGE for what is none. `from`: where they came from. */
export function checkTools(given: unknown, from: string): Tools {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new HostError("E_USAGE", `${from} has no tools: it must be an object {name: {description, input, run}}`);
  const tools: Record<string, Tool> = {};
  for (const [name, tool] of Object.entries(given)) {
    if (!/^[A-Za-z_]\w{0,63}$/.test(name) || RESERVED_NAMES.includes(name) || EVERYDAY_NAMES.includes(name) || name in globalThis)
      throw new HostError(
        "E_USAGE",
        `${from}: ${JSON.stringify(name)} cannot be the name of a tool: it must be a name of letters that cells do not have yet`,
      );
    if (!isTool(tool))
      throw new HostError("E_USAGE", `${from}: the tool ${name} must have a description, an input schema and a run function`);
    // What cannot be said to a model is told now.
    jsonSchemaOf(tool.input);
    tools[name] = tool;
  }
  return tools;
}

function isTool(tool: unknown): tool is Tool {
  return (
    typeof tool === "object" &&
    tool !== null &&
    "description" in tool &&
    typeof tool.description === "string" &&
    "run" in tool &&
    typeof tool.run === "function" &&
    "input" in tool &&
    ((typeof tool.input === "object" && !Array.isArray(tool.input)) || typeof tool.input === "function") &&
    tool.input !== null
  );
}

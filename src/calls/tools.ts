// Functions of the user's own that cells may call: checked, confirmed by a person where they act on something, paid for, kept by value.
import { Validator } from "@cfworker/json-schema";
import { HostError, messageOf } from "../errors.ts";
import { byProgram, isStandard, jsonSchemaOf, type Checked, type ValueSchema } from "../llm/value-schema.ts";
import type { Budget } from "../pool/budget.ts";
import { leavingWith } from "../pool/leaving.ts";
import { fields, text } from "./arguments.ts";
import { typeOf } from "./tool-types.ts";
import type { Tool, Tools } from "./tool.ts";
import type { CallContext, Handler } from "./types.ts";

/** What a guest is told of a tool. */
export interface ToolEntry {
  readonly name: string;
  readonly told: string;
  readonly signature: string;
}

export interface ToolOptions {
  readonly tools: Tools;
  /** Of the session: a child has those that are granted to children. */
  readonly depth: number;
  readonly budget: Budget;
  readonly deadlineMs: number;
  /** A person's word; undefined where nobody is there to be asked. */
  readonly agree: ((question: string) => Promise<boolean>) | undefined;
}

const SHOWN_INPUT = 300;

export function toolEntries(tools: Tools, depth: number): ToolEntry[] {
  return Object.entries(tools)
    .filter(([, tool]) => isGranted(tool, depth))
    .map(([name, { description, input }]) => ({
      name,
      told: description,
      signature: `function ${name}(input: ${typeOf(jsonSchemaOf(input))}): Promise<any>;`,
    }));
}

export function tool(options: ToolOptions): Handler {
  return async (args, call) => {
    const given = fields("a tool", args);
    const name = text("a tool: name", given["name"]);
    const found = Object.hasOwn(options.tools, name) ? options.tools[name] : undefined;
    if (found === undefined) throw new HostError("E_TOOL", `${name}: there is no such tool in this process: start with the --tools it had`);
    if (!isGranted(found, options.depth))
      throw new HostError("E_TOOL_DENIED", `${name} is not granted to children: \`children: true\` grants it`);
    const checked = await checkedInput(found.input, given["input"] ?? {});
    if ("error" in checked) throw new HostError("E_BAD_ARGUMENT", `${name}: its input does not fit: ${checked.error}`);
    if (found.sideEffects === true) await agreed(options, name, given["input"], call);
    const { usd = 0 } = found;
    const paid = options.budget.charge(`tool:${name}`, usd);
    call.served({ paid });
    return await run(name, found, checked.value, options.deadlineMs, call);
  };
}

function isGranted({ children = false }: Tool, depth: number): boolean {
  return depth === 0 || children;
}

async function run(name: string, { run: work }: Tool, input: unknown, deadlineMs: number, call: CallContext): Promise<unknown> {
  const clock = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([call.signal, clock]);
  let value: unknown;
  try {
    value = await leavingWith(signal, (async () => await work(input, { signal }))());
  } catch (error) {
    call.signal.throwIfAborted();
    if (clock.aborted) throw new HostError("E_TIMEOUT", `${name} did not end within ${deadlineMs / 1_000} s (--call-timeout)`);
    throw new HostError("E_TOOL", `${name} failed: ${messageOf(error)}`, { cause: error });
  }
  try {
    const json: string | undefined = JSON.stringify(value);
    return json === undefined ? null : JSON.parse(json);
  } catch (error) {
    throw new HostError("E_TOOL", `${name}: what it returned is no JSON: ${messageOf(error)}`);
  }
}

/** Throws E_DECLINED. */
async function agreed({ agree }: ToolOptions, name: string, input: unknown, call: CallContext): Promise<void> {
  const again = call.again === undefined ? "" : " It may have run already, before this process.";
  const said = agree === undefined ? undefined : await agree(`${name}(${shown(input)}) has side effects.${again} Run it?`);
  call.signal.throwIfAborted();
  if (said === true) return;
  throw new HostError(
    "E_DECLINED",
    `${name} has side effects, and ${said === undefined ? "nobody is there to be asked: --yes agrees beforehand" : "a person declined it"}`,
  );
}

function shown(input: unknown): string {
  const json = JSON.stringify(input ?? {});
  return json.length > SHOWN_INPUT ? `${json.slice(0, SHOWN_INPUT)}…` : json;
}

async function checkedInput(schema: ValueSchema, input: unknown): Promise<Checked> {
  if (isStandard(schema)) return await byProgram(schema, input);
  const { valid, errors } = new Validator({ ...schema }, "2020-12", false).validate(input);
  if (valid) return { value: input };
  return {
    error: errors
      .toReversed()
      .slice(0, 3)
      .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`)
      .join("; "),
  };
}

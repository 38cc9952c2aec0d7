// Every dialog goes through here, and only here is enquirer imported: on first use, at a terminal, with a flag that replaces it.
import { createRequire } from "node:module";
import type { EventEmitter } from "node:events";
import { HostError } from "../errors.ts";

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Question {
  readonly message: string;
  /** What to say on the command line instead; told where there is no terminal. */
  readonly instead: string;
}

export interface Choice {
  readonly name: string;
  readonly message: string;
  readonly hint?: string;
}

/** One of several; undefined when the person leaves it. */
export async function select(
  terminal: Terminal,
  question: Question & { readonly choices: readonly Choice[] },
): Promise<string | undefined> {
  const answer = await show(terminal, "Select", question, { choices: [...question.choices] });
  return typeof answer === "string" ? answer : undefined;
}

/** Yes or no, no being what Enter means; leaving it is no. What was typed before it is seen does not count. */
export async function confirm(terminal: Terminal, question: Question): Promise<boolean> {
  await dropTyped(terminal.stdin);
  return (await show(terminal, "Confirm", question, { initial: false })) === true;
}

/** A line of text; undefined when the person leaves it. */
export async function input(
  terminal: Terminal,
  question: Question & { readonly initial?: string; readonly validate?: (text: string) => true | string },
): Promise<string | undefined> {
  const { initial, validate } = question;
  const answer = await show(terminal, "Input", question, {
    ...(initial === undefined ? {} : { initial }),
    ...(validate === undefined ? {} : { validate }),
  });
  return typeof answer === "string" ? answer.trim() : undefined;
}

interface Prompt extends EventEmitter {
  stop?: () => void;
  run(): Promise<unknown>;
}

type PromptClass = new (options: object) => Prompt;

async function show({ stdin, stdout, env }: Terminal, kind: string, { message, instead }: Question, more: object): Promise<unknown> {
  if (!stdin.isTTY || !stdout.isTTY) throw new HostError("E_USAGE", `${message} cannot be asked without a terminal: ${instead}`);
  const { default: enquirer } = await import("enquirer");
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") withoutColor();
  const Prompt: unknown = Reflect.get(enquirer, kind);
  if (!isPromptClass(Prompt)) throw new Error(`enquirer has no ${kind}`);
  const prompt = new Prompt({ name: "answer", message, stdin, stdout, ...more });
  survivingInterrupt(prompt);
  try {
    return await prompt.run();
  } catch (error) {
    // It rejects with nothing, or an empty text, when a person leaves it.
    if (error === undefined || error === "") return undefined;
    throw error;
  }
}

/**
 * On Node ≥ 24.2 enquirer's own listener pauses a line reader that Ctrl-C has closed already, and that is an error. Remove when
 * enquirer (2.4.1) does not.
 */
function survivingInterrupt(prompt: Prompt): void {
  prompt.once("run", () => {
    const { stop } = prompt;
    if (stop === undefined) return;
    prompt.off("close", stop);
    prompt.once("close", () => {
      try {
        stop();
      } catch (error) {
        if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_USE_AFTER_CLOSE") throw error;
      }
    });
  });
}

/** enquirer colours by this package of its own, which reads no NO_COLOR. */
function withoutColor(): void {
  const colors: unknown = createRequire(createRequire(import.meta.url).resolve("enquirer"))("ansi-colors");
  if (typeof colors === "object" || typeof colors === "function") Reflect.set(colors ?? {}, "enabled", false);
}

function isPromptClass(value: unknown): value is PromptClass {
  return typeof value === "function";
}

const TYPED_AHEAD_MS = 50;

function dropTyped(stdin: NodeJS.ReadStream): Promise<void> {
  return new Promise((resolve) => {
    const drop = (): void => undefined;
    const wasRaw = stdin.isRaw;
    stdin.setRawMode(true);
    stdin.on("data", drop).resume();
    setTimeout(() => {
      stdin.off("data", drop).pause();
      stdin.setRawMode(wasRaw);
      resolve();
    }, TYPED_AHEAD_MS);
  });
}

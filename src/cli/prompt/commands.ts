// The commands of the prompt: lines that begin with a dot. Each is a function of what the prompt is.
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { flagOf, TABLE } from "../../config/table.ts";
import { HostError } from "../../errors.ts";
import type { AskResult } from "../../library/ask-result.ts";
import type { ReplSession } from "../../library/session.ts";
import { readNotebook, writeNotebook } from "../../notebook/cells.ts";
import { dollars } from "../../pool/cost.ts";
import { bytesInWords } from "../../workspace/describe.ts";
import { savedInWords, showAnswer } from "../ask.ts";
import { readSource } from "../cells.ts";
import type { CommandContext } from "../command.ts";
import { confirm, select, type Terminal } from "../dialog.ts";
import { stateInWords } from "../show.ts";
import { MODEL_CHOICES } from "./models.ts";
import { splitWords } from "./words.ts";

/** What a command may use of the prompt. */
export interface Prompt {
  readonly session: ReplSession;
  readonly context: CommandContext;
  readonly terminal: Terminal;
  /** Cells that ran, in order. */
  readonly sources: string[];
  /** Runs a cell as if it had been typed. */
  readonly runCell: (source: string) => Promise<void>;
  /** Runs the loop with its turns shown; Ctrl-C ends it. */
  readonly ask: (question: string) => Promise<AskResult>;
  /** A dialog has the terminal meanwhile. */
  readonly withDialog: <T>(work: () => Promise<T>) => Promise<T>;
  readonly say: (text: string) => void;
}

export interface DotCommand {
  readonly usage: string;
  readonly help: string;
  readonly run: (prompt: Prompt, rest: string) => Promise<void>;
}

export const COMMANDS: Readonly<Record<string, DotCommand>> = {
  help: { usage: ".help", help: "this list; help() in a cell lists what cells can call", run: listCommands },
  vars: { usage: ".vars", help: "the session's variables", run: listVars },
  context: { usage: ".context [PATH…]", help: "what is under analysis; with paths, that instead (--none: nothing)", run: context },
  model: { usage: ".model [MODEL [SUB]]", help: "choose the models", run: model },
  limits: { usage: ".limits", help: "what bounds a cell, a call and the money", run: limits },
  cost: { usage: ".cost", help: "model calls, tokens and money so far", run: cost },
  ask: { usage: ".ask QUESTION", help: "let the root model answer, in this session", run: ask },
  undo: { usage: ".undo", help: "take the last cell back", run: undo },
  fork: { usage: ".fork [CELL]", help: "copy this session, as it stands or as it was after a cell", run: fork },
  session: { usage: ".session", help: "this session's id, and how to go on with it", run: tellSession },
  save: { usage: ".save [--yes] FILE", help: "write the cells so far as a notebook", run: save },
  load: { usage: ".load FILE", help: "run the cells of a notebook", run: load },
};

function listCommands({ say }: Prompt): Promise<void> {
  const own = Object.values(COMMANDS).map(({ usage, help }) => [usage, help] as const);
  const rows = [
    ...own,
    [".editor", "write several lines, ended by Ctrl-D"],
    [".break", "leave an unfinished cell"],
    [".exit", "leave"],
  ] as const;
  say(rows.map(([usage, help]) => `${usage.padEnd(22)}${help}`).join("\n"));
  say(
    "Tab completes, Ctrl-R searches the history, Ctrl-C stops a cell. _ is the last value, _error the last error, Out[n] that of cell n.",
  );
  return Promise.resolve();
}

async function listVars({ session, say }: Prompt): Promise<void> {
  const vars = await session.vars();
  if (vars.length === 0) return say("no variables yet");
  const width = Math.min(24, Math.max(...vars.map(({ name }) => name.length)));
  say(
    vars
      .map(
        ({ name, type, size, preview }) =>
          `${name.padEnd(width)}  ${type.padEnd(9)} ${size > 0 ? size.toLocaleString("en-US").padStart(11) : " ".repeat(11)}  ${preview}`,
      )
      .join("\n"),
  );
}

async function context({ session, say }: Prompt, rest: string): Promise<void> {
  const paths = splitWords(rest);
  if (paths.length > 0) {
    const state = await session.setContext(...(paths.includes("--none") ? [] : paths));
    if (state !== undefined) say(stateInWords(state));
  }
  const { contexts } = session;
  if (contexts.length === 0) return say("no context: .context PATH opens one");
  say(
    contexts
      .map(({ name, kind, size, files }, i) => {
        const what = files === undefined ? kind : `corpus of ${files.toLocaleString("en-US")} files`;
        return `${i === contexts.length - 1 ? "context" : `contexts[${JSON.stringify(name)}]`}  ${name}, ${what}, ${bytesInWords(size)}`;
      })
      .join("\n"),
  );
}

async function model(prompt: Prompt, rest: string): Promise<void> {
  const { session, say, terminal } = prompt;
  const [root, sub] = splitWords(rest);
  const chosen =
    root ??
    (await prompt.withDialog(() =>
      select(terminal, { message: "Which model should answer?", instead: "write .model MODEL", choices: MODEL_CHOICES }),
    ));
  if (chosen !== undefined) await session.setModel(chosen, sub);
  const models = await session.models();
  say(`root ${models.root}, sub-calls ${models.sub}${models.isPriced ? "" : " (price unknown)"}`);
}

function limits({ session, say, context: { resolved } }: Prompt): Promise<void> {
  const { limits: now, left } = session;
  const rows: readonly (readonly [string, string])[] = [
    ["a cell", `${now.sliceMs / 1000} s (--cell-timeout)`],
    ["a model call", `${now.modelCallMs / 1000} s (--call-timeout)`],
    ["memory", `${now.memoryMb} MB beside the context (--memory)`],
    ["money left", left.usd === null ? "no bound (--max-cost); a question: $1" : dollars(left.usd, "down")],
    ["calls left", left.calls === null ? "no bound (--max-calls); a question: 500" : left.calls.toLocaleString("en-US")],
    ...(left.tokens === null ? [] : [["tokens left", left.tokens.toLocaleString("en-US")] as const]),
    ...(left.seconds === null ? [] : [["time left", `${Math.floor(left.seconds)} s`] as const]),
    ...TABLE.filter(({ name }) => (name === "maxWorkers" || name === "concurrency") && resolved.sources[name] !== undefined).map(
      (row) => [flagOf(row).slice(2), `${String(resolved.values[row.name])} (${resolved.sources[row.name] ?? ""})`] as const,
    ),
  ];
  say(rows.map(([name, text]) => `${name.padEnd(14)}${text}`).join("\n"));
  return Promise.resolve();
}

function cost({ session, say }: Prompt): Promise<void> {
  const { usage } = session;
  const { calls, inputTokens, outputTokens, cachedInputTokens, usd } = usage;
  const tokens = `${inputTokens.toLocaleString("en-US")} tokens in (${cachedInputTokens.toLocaleString("en-US")} cached), ${outputTokens.toLocaleString("en-US")} out`;
  say(`${calls} model calls, ${tokens}, ${usd === null ? "price unknown" : dollars(usd, "up")}${savedInWords(usage)}`);
  return Promise.resolve();
}

async function ask(prompt: Prompt, rest: string): Promise<void> {
  const question = rest.trim();
  if (question === "") return prompt.say("write the question after it: .ask Which requests failed, and why?");
  const { out, err, settings } = prompt.context;
  await showAnswer(await prompt.ask(question), settings.quiet ?? false, { out, err });
}

async function undo({ session, sources, say }: Prompt): Promise<void> {
  const cell = await session.undo();
  if (cell === undefined) return say("there is no cell to take back");
  sources.pop();
  say(`cell ${cell} is taken back`);
}

async function fork({ session, say }: Prompt, rest: string): Promise<void> {
  const [cell] = splitWords(rest);
  if (cell !== undefined && !/^\d+$/.test(cell)) throw new HostError("E_USAGE", `.fork ${cell}: write the number of a cell, or nothing`);
  const id = await session.fork(cell === undefined ? undefined : Number(cell));
  say(`${id} is the copy; rlm-repl --resume ${id} goes on in it, this session stays as it is`);
}

function tellSession({ session, sources, say, context: { settings } }: Prompt): Promise<void> {
  const kept = settings.ephemeral === true ? "not kept" : `rlm-repl --resume ${session.id} goes on with it, --fork in a copy`;
  say(`${session.id}, ${sources.length} cell${sources.length === 1 ? "" : "s"}; ${kept}`);
  return Promise.resolve();
}

async function save(prompt: Prompt, rest: string): Promise<void> {
  const { sources, context: command, terminal, say } = prompt;
  const words = splitWords(rest);
  const file = words.find((word) => word !== "--yes");
  if (file === undefined) return say("write the file after it: .save notebook.ts");
  if (sources.length === 0) return say("nothing to save: no cell has run");
  const path = resolve(command.process.cwd, file);
  const mayWrite =
    !existsSync(path) ||
    words.includes("--yes") ||
    (await prompt.withDialog(() => confirm(terminal, { message: `${file} exists. Replace it?`, instead: ".save --yes FILE" })));
  if (!mayWrite) return say(`${file} is as it was`);
  try {
    writeFileSync(path, writeNotebook(sources));
  } catch (error) {
    throw new HostError("E_USAGE", `${file} cannot be written (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
  say(`${sources.length} cell${sources.length === 1 ? "" : "s"} in ${file}; rlm-repl run ${file} runs them again`);
}

async function load({ context: command, runCell, say }: Prompt, rest: string): Promise<void> {
  const [file] = splitWords(rest);
  if (file === undefined) return say("write the file after it: .load notebook.ts");
  for (const { source } of readNotebook(await readSource(file, command.process.cwd))) await runCell(source);
}

// The command line as commander reads it, built from the table of options.
import { Command, CommanderError } from "commander";
import { HostError } from "../errors.ts";
import { OPTIONS, type Settings } from "./options.ts";

/** What the user asked for. */
export type Request =
  | { readonly command: "eval"; readonly code: string; readonly settings: Settings }
  | { readonly command: "stdin"; readonly settings: Settings }
  | { readonly command: "run"; readonly file: string; readonly settings: Settings }
  | { readonly command: "ask"; readonly question: string; readonly paths: readonly string[]; readonly settings: Settings }
  | { readonly command: "demo"; readonly path: string | undefined; readonly settings: Settings }
  | { readonly command: "doctor"; readonly settings: Settings }
  /** Help or the version: text that is the answer itself. */
  | { readonly command: "say"; readonly text: string };

const SUMMARY = "A sandboxed TypeScript REPL for recursive language models: code over a context larger than any window.";
const EXAMPLES = `
Examples:
  rlm-repl demo                                    watch a run over real files, without a key
  rlm-repl -e '2n**64n'                            one cell
  rlm-repl -e 'context.length' -c big.log          one cell over a file
  rlm-repl ask 'Which requests failed, and why?' logs/
  rlm-repl run notebook.ts --json                  cells separated by // %%`;

/** Throws E_USAGE with one line that names what is wrong. */
export function parseArguments(argv: readonly string[], version: string): Request {
  let request: Request | undefined;
  let printed = "";
  const program = base("rlm-repl", (text) => (printed += text))
    .description(SUMMARY)
    .version(version, "-V, --version", "print the version")
    // Options after a command are the command's; those before it count for it too.
    .enablePositionalOptions()
    .option("-e, --eval <code>", "run one cell")
    .argument("[cell]", "- runs a cell from stdin")
    .addHelpText("after", EXAMPLES)
    .action((cell: string | undefined, given: Record<string, unknown>) => {
      const settings = read(given);
      if (typeof given["eval"] === "string") {
        if (cell !== undefined)
          throw new HostError("E_USAGE", `-e runs one cell; ${JSON.stringify(cell)} beside it means nothing. A context is -c ${cell}`);
        request = { command: "eval", code: given["eval"], settings };
      } else if (cell === "-") request = { command: "stdin", settings };
      else if (cell !== undefined)
        throw new HostError("E_USAGE", `there is no command ${JSON.stringify(cell)}; there are run, ask, demo, doctor, -e CODE and -`);
      else request = { command: "say", text: program.helpInformation() };
    });
  withOptions(program);
  const sub = (name: string, description: string): Command => {
    const command = withOptions(base(name, (text) => (printed += text)).description(description));
    program.addCommand(command);
    return command;
  };
  sub("run", "run the cells of a file, separated by lines that begin // %%")
    .argument("<file>", "a TypeScript file")
    .option("--stop", "end at the first cell that fails")
    .action((file: string, given: Record<string, unknown>) => {
      request = { command: "run", file, settings: read(given, program) };
    });
  sub("ask", "ask a question over files: a root model explores them by writing cells")
    .argument("<question>", "in quotes")
    .argument(
      "[paths...]",
      "files, folders, quoted globs, or -; together one context (default: standard input, where something is piped in)",
    )
    .action((question: string, paths: string[], given: Record<string, unknown>) => {
      request = { command: "ask", question, paths, settings: read(given, program) };
    });
  sub("demo", "a run over real files with cells written beforehand; needs no key")
    .argument("[path]", "default: this project's own dependencies")
    .action((path: string | undefined, given: Record<string, unknown>) => {
      request = { command: "demo", path, settings: read(given, program) };
    });
  sub("doctor", "what this machine gives the sandbox, and where each setting comes from").action((given: Record<string, unknown>) => {
    request = { command: "doctor", settings: read(given, program) };
  });
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: "say", text: printed };
    throw new HostError("E_USAGE", `${error.message.replace(/^error: /, "")}; rlm-repl --help lists what there is`, { cause: error });
  }
  return request ?? { command: "say", text: program.helpInformation() };
}

function base(name: string, print: (text: string) => void): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => undefined })
    .showSuggestionAfterError(true)
    .allowExcessArguments(false);
}

function withOptions(command: Command): Command {
  for (const { flags, meaning, repeatable, without } of OPTIONS) {
    const described = without === undefined ? meaning : `${meaning} (default: ${without})`;
    if (repeatable === true) command.option(flags, described, (value: string, before: string[] | undefined) => [...(before ?? []), value]);
    else command.option(flags, described);
  }
  return command;
}

/** Every value read by its row; what stands before the command joins what stands after it. */
function read(own: Readonly<Record<string, unknown>>, program?: Command): Settings {
  const before: Readonly<Record<string, unknown>> = program?.opts() ?? {};
  const given: Record<string, unknown> = { ...before, ...own, ignore: own["ignore"] !== false && before["ignore"] !== false };
  for (const key of ["context", "workspace"]) given[key] = [...lists(before[key]), ...lists(own === before ? [] : own[key])];
  const settings: Record<string, unknown> = {
    context: [],
    workspace: [],
    ignore: given["ignore"] !== false,
    json: given["json"] === true,
    quiet: given["quiet"] === true,
    verbose: given["verbose"] === true,
    stop: given["stop"] === true,
  };
  for (const { flags, read: readText } of OPTIONS) {
    if (readText === undefined) continue;
    const flag = /--[\w-]+/.exec(flags)?.[0] ?? flags;
    const key = flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const value = given[key];
    if (Array.isArray(value)) settings[key] = value.map((text) => readText(String(text), flag));
    else if (typeof value === "string") settings[key] = readText(value, flag);
  }
  return settings as unknown as Settings;
}

function lists(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

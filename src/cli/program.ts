// The command line as commander reads it, built from the table of options.
import type { EvalRequest } from "./eval.ts";
import type { ScanCommand } from "./scan.ts";
import { Command, CommanderError } from "commander";
import type { SettingName } from "../config/settings.ts";
import { flagOf, TABLE } from "../config/table.ts";
import { HostError } from "../errors.ts";
import type { SessionsRequest } from "./sessions.ts";

/** Options as they were written, by their names; the table reads them. */
export type Given = Readonly<Partial<Record<SettingName, unknown>>>;

/** What the user asked for. */
export type Request =
  | { readonly command: "prompt"; readonly given: Given }
  | { readonly command: "eval"; readonly code: string; readonly given: Given }
  | { readonly command: "stdin"; readonly given: Given }
  | { readonly command: "run"; readonly file: string; readonly stop: boolean; readonly given: Given }
  | { readonly command: "ask"; readonly question: string | undefined; readonly paths: readonly string[]; readonly given: Given }
  | { readonly command: "demo"; readonly path: string | undefined; readonly given: Given }
  | { readonly command: "doctor"; readonly given: Given }
  | { readonly command: "bench"; readonly isQuick: boolean; readonly given: Given }
  | { readonly command: "evaluate"; readonly request: EvalRequest; readonly given: Given }
  | { readonly command: "scan"; readonly asked: ScanCommand; readonly given: Given }
  | { readonly command: "sessions"; readonly request: SessionsRequest; readonly given: Given }
  | { readonly command: "help"; readonly topic: string | undefined }
  /** Help or the version: text that is the answer itself. */
  | { readonly command: "say"; readonly text: string };

const SUMMARY = "A sandboxed TypeScript REPL for recursive language models: code over a context larger than any window.";
const EXAMPLES = `
Each option is also a variable (--max-cost: RLM_MAX_COST) and a key of rlm.config.json (max_cost); rlm-repl help configuration

Examples:
  rlm-repl                                         the prompt
  rlm-repl demo                                    watch a run over real files, without a key
  rlm-repl -e '2n**64n'                            one cell
  rlm-repl -e 'context.length' -c big.log          one cell over a file
  rlm-repl ask 'Which requests failed, and why?' logs/
  rlm-repl run notebook.ts --json                  cells separated by // %%
  rlm-repl scan src --fail-on high                 security problems in source files`;

/** Throws E_USAGE with one line that names what is wrong. */
export function parseArguments(argv: readonly string[], version: string): Request {
  let request: Request | undefined;
  let printed = "";
  const program = base("rlm-repl", (text) => (printed += text))
    .description(SUMMARY)
    .version(version, "-V, --version", "print the version")
    // Options after a command are the command's; those before it count for it too.
    .enablePositionalOptions()
    .helpCommand(false)
    .option("-e, --eval <code>", "run one cell")
    .argument("[cell]", "- runs a cell from stdin; without it, and without -e, there is a prompt")
    .addHelpText("after", EXAMPLES)
    .action((cell: string | undefined, own: Record<string, unknown>) => {
      const given = givenIn(own);
      if (typeof own["eval"] === "string") {
        if (cell !== undefined)
          throw new HostError("E_USAGE", `-e runs one cell; ${JSON.stringify(cell)} beside it means nothing. A context is -c ${cell}`);
        request = { command: "eval", code: own["eval"], given };
      } else if (cell === "-") request = { command: "stdin", given };
      else if (cell !== undefined)
        throw new HostError(
          "E_USAGE",
          `there is no command ${JSON.stringify(cell)}; there are run, ask, demo, doctor, bench, eval, scan, sessions, help, -e CODE and -`,
        );
      else request = { command: "prompt", given };
    });
  withOptions(program);
  const sub = (name: string, description: string): Command => {
    const command = withOptions(base(name, (text) => (printed += text)).description(description));
    program.addCommand(command);
    return command;
  };
  const joined = (own: Record<string, unknown>): Given => givenIn(own, program.opts());
  sub("run", "run the cells of a file, separated by lines that begin // %%")
    .argument("<file>", "a TypeScript file")
    .option("--stop", "end at the first cell that fails")
    .action((file: string, own: Record<string, unknown>) => {
      request = { command: "run", file, stop: own["stop"] === true, given: joined(own) };
    });
  sub("ask", "ask a question over files: a root model explores them by writing cells")
    .argument("[question]", "in quotes; left out with --resume, --continue or --session, the last one goes on")
    .argument(
      "[paths...]",
      "files, folders, quoted globs, or -; together one context (default: standard input, where something is piped in)",
    )
    .action((question: string | undefined, paths: string[], own: Record<string, unknown>) => {
      const given = joined(own);
      const isResumed = given.resume !== undefined || given.continue !== undefined || given.session !== undefined;
      if (question === undefined && !isResumed)
        throw new HostError("E_USAGE", "ask needs a question: rlm-repl ask 'your question' PATH…; --resume ID goes on with an earlier one");
      request = { command: "ask", question, paths, given };
    });
  sub("demo", "a run over real files with cells written beforehand; needs no key")
    .argument("[path]", "default: this project's own dependencies")
    .action((path: string | undefined, own: Record<string, unknown>) => {
      request = { command: "demo", path, given: joined(own) };
    });
  sub("doctor", "what this machine gives the sandbox, and where each setting comes from").action((own: Record<string, unknown>) => {
    request = { command: "doctor", given: joined(own) };
  });
  sub("bench", "how fast this machine is: scans, searches, batches, a question, each beside its floor")
    .option("--quick", "one round, smaller ones: some twenty seconds")
    .action((own: Record<string, unknown>) => {
      request = { command: "bench", isQuick: own["quick"] === true, given: joined(own) };
    });
  sub("eval", "how well the loop answers tasks whose answers are known, beside one direct call; without --model by an oracle")
    .option("--tasks <list>", "s-niah, oolong, oolong-pairs, codeqa (default: all)")
    .option("--sizes <list>", "tokens of a context as powers of 2, 10 to 22 (default: 13,15)")
    .option("--n <n>", "tasks of each kind and size (default: 5)")
    .option("--seed <text>", "the same tasks, labels and faults again (default: 1)")
    .option("--policy <name>", "of the oracle as root: good, over-calling, malformed, imagining (default: good)")
    .option("--accuracy <p>", "chance that a label of the oracle is right (default: 0.97)")
    .option("--latency <ms>", "of a call of the oracle (default: 0)")
    .option("--faults <p>", "chance that a call of the oracle fails (default: 0)")
    .action((own: Record<string, unknown>) => {
      const said = (name: string): string | undefined => (typeof own[name] === "string" ? own[name] : undefined);
      const [tasks, sizes, n, seed, policy, accuracy, latency, faults] = [
        "tasks",
        "sizes",
        "n",
        "seed",
        "policy",
        "accuracy",
        "latency",
        "faults",
      ].map(said);
      request = { command: "evaluate", request: { tasks, sizes, n, seed, policy, accuracy, latency, faults }, given: joined(own) };
    });
  sub("scan", "find secrets, injections, weak crypto and mistakes in source files; exit code 1 with --fail-on")
    .argument("[paths...]", "files and folders (default: the current folder); ignore files hold unless --no-ignore is given")
    .option("--only <list>", "security, quality, all, or names such as find_xss, by commas (default: security, and those of --rules)")
    .option("--fail-on <level>", "exit with 1 when something as severe was found: critical, high, medium, low, info")
    .option("--min-confidence <level>", "high, medium or low (default: low)")
    .option("--sarif", "SARIF 2.1.0 on stdout; --json is one JSON object")
    .action((paths: string[], own: Record<string, unknown>) => {
      const said = (name: string): string | undefined => (typeof own[name] === "string" ? own[name] : undefined);
      const asked = {
        paths: paths.length === 0 ? ["."] : paths,
        only: said("only"),
        failOn: said("failOn"),
        minConfidence: said("minConfidence"),
        isSarif: own["sarif"] === true,
      };
      request = { command: "scan", asked, given: joined(own) };
    });
  sub("sessions", "list kept sessions; show ID, resume ID, fork ID [CELL], rm ID…, prune (30 days, 2 GiB)")
    .argument("[action]", "list, show, resume, fork, rm or prune", "list")
    .argument("[args...]")
    .action((action: string, args: string[], own: Record<string, unknown>) => {
      const [id] = args;
      // Going on with one is the prompt's.
      request =
        action === "resume" && id !== undefined
          ? { command: "prompt", given: { ...joined(own), resume: id } }
          : { command: "sessions", request: { action, args, isAgreed: joined(own).yes === true }, given: joined(own) };
    });
  program.addCommand(
    base("help", (text) => (printed += text))
      .description("print a page of the documentation; without a topic, the list")
      .argument("[topic]")
      .action((topic: string | undefined) => {
        request = { command: "help", topic };
      }),
  );
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
  for (const row of TABLE) {
    const { short, value, meaning, without } = row;
    const flags = `${short === undefined ? "" : `${short}, `}${flagOf(row)}${value === undefined ? "" : ` <${value}>`}`;
    const described = value === undefined ? meaning : `${meaning} (default: ${without})`;
    if (isRepeatable(row.name)) command.option(flags, described, (text: string, before?: string[]) => [...(before ?? []), text]);
    else command.option(flags, described);
  }
  return command;
}

/** Commander keeps `--no-ignore` as `ignore: false`. */
function negated(name: SettingName): string | undefined {
  return /^no[A-Z]/.test(name) ? name.slice(2, 3).toLowerCase() + name.slice(3) : undefined;
}

function isOff(name = "", ...parsed: readonly Readonly<Record<string, unknown>>[]): true | undefined {
  return parsed.some((each) => each[name] === false) ? true : undefined;
}

function isRepeatable(name: SettingName): boolean {
  return name === "context" || name === "workspace" || name === "rules";
}

/** What stands before the command joins what stands after it. */
function givenIn(own: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>> = {}): Given {
  const given: Partial<Record<SettingName, unknown>> = {};
  for (const { name } of TABLE) {
    const value = negated(name) === undefined ? (own[name] ?? before[name]) : isOff(negated(name), own, before);
    if (isRepeatable(name) && own[name] !== undefined && before[name] !== undefined) given[name] = [before[name], own[name]].flat();
    else if (value !== undefined) given[name] = value;
  }
  return given;
}

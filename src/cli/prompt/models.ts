// Choosing a model in a dialog: what there is, and on the very first start also where the key comes from. What was chosen then is kept
// in the user's own `rlm.config.json`.
import { mkdirSync, existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readConfig, userConfigFile } from "../../config/files.ts";
import type { CommandContext } from "../command.ts";
import { input, select, type Choice, type Terminal } from "../dialog.ts";

export const MODEL_CHOICES: readonly Choice[] = [
  { name: "anthropic", message: "Anthropic", hint: "ANTHROPIC_API_KEY" },
  { name: "openai", message: "OpenAI", hint: "OPENAI_API_KEY; other servers: OPENAI_BASE_URL" },
  { name: "offline", message: "offline", hint: "no key: it quotes lines and understands nothing" },
];

const INSTEAD = "choose with --model, RLM_MODEL or rlm.config.json";

/** What the person chose and where it was written; undefined when nothing was asked, or the person left it. */
export async function firstStart(
  { process, settings, err, out }: CommandContext,
  terminal: Terminal,
): Promise<{ readonly model: string; readonly keyFrom?: string; readonly file?: string } | undefined> {
  const { env, stdin } = process;
  const hasKey = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"].some((name) => (env[name] ?? "") !== "");
  if (settings.model !== undefined || hasKey || !stdin.isTTY || !out.isTerminal || !err.isTerminal) return undefined;
  const file = userConfigFile(env);
  const choices = [...MODEL_CHOICES, { name: "later", message: "decide later", hint: "offline for now" }];
  const model = await select(terminal, { message: "Which model should answer questions?", instead: INSTEAD, choices });
  if (model === undefined || model === "later") return undefined;
  const keyFrom = model === "offline" ? undefined : await chooseKey(model, terminal);
  if (model !== "offline" && keyFrom === undefined) return undefined;
  const chosen = { model, ...(keyFrom === undefined ? {} : { keyFrom }) };
  return file !== undefined && settings.ephemeral !== true && writeChoice(file, chosen) ? { ...chosen, file } : chosen;
}

async function chooseKey(model: string, terminal: Terminal): Promise<string | undefined> {
  const usual = model === "anthropic" ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY";
  const where = await select(terminal, {
    message: "Where does its key come from? (rlm-repl keeps the place, never the key)",
    instead: "--key-from env:NAME or file:PATH",
    choices: [
      { name: "env", message: "a variable of the environment", hint: usual },
      { name: "file", message: "a file that holds the key alone" },
    ],
  });
  if (where === undefined) return undefined;
  const named = await input(terminal, {
    message: where === "env" ? "Which variable?" : "Which file?",
    instead: "--key-from env:NAME or file:PATH",
    ...(where === "env" ? { initial: usual } : {}),
    validate: (text) =>
      text.trim() === ""
        ? "write its name"
        : where !== "env" || /^[A-Za-z_]\w*$/.test(text.trim())
          ? true
          : "that is no name of a variable",
  });
  return named === undefined ? undefined : `${where}:${named}`;
}

/** False where the folder cannot be written: the choice then holds for this session. */
function writeChoice(file: string, { model, keyFrom }: { readonly model: string; readonly keyFrom?: string }): boolean {
  try {
    const before = existsSync(file) ? readConfig(file).values : {};
    mkdirSync(dirname(file), { recursive: true });
    const after = { ...before, model, ...(keyFrom === undefined ? {} : { key_from: keyFrom }) };
    writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

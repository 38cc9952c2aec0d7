// How a user names a model: `anthropic[:model]`, `openai:model`, `script:FILE`, `offline`. Names after the first colon are taken whole.
import { HostError } from "../errors.ts";

export type ModelSpec =
  | { readonly provider: "anthropic" | "openai"; readonly name: string | undefined }
  | { readonly provider: "script"; readonly file: string }
  | { readonly provider: "offline" };

const FORMS = "anthropic, anthropic:MODEL, openai:MODEL, script:FILE or offline";

/** Throws E_USAGE naming the value. `source` is where it came from: `--model`, `RLM_MODEL`, … */
export function parseSpec(spec: string, source: string): ModelSpec {
  const colon = spec.indexOf(":");
  const provider = colon === -1 ? spec : spec.slice(0, colon);
  const rest = colon === -1 ? undefined : spec.slice(colon + 1);
  if ((provider === "anthropic" || provider === "openai") && rest?.trim() !== "") return { provider, name: rest };
  if (provider === "script" && rest) return { provider, file: rest };
  if (provider === "offline" && rest === undefined) return { provider };
  throw new HostError("E_USAGE", `${source}=${spec} names no model; write ${FORMS}`);
}

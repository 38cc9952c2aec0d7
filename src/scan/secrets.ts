// Secrets by secretlint's recommended rules, and the masks that keep them out of what is told.
import { lintSource } from "@secretlint/core";
import { creator } from "@secretlint/secretlint-rule-preset-recommend";

/** In UTF-16 units. */
export interface Secret {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  readonly message: string;
}

const CONFIG = { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: creator }] };
const SHOWN = 4;
const MAX_STARS = 12;

export async function secretsIn(path: string, text: string): Promise<Secret[]> {
  const source = { filePath: path, content: text, ext: /\.[^./]*$/.exec(path)?.[0] ?? "", contentType: "text" as const };
  const { messages } = await lintSource({ source, options: { config: CONFIG, maskSecrets: true, noPhysicFilePath: true } });
  return messages.flatMap((message) => {
    if (message.type !== "message") return [];
    const [start, end] = message.range;
    const name = message.ruleId.replace(/^.*secretlint-rule-/, "");
    return [{ start, end, rule: `secret-${name}`, message: told(message.message) }];
  });
}

/** "found GitHub Token(*****): ****" → "GitHub Token". */
function told(message: string): string {
  const what = message
    .replace(/^found /i, "")
    .replace(/[(:].*$/s, "")
    .trim();
  return `${what} in the source: whoever reads it can use it. Revoke it, and read it from the environment or a secret store.`;
}

/** The first characters stay, so that its owner knows which it is. */
export function masked(secret: string): string {
  return secret.slice(0, SHOWN) + "*".repeat(Math.min(MAX_STARS, Math.max(0, secret.length - SHOWN)));
}

/** What stands in quotes in a piece of source; short words are no secret. */
export function maskedQuotes(code: string): string {
  return code.replaceAll(/(["'`])((?:\\.|(?!\1).)*)(\1|$)/gs, (whole, quote: string, inner: string, end: string) =>
    inner.length <= SHOWN ? whole : quote + masked(inner) + end,
  );
}

// Grammars that come in packages of their own: of TypeScript, JavaScript, HTML and CSS the parser has its own.
import { createRequire } from "node:module";
import { registerDynamicLanguage } from "@ast-grep/napi";
import { messageOf } from "../errors.ts";
import type { Grammar } from "./languages.ts";

type LanguageRegistration = Parameters<typeof registerDynamicLanguage>[0][string];

const PACKED = ["python", "go", "java", "php"] as const;

/** Once in a process, for all of its threads. Not every system has all of them; of each that is missing, why. */
export function registerLanguages(): Map<Grammar, string> {
  const require = createRequire(import.meta.url);
  const missing = new Map<Grammar, string>();
  const found: Record<string, LanguageRegistration> = {};
  for (const name of PACKED) {
    try {
      const pack: LanguageRegistration = require(`@ast-grep/lang-${name}`);
      // Reading it looks for a parser that fits this system.
      if (pack.libraryPath !== "") found[name] = pack;
    } catch (error) {
      missing.set(name, `there is no parser of ${name} for this system: ${messageOf(error)}`);
    }
  }
  // A second call would change nothing.
  registerDynamicLanguage(found);
  return missing;
}

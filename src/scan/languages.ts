// Which grammar reads a file, and which rules look at it. TypeScript's grammar takes all of JavaScript; Tsx that with JSX.

/** As `language:` of a rule says it, in lower case. */
export const LANGUAGES = ["typescript", "tsx", "javascript", "html", "css", "python", "go", "java", "php"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Name of a grammar as the parser knows it. */
export type Grammar = "TypeScript" | "Tsx" | "Html" | "Css" | "python" | "go" | "java" | "php";

export interface Reading {
  readonly grammar: Grammar;
  /** Rules for these look at it. */
  readonly languages: readonly Language[];
  /** Its scripts are read on their own. */
  readonly hasScripts?: true;
}

const TYPESCRIPT: Reading = { grammar: "TypeScript", languages: ["typescript"] };
const TSX: Reading = { grammar: "Tsx", languages: ["typescript", "tsx"] };
const JAVASCRIPT: Reading = { grammar: "Tsx", languages: ["typescript", "tsx", "javascript"] };
const MARKUP: Reading = { grammar: "Html", languages: ["html"], hasScripts: true };

/** What stands in a page between its script tags. */
export const SCRIPT: Reading = JAVASCRIPT;

const BY_EXTENSION: Readonly<Record<string, Reading>> = {
  ts: TYPESCRIPT,
  mts: TYPESCRIPT,
  cts: TYPESCRIPT,
  tsx: TSX,
  js: JAVASCRIPT,
  mjs: JAVASCRIPT,
  cjs: JAVASCRIPT,
  jsx: JAVASCRIPT,
  html: MARKUP,
  htm: MARKUP,
  ejs: MARKUP,
  hbs: MARKUP,
  handlebars: MARKUP,
  vue: MARKUP,
  svelte: MARKUP,
  jinja: MARKUP,
  jinja2: MARKUP,
  j2: MARKUP,
  css: { grammar: "Css", languages: ["css"] },
  py: { grammar: "python", languages: ["python"] },
  pyi: { grammar: "python", languages: ["python"] },
  pyw: { grammar: "python", languages: ["python"] },
  go: { grammar: "go", languages: ["go"] },
  java: { grammar: "java", languages: ["java"] },
  php: { grammar: "php", languages: ["php"] },
  phtml: { grammar: "php", languages: ["php"] },
};

export function readingOf(path: string): Reading | undefined {
  const extension = extensionOf(path);
  return Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
}

/** In lower case, without the dot, and without that of a compression. */
export function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return /\.([a-z0-9]+)(?:\.(?:gz|br|zst))?$/.exec(name)?.[1] ?? "";
}

/** A grammar that a rule's language is compiled with, to see whether the rule is one. */
export function grammarFor(language: Language): Grammar {
  switch (language) {
    case "typescript":
      return "TypeScript";
    case "tsx":
    case "javascript":
      return "Tsx";
    case "html":
      return "Html";
    case "css":
      return "Css";
    default:
      return language;
  }
}

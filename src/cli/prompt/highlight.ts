// Colours for a preview, as Node's own prompt has them. A preview is text by the time it arrives: it is read again, in one pass.

const TOKEN =
  /(?<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?<special>\[(?:Function|AsyncFunction|GeneratorFunction|AsyncGeneratorFunction|class|Getter|Circular|Object|Array)[^\]]*\])|(?<date>\b\d{4}-\d\d-\d\dT[\d:.]+Z\b)|(?<symbol>\bSymbol\([^)]*\))|(?<word>(?<![\w$.])(?:true|false|null|undefined|NaN|-?Infinity)(?![\w$:]))|(?<number>(?<![\w$.])-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?n?(?![\w$:]))/g;

const CODES: Readonly<Record<string, readonly [on: number, off: number]>> = {
  string: [32, 39],
  special: [36, 39],
  date: [35, 39],
  symbol: [32, 39],
  word: [33, 39],
  number: [33, 39],
};
const UNDEFINED = [90, 39] as const;
const NULL = [1, 22] as const;

/** Only what a terminal may be shown goes in. */
export function highlight(preview: string): string {
  return preview.replace(TOKEN, (token: string, ...rest: readonly unknown[]) => {
    const kind = kindOf(rest.at(-1));
    const [on, off] = token === "undefined" ? UNDEFINED : token === "null" ? NULL : (CODES[kind] ?? UNDEFINED);
    return `\u001b[${on}m${token}\u001b[${off}m`;
  });
}

function kindOf(groups: unknown): string {
  return typeof groups === "object" && groups !== null ? (Object.entries(groups).find(([, value]) => value !== undefined)?.[0] ?? "") : "";
}

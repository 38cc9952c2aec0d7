// The words a question is about: its words without the everyday ones, cut to stems, so that "dependencies" finds "dependency".

export interface Term {
  readonly stem: string;
  /** 2 for a name, a number or anything quoted: one of those alone may point at the line. */
  readonly weight: 1 | 2;
}

const MAX_TERMS = 12;
const WORD = /[\p{L}\p{N}_$]+/gu;
const EVERYDAY = new Set(
  (
    "a about above after all also am an and any anything are as asked at be because been before below between both but by can could did do does doing done each either " +
    "else ever every few for from get give given gives had has have having he her here him his how i if in into is it its itself just know let like list long look made make makes " +
    "many may me mention mentions might more most much must my name named names need no nor not now of off on once one only or other our out over own part per please say says see " +
    "shall she should show shows so some something such take tell than that the their them then there these they thing things this those through to too under until up us use used uses " +
    "using very was way we well were what whatever when where whether which while who whom whose why will with within without would yes yet you your " +
    "answer answers question questions text texts line lines file files context contexts document documents following snippet snippets excerpt excerpts quote quotes find found reply word words number count total project own"
  ).split(" "),
);

/** At most 12, in the order of the question. */
export function questionTerms(question: string): readonly Term[] {
  const quoted = new Set([...question.matchAll(/["'`“‘]([^"'`”’\n]{2,80})["'`”’]/g)].flatMap((match) => words(match[1] ?? "")));
  const terms = new Map<string, Term>();
  for (const match of question.matchAll(WORD)) {
    const word = match[0];
    const isNamed = isName(word, startsSentence(question, match.index)) || quoted.has(word.toLowerCase());
    if (!isNamed && (EVERYDAY.has(word.toLowerCase()) || word.length < 2)) continue;
    const stem = stemOf(word);
    if (terms.get(stem)?.weight !== 2) terms.set(stem, { stem, weight: isNamed ? 2 : 1 });
  }
  return [...terms.values()].slice(0, MAX_TERMS);
}

/** Stems of all words of a line; parts of compound identifiers count as words too. */
export function lineStems(line: string): ReadonlySet<string> {
  const stems = new Set<string>();
  for (const [word] of line.matchAll(WORD)) {
    stems.add(stemOf(word));
    for (const part of word.split(/[_$]+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})/u)) if (part !== "") stems.add(stemOf(part));
  }
  return stems;
}

/** A word without its English endings: never longer, and the beginning of the word. */
export function stemOf(word: string): string {
  let stem = word.toLowerCase();
  if (!/^[a-z]+$/.test(stem) || stem.length < 4) return stem;
  if (/[^s]s$/.test(stem)) stem = stem.slice(0, -1);
  const bare = stem.replace(/(?:ing|ed)$/, "");
  if (bare.length >= 3) stem = bare;
  if (stem.length > 3) stem = stem.replace(/(?:ie|y|e)$/, "");
  return stem.replace(/([bdfgklmnprt])\1$/, "$1");
}

/** Names, constants, identifiers and numbers: what a question would not say unless it meant it. */
function isName(word: string, startsSentence: boolean): boolean {
  if (/[\p{N}_$]/u.test(word)) return true;
  const isCapital = /^\p{Lu}/u.test(word);
  return /\p{Ll}\p{Lu}/u.test(word) || (word.length > 1 && isCapital && (!startsSentence || word === word.toUpperCase()));
}

function startsSentence(text: string, at: number): boolean {
  return /(?:^|[.!?:\n]\s*|["'`(]\s*)$/.test(text.slice(Math.max(0, at - 4), at));
}

function words(text: string): string[] {
  return Array.from(text.matchAll(WORD), ([word]) => word.toLowerCase());
}

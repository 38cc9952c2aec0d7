// The cells the offline root writes: a sound plan for any question over any context, with the question's terms filled in. They are
// what a real root model should write too: code searches and counts, the sub-model only reads a few windows.
import { NO_LINE, OFFLINE_MARK } from "./offline-quotes.ts";
import type { Term } from "./offline-terms.ts";

/** Patterns in ripgrep's syntax, one a term. A short stem has to begin a word. */
export function termPatterns(terms: readonly Term[]): readonly string[] {
  return terms.map(({ stem }) => {
    const literal = stem.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
    return /^[\p{L}\p{N}]{1,3}$/u.test(stem) ? String.raw`\b${literal}` : literal;
  });
}

/** Looks at what the context is. */
export function probeCell(): string {
  return `const kind = typeof context === "string" ? "text" : Array.isArray(context?.files) && typeof context?.read === "function" ? "corpus" : "data";
const size = kind === "text" ? context.length : kind === "corpus" ? context.size : JSON.stringify(context ?? null).length;
print(\`the context is \${kind} of \${size} \${kind === "corpus" ? \`bytes in \${context.files.length} files\` : "characters"}\`);`;
}

/** Searches for the terms, and gathers windows around the lines that carry the most and the rarest of them. */
export function searchCell(patterns: readonly string[]): string {
  return `const patterns: string[] = ${JSON.stringify(patterns)};
const options = { ignore_case: true, max_matches: 10000 };
let used = patterns;
let hits = await parallel_rg_search(used, null, options);
if (hits.truncated > 0) {
  // Too common words hide the rare ones: keep the rarest.
  const counts = await Promise.all(patterns.map(async (p) => { const one = await rg_search(p, null, { ...options, max_matches: 1 }); return one.length + one.truncated; }));
  let room = 10000;
  used = patterns.map((p, i) => ({ p, n: counts[i] ?? 0 })).sort((a, b) => a.n - b.n).filter(({ n }, i) => (room -= n) >= 0 || i === 0).map(({ p }) => p);
  hits = await parallel_rg_search(used, null, options);
}
const found = used.map(() => 0);
for (const hit of hits) found[hit.pattern]++;
const scores = new Map<string, { file: string; line: number; seen: Set<number>; score: number }>();
for (const hit of hits) {
  for (const near of [0, -1, 1]) {
    const line = hit.line + near;
    const key = hit.file + ":" + line;
    const at = scores.get(key) ?? { file: hit.file, line, seen: new Set<number>(), score: 0 };
    if (!at.seen.has(hit.pattern)) { at.seen.add(hit.pattern); at.score += (near === 0 ? 1 : 0.4) / Math.log2(2 + found[hit.pattern]); }
    scores.set(key, at);
  }
}
const taken: { file: string; line: number }[] = [];
for (const { file, line } of [...scores.values()].filter((at) => at.line > 0).sort((a, b) => b.score - a.score)) {
  if (taken.length === 40) break;
  if (!taken.some((other) => other.file === file && Math.abs(other.line - line) <= 4)) taken.push({ file, line });
}
const textLines = kind === "text" ? context.split(/\\r?\\n/) : kind === "data" ? JSON.stringify(context, null, 1).split("\\n") : [];
const windows: string[] = [];
for (const { file, line } of taken) {
  const from = Math.max(1, line - 2);
  const lines = kind === "corpus" ? (await context.read(file, { start_line: from, end_line: line + 2 })).split(/\\r?\\n/) : textLines.slice(from - 1, line + 2);
  windows.push(lines.map((text: string, i: number) => \`\${file}:\${from + i}: \${text.slice(0, 400)}\`).join("\\n"));
}
const files = new Set(hits.map((hit) => hit.file)).size;
const places = new Set(hits.map((hit) => hit.file + ":" + hit.line)).size;
print(\`\${places} lines in \${files} files carry \${used.join(", ")}\${hits.truncated > 0 ? \` (\${hits.truncated} more matches were cut off)\` : ""}; \${windows.length} windows gathered\`);`;
}

/** Asks the sub-model over the windows: few prompts, each full. */
export function askCell(question: string): string {
  return `const question = ${JSON.stringify(oneParagraph(question))};
const prompts: string[] = [];
for (let at = 0; at < windows.length; at += 10) prompts.push(\`\${question}\\n\\n\${windows.slice(at, at + 10).join("\\n")}\`);
const answers = prompts.length === 0 ? [] : await llm_batch_query(prompts);
print(\`\${answers.filter((text) => text !== null).length} of \${prompts.length} prompts answered\`);`;
}

/** Combines what was quoted, and ends the run. */
export function finalCell(): string {
  return `const quotes: string[] = [];
// Words that stand alone on their lines say little: they are counted, not quoted.
const counted = places === 0 ? [] : [\`\${places} lines carry one of the question's words: \${used.flatMap((p, i) => found[i] > 0 ? [\`\${p} \${found[i]} times\`] : []).join(", ")}\`];
for (const text of answers) {
  for (const line of (text ?? "").split("\\n")) {
    if (line.trim() !== "" && line !== ${JSON.stringify(OFFLINE_MARK)} && line !== ${JSON.stringify(NO_LINE)} && !quotes.includes(line)) quotes.push(line);
  }
}
FINAL([${JSON.stringify(OFFLINE_MARK)}, ...(quotes.length === 0 ? [${JSON.stringify(NO_LINE)}, ...counted] : [\`\${places} lines in \${files} files carry the question's words; those that bear on it most:\`, ...quotes.slice(0, 12)])].join("\\n"));`;
}

/** The plan without a model and without ripgrep, for when one of the cells above failed. */
export function simpleCell(stems: readonly string[]): string {
  return `const stems: string[] = ${JSON.stringify(stems)};
const best: { place: string; n: number }[] = [];
const weigh = (place: string, text: string) => {
  const low = text.toLowerCase();
  const n = stems.filter((stem) => low.includes(stem)).length;
  if (n >= Math.min(2, stems.length) && n > 0) best.push({ place: place + ": " + text.trim().slice(0, 300), n });
};
if (typeof context === "string") context.split(/\\r?\\n/).forEach((text: string, i: number) => weigh("context:" + (i + 1), text));
else if (Array.isArray(context?.files) && typeof context?.lines === "function") { for await (const { path, line, text } of context.lines()) weigh(path + ":" + line, text); }
else JSON.stringify(context ?? null, null, 1).split("\\n").forEach((text, i) => weigh("context:" + (i + 1), text));
const top = best.sort((a, b) => b.n - a.n).slice(0, 12).map(({ place }) => place);
FINAL([${JSON.stringify(OFFLINE_MARK)}, ...(top.length === 0 ? [${JSON.stringify(NO_LINE)}] : top)].join("\\n"));`;
}

/** When nothing runs: an answer all the same. */
export function giveUpCell(): string {
  return `FINAL(${JSON.stringify(`${OFFLINE_MARK}\n${NO_LINE}`)});`;
}

/** A blank line would end the instruction for the offline sub-model. */
function oneParagraph(question: string): string {
  return question.replaceAll(/\s+/g, " ").trim();
}

// %% Look: what is there?
const grouped = (n: number) => n.toLocaleString("en-US");
const megabytes = (files: readonly { size: number }[]) => files.reduce((sum, { size }) => sum + size, 0) / 1e6;
const ending = (path: string) => /(?:\.d)?\.\w+$/.exec(path)?.[0] ?? "no ending";
const types = Object.entries(Object.groupBy(context.files, ({ path }) => ending(path)));
types.sort(([, a], [, b]) => b.length - a.length);

print(`${grouped(context.files.length)} text files, ${megabytes(context.files).toFixed(0)} MB; the most frequent endings:`);
for (const [type, files] of types.slice(0, 5))
  print(`${type.padStart(9)} ${grouped(files.length).padStart(7)} files ${megabytes(files).toFixed(1).padStart(6)} MB`);

// %% Search: eight patterns at once, and one after another
const load = (names: string) => String.raw`(?:require\(|from|import\(?)\s*["'](?:node:)?(?:${names})["']`;
const patterns = [
  { can: "run programs", by: load("child_process") },
  { can: "run programs", by: String.raw`\b(?:exec|execFile|spawn)Sync\(|\bexecFile\(` },
  { can: "run code from strings", by: String.raw`new Function\(` },
  { can: "run code from strings", by: String.raw`(?:^|[^\w.$])eval\(` },
  { can: "run code from strings", by: load("vm") },
  { can: "open the network", by: load("net|tls|dgram|http2") },
  { can: "open the network", by: load("https?") },
  { can: "open the network", by: String.raw`(?:^|[^\w.$])fetch\(|new (?:WebSocket|XMLHttpRequest)\(` },
];
// What Node itself would run: no TypeScript, no declarations.
const glob = ["*.js", "*.cjs", "*.mjs"];
const all = patterns.map(({ by }) => by);

const started = performance.now();
const matches = await parallel_rg_search(all, null, { glob, context_lines: 2 });
const at_once = performance.now() - started;
for (const pattern of all) await rg_search(pattern, null, { glob, context_lines: 2 });
const in_turn = performance.now() - started - at_once;

print(
  `${grouped(matches.length)} places${matches.truncated > 0 ? ` of ${matches.length + matches.truncated}` : ""} in ${new Set(matches.map(({ file }) => file)).size} files`,
);
print(`at once ${at_once.toFixed(0)} ms, one after another ${in_turn.toFixed(0)} ms: ${(in_turn / at_once).toFixed(1)}×`);

// %% Scan: text that a search cannot read, found on threads
/** Where 512 characters in a row are nearest to random, in bits a character: prose has 4.3, code 5, base64 6. */
function densest(_: unknown, { path, text }: { path: string; text: string }) {
  let found = { path, bits: 0, at: 0 };
  for (let at = 0; at + 512 <= text.length; at += 48) {
    const counts = new Uint16Array(128);
    for (let i = at; i < at + 512; i++) counts[text.charCodeAt(i) & 127]++;
    let bits = 0;
    for (const n of counts) if (n > 0) bits -= (n / 512) * Math.log2(n / 512);
    if (bits > found.bits) found = { path, bits, at };
  }
  return { ...found, line: text.slice(0, found.at).split("\n").length };
}
const code = context.files.filter(({ path }) => /\.[cm]?js$/.test(path));
const largest = code.toSorted((a, b) => b.size - a.size).slice(0, 120);
async function timed(max_workers: number) {
  const started = performance.now();
  const results = await parallel_scan([densest], { over: largest, max_workers });
  return { results, ms: performance.now() - started };
}
const workers = get_optimal_workers();
const alone = await timed(1);
const together = await timed(workers);
const packed = together.results.filter(({ ok, value }) => ok && value.bits > 5.7).map(({ value }) => value);

print(
  `the ${largest.length} largest of ${grouped(code.length)} scripts, ${megabytes(largest).toFixed(0)} MB: 1 worker ${alone.ms.toFixed(0)} ms,`,
);
print(
  `${workers} workers ${together.ms.toFixed(0)} ms: ${(alone.ms / together.ms).toFixed(1)}×. ${packed.length} hold packed data, such as`,
);
for (const { path, line, bits } of packed.toSorted((a, b) => b.bits - a.bits).slice(0, 3))
  print(`  ${path}:${line} (${bits.toFixed(1)} bits a character)`);

// %% Ask: sub-models read the places, package by package
const packageOf = (path: string) => /^(?:@[^/]+\/)?[^/]+/.exec(path.split("node_modules/").at(-1) ?? path)?.[0] ?? path;
const packages = Object.entries(Object.groupBy(matches, ({ file }) => packageOf(file)));
const cut = ({ text, column }: RgMatch) => text.slice(Math.max(0, column - 61), column + 100).trim();
const question = "Which of these lines load `child_process`, `vm`, `net`, `http`, or call `exec`, `spawn`, `eval`, `Function`, `fetch`?";

const prompts = packages.map(
  ([, places]) =>
    `${question}\n\n${places
      .slice(0, 30)
      .map((place) => `${place.file}:${place.line}: ${cut(place)}`)
      .join("\n")}`,
);
const replies = await llm_batch_query(prompts);

// A quote counts only where the search found the same line: models make lines up.
const known = new Map(matches.map((place) => [`${place.file}:${place.line}`, place]));
const quoted = replies.flatMap((reply) => [...(reply ?? "").matchAll(/^[\s`*-]*(\S+:\d+)/gm)].map(([, place]) => place));
const evidence = [...new Set(quoted)].flatMap((place) => known.get(place) ?? []);
print(
  `${replies.filter((reply) => reply !== null).length} of ${prompts.length} answered; ${quoted.length} lines quoted, ${evidence.length} of them are places the search found`,
);

// %% Loop: code that never ends is stopped
let turns = 0;
for (;;) turns++;

// %% Go on: every variable is still there
print(`the loop made ${grouped(turns)} turns; ${grouped(matches.length)} matches and ${replies.length} replies are kept`);

// %% Reach out: there is no process, no require, no fetch
print([typeof process, typeof require, typeof fetch, Object.constructor("return typeof process")()].join(", "));
await read_file("/etc/passwd").catch((error) => print(error.message));

// %% Answer
const counts = Object.entries(Object.groupBy(patterns.keys(), (i) => patterns[i].can)).map(([can, indexes]) => {
  const places = matches.filter(({ pattern }) => indexes.includes(pattern));
  const files = new Set(places.map(({ file }) => file));
  return { can, packages: new Set(places.map(({ file }) => packageOf(file))).size, files: files.size, places: places.length };
});
// One line of a category, then one of the next: five, each from a package of its own where there are enough.
const rounds = counts.map(({ can }) => [
  ...new Map(
    (evidence.length > 0 ? evidence : matches)
      .filter(({ pattern }) => patterns[pattern].can === can)
      .map((place) => [packageOf(place.file), place]),
  ).values(),
]);
const quotes = Array.from({ length: 5 }, (_, i) => rounds.flatMap((places) => places.slice(i, i + 1)))
  .flat()
  .slice(0, 5);

FINAL({
  counts,
  packages: packages.length,
  quotes: quotes.map((place) => ({ at: `${place.file}:${place.line}`, text: cut(place) })),
  check: { text: "new Function(", globs: glob, places: matches.filter(({ pattern }) => pattern === 2).length },
});

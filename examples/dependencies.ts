// %% Look: what is there?
const megabytes = (files: readonly { size: number }[]) => `${(files.reduce((sum, { size }) => sum + size, 0) / 1e6).toFixed(1)} MB`;
const types = Object.entries(Object.groupBy(context.files, ({ path }) => /(?:\.d)?\.\w+$/.exec(path)?.[0] ?? "no ending"));

print(`${context.files.length.toLocaleString()} text files, ${megabytes(context.files)}; the most frequent endings:`);
for (const [type, files] of types.toSorted(([, a], [, b]) => b.length - a.length).slice(0, 5))
  print(`${type.padStart(9)} ${files.length.toLocaleString().padStart(7)} files ${megabytes(files).padStart(9)}`);

// %% Choose: what tells that code can do these things?
const load = (names: string) => String.raw`(?:require\(|from|import\(?)\s*["'](?:node:)?(?:${names})["']`;
const signs = [
  { can: "run programs", by: load("child_process") },
  { can: "run programs", by: String.raw`\b(?:exec|execFile|spawn)Sync\(|\bexecFile\(` },
  { can: "run code from strings", by: String.raw`new Function\(` },
  { can: "run code from strings", by: String.raw`(?:^|[^\w.$])eval\(` },
  { can: "run code from strings", by: load("vm") },
  { can: "open the network", by: load("net|tls|dgram|http2") },
  { can: "open the network", by: load("https?") },
  { can: "open the network", by: String.raw`(?:^|[^\w.$])fetch\(|new (?:WebSocket|XMLHttpRequest)\(` },
];
// Node runs no TypeScript that lies in node_modules; elsewhere it may.
const installed = "node_modules" in contexts || context.files.some(({ path }) => path.includes("node_modules/"));
const globs = installed ? ["*.js", "*.cjs", "*.mjs"] : ["*.js", "*.cjs", "*.mjs", "*.jsx", "*.ts", "*.cts", "*.mts", "*.tsx"];

// %% Search: eight patterns in one call, then one after another
const patterns = signs.map(({ by }) => by);
const started = performance.now();
const matches = await parallel_rg_search(patterns, null, { glob: globs });
const at_once = performance.now() - started;
for (const pattern of patterns) await rg_search(pattern, null, { glob: globs });
const in_turn = performance.now() - started - at_once;

print(`${matches.length} places in ${new Set(matches.map(({ file }) => file)).size} files`);
if (matches.truncated > 0) print(`and ${matches.truncated} more that are not counted here`);
print(`at once ${at_once.toFixed(0)} ms, one after another ${in_turn.toFixed(0)} ms: ${(in_turn / at_once).toFixed(1)}×`);

// %% Scan: what no search finds. This runs on threads, over the text of each file
/** Where 512 characters in a row are nearest to random, in bits a character: prose has about 4, code 5, base64 6. */
function densest(_: unknown, { text }: { text: string }) {
  let most = { bits: 0, at: 0 };
  for (let at = 0; at + 512 <= text.length; at += 48) {
    const counts = new Uint16Array(128);
    for (let i = at; i < at + 512; i++) counts[Math.min(text.charCodeAt(i), 127)]++;
    let bits = 0;
    for (const n of counts) if (n > 0) bits -= (n / 512) * Math.log2(n / 512);
    if (bits > most.bits) most = { bits, at };
  }
  return { bits: most.bits, line: text.slice(0, most.at).split("\n").length };
}

// %% Run it: with 1 worker, then with all
const endings = globs.map((glob) => glob.slice(1));
const scripts = context.files.filter(({ path }) => endings.some((ending) => path.endsWith(ending)) && !/\.d\.\w+$/.test(path));
const largest = scripts.toSorted((a, b) => b.size - a.size).slice(0, 120);
async function timed(max_workers: number) {
  const started = performance.now();
  const results = await parallel_scan([densest], { over: largest, max_workers });
  return { results, ms: performance.now() - started };
}
const alone = await timed(1);
const together = await timed(get_optimal_workers());
print(`the ${largest.length} largest of ${scripts.length.toLocaleString()} scripts, ${megabytes(largest)}:`);
print(
  `1 worker ${alone.ms.toFixed(0)} ms, ${get_optimal_workers()} workers ${together.ms.toFixed(0)} ms: ${(alone.ms / together.ms).toFixed(1)}×`,
);

// %% Read what came back: results keep the order of the files
const dense = together.results.flatMap(({ ok, value }, i) => (ok && value.bits > 5.8 ? [{ ...value, path: largest[i].path }] : []));
dense.sort((a, b) => b.bits - a.bits);
print(`${dense.length} files have a stretch as dense as packed data; look there by eye:`);
for (const { path, line, bits } of dense.slice(0, 3)) print(`  ${path}:${line} (${bits.toFixed(1)} bits a character)`);

// %% Ask: sub-models read the places, one prompt a package
const package_of = (path: string) => /^(?:@[^/]+\/)?[^/]+/.exec(path.split("node_modules/").at(-1) ?? path)?.[0] ?? path;
const packages = Object.entries(Object.groupBy(matches, ({ file }) => package_of(file)));
const shown = ({ text, column }: RgMatch) => text.slice(Math.max(0, column - 31), column + 70).trim();
const listed = (places: RgMatch[]) => places.slice(0, 30).map((place) => `${place.file}:${place.line}: ${shown(place)}`);
const question = "Which of these lines load `child_process`, `vm`, `net`, `http`, or call `exec`, `spawn`, `eval`, `Function`, `fetch`?";

const replies = await llm_batch_query(packages.map(([, places]) => `${question}\n\n${listed(places).join("\n")}`));
const answered = replies.filter((reply) => reply !== null);
print(`${answered.length} of ${replies.length} answered. The first reply begins:`);
print((answered[0] ?? "none").split("\n").slice(0, 3).join("\n"));

// %% Check: models make lines up, so a quote counts only where the search found that line
const known = new Map(matches.map((place) => [`${place.file}:${place.line}`, place]));
const quoted = new Set(answered.flatMap((reply) => [...reply.matchAll(/^[\s`*-]*(\S+:\d+)/gm)].map(([, place]) => place)));
const evidence = [...quoted].flatMap((place) => known.get(place) ?? []);
print(`${quoted.size} lines quoted, ${evidence.length} of them are lines the search found`);

// %% Loop: code that never ends is stopped
let turns = 0;
for (;;) turns++;

// %% Go on: every variable is still there
print(`the loop made ${turns.toLocaleString()} turns; ${matches.length} matches and ${replies.length} replies are kept`);

// %% Reach out: there is no process, no require, no fetch, and no way to the host's files
print([typeof process, typeof require, typeof fetch, Object.constructor("return typeof process")()].join(", "));
await read_file("/etc/passwd").catch((error) => print(error.message));

// %% Count: in code, never in a prompt
const counts = [...new Set(signs.map(({ can }) => can))].map((can) => {
  const places = matches.filter(({ pattern }) => signs[pattern].can === can);
  const files = new Set(places.map(({ file }) => file));
  return { can, packages: new Set([...files].map(package_of)).size, files: files.size, places: places.length };
});
const functions = matches.filter(({ pattern }) => pattern === 2);

// %% Answer: five quotes, of each kind in turn, each from another package where there are enough
const sources = evidence.length > 0 ? evidence : matches;
const kinds = counts.map(({ can }) => sources.filter(({ pattern }) => signs[pattern].can === can));
const by_package = kinds.map((places) => [...new Map(places.map((place) => [package_of(place.file), place])).values()]);
const in_turns = [0, 1, 2, 3, 4].flatMap((i) => by_package.flatMap((places) => places.slice(i, i + 1)));
const five = [...new Set([...in_turns, ...sources])].slice(0, 5);

FINAL({
  counts,
  packages: packages.length,
  quotes: five.map((place) => ({ at: `${place.file}:${place.line}`, text: shown(place) })),
  check: { text: "new Function(", globs, places: functions.length },
});

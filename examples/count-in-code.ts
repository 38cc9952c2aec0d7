// %% Count in code: every file of the workspace, on all workers
const files = await list_files("*.ts");
const texts = await Promise.all(files.map(async ({ path }) => ({ path, text: await read_file(path) })));

// A scan function runs in another isolate: what it mentions of the session goes along by value.
const keyword = /\b(?:async|await)\b/g;
function count(text: string): number {
  return text.match(keyword)?.length ?? 0;
}

// %% Scan
const results = await parallel_scan([(_, file) => ({ path: file.path, found: count(file.text) })], { over: texts });
const counted = results.filter(({ ok }) => ok).map(({ value }) => value);
counted.sort((a, b) => b.found - a.found);
print(`${counted.length} files, ${results.length - counted.length} failed`);

// %% Answer
FINAL({ total: counted.reduce((sum, { found }) => sum + found, 0), most: counted.slice(0, 3) });

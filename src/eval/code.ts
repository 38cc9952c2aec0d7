// CodeQA-like: a generated repository. Which file defines a function, who calls it, which setting wins.
import { exactScore, f1Score, type Task } from "./task.ts";
import type { Random } from "./random.ts";

const VERBS = ["load", "parse", "merge", "send", "check", "render", "store", "split"];
const NOUNS = ["Order", "Invoice", "User", "Report", "Cache", "Token", "Queue", "Chart"];
const FILLER_LINE = "  // Keeps what was there before, and tells the log of what has changed since.\n";
const FILE_CHARACTERS = 4_000;

export function code(random: Random, characters: number): Task {
  const count = Math.max(6, Math.floor(characters / FILE_CHARACTERS));
  const names = Array.from({ length: count }, (_, i) => `${random.one(VERBS)}${random.one(NOUNS)}${i}`);
  const files: Record<string, string> = {};
  const callers = new Map<string, string[]>();
  for (const [i, name] of names.entries()) {
    const path = `src/${random.one(NOUNS).toLowerCase()}/module${i}.ts`;
    const called = [...new Set(Array.from({ length: 2 }, () => random.one(names)))].filter((other) => other !== name);
    for (const other of called) callers.set(other, [...(callers.get(other) ?? []), path]);
    const lines = FILLER_LINE.repeat(Math.floor((FILE_CHARACTERS - 300) / FILLER_LINE.length));
    files[path] =
      `export function ${name}(input: string): string {\n${lines}${called.map((other) => `  ${other}(input);\n`).join("")}  return input;\n}\n`;
  }
  const limits = Array.from({ length: 3 }, () => 10 + random.below(990));
  files["config/default.json"] = JSON.stringify({ limit: limits[0] });
  files["config/production.json"] = JSON.stringify({ limit: limits[1] });
  files["config/local.json"] = JSON.stringify({ limit: limits[2] });
  files["src/config.ts"] =
    `// Later files win: default, then local, then production.\nexport const ORDER = ["default", "local", "production"];\n`;
  const name = random.one([...callers.keys()]);
  const home = Object.keys(files).find((path) => files[path]?.includes(`function ${name}(`)) ?? "";
  const common = { kind: "codeqa", context: files, labels: new Map(), allLabels: [] } as const;
  const look = "print(context.files.length, context.files.slice(0, 5))";
  const overCalling = (last: string): readonly string[] => [
    `for (const { path } of context.files) await llm_query("What does this do?\\n" + await context.read(path))`,
    last,
  ];
  const find = (pattern: string): string => `const hits = await rg_search(${JSON.stringify(pattern)}); print(hits.slice(0, 5));`;
  const variants: (() => Task)[] = [
    () => {
      const end = "FINAL(hits[0].file)";
      const search = find(`function ${name}\\(`);
      const good = [look, search, end];
      const question = `Which file defines the function ${name}? Answer with its path.`;
      return {
        ...common,
        question,
        gold: home,
        good,
        overCalling: overCalling(`${search} ${end}`),
        score: (answer) => exactScore(answer, home),
      };
    },
    () => {
      const gold = (callers.get(name) ?? []).toSorted();
      const end = "FINAL([...new Set(hits.map((hit) => hit.file))])";
      const search = find(`^\\s+${name}\\(`);
      const question = `Which files call the function ${name}? Answer with a list of their paths.`;
      return {
        ...common,
        question,
        gold,
        good: [look, search, end],
        overCalling: overCalling(`${search} ${end}`),
        score: (answer) => f1Score(answer, gold),
      };
    },
    () => {
      const gold = String(limits[1]);
      const read = `print(await context.read("src/config.ts"), await rg_search("limit"));`;
      const end = `FINAL(String(JSON.parse(await context.read("config/production.json")).limit))`;
      const question =
        "What is the value of the setting `limit` in the end, where all configuration files are there? Answer with the number.";
      return {
        ...common,
        question,
        gold,
        good: [look, read, end],
        overCalling: overCalling(end),
        score: (answer) => exactScore(answer, gold),
      };
    },
  ];
  return random.one(variants)();
}

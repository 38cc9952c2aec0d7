// S-NIAH: one keyed number in filler, among other keys.
import { exactScore, type Task } from "./task.ts";
import type { Random } from "./random.ts";

const WORDS = [
  "amber",
  "basalt",
  "cedar",
  "delta",
  "ember",
  "fjord",
  "garnet",
  "harbor",
  "indigo",
  "juniper",
  "krill",
  "lagoon",
  "maple",
  "nectar",
];
const FILLER = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
const DISTRACTORS = 8;

export function needle(random: Random, characters: number): Task {
  const keys = new Set<string>();
  while (keys.size <= DISTRACTORS) keys.add(`${random.one(WORDS)}-${random.one(WORDS)}-${random.below(1_000)}`);
  const numbers = [...keys].map((key) => [key, String(1_000_000 + random.below(9_000_000))] as const);
  const [[key, gold] = ["", ""]] = numbers;
  const lines = Array.from({ length: Math.max(numbers.length, Math.floor(characters / (FILLER.length + 1))) }, () => FILLER);
  for (const [name, number] of numbers) lines[random.below(lines.length)] = `One of the magic numbers for ${name} is ${number}.`;
  // A later one may have fallen on the line of the first.
  if (!lines.some((line) => line.includes(` ${key} `)))
    lines[random.below(lines.length)] = `One of the magic numbers for ${key} is ${gold}.`;
  const pattern = JSON.stringify(`magic numbers for ${key} is (\\d+)`);
  return {
    kind: "s-niah",
    question: `What is the magic number for ${key} that is named in the text? Answer with the number alone.`,
    context: `${lines.join("\n")}\n`,
    gold,
    labels: new Map(),
    allLabels: [],
    good: [
      `print(context.length, context.slice(0, 200))`,
      `const found = await parallel_rg_search([${pattern}]); print(found.map((m) => m.text));`,
      `FINAL(/is (\\d+)/.exec(found[0].text)[1])`,
    ],
    overCalling: [
      `const pieces = context.match(/[^]{1,2000}/g); const said = []; for (const piece of pieces) said.push(await llm_query(${JSON.stringify(`Is the magic number for ${key} in this text?`)} + "\\n" + piece)); said.length`,
      `const hit = /magic numbers for ${key} is (\\d+)/.exec(context); FINAL(hit[1])`,
    ],
    score: (answer) => exactScore(answer, gold),
  };
}

// OOLONG-like: one instance a line with a user and a date, whose label has to be read. Questions count over labels, users and time; of the
// pairs kind they ask for pairs of users.
import { countScore, f1Score, type Task } from "./task.ts";
import type { Random } from "./random.ts";

const LABELS = ["abbreviation", "entity", "description", "human", "location", "number"] as const;
type Label = (typeof LABELS)[number];
const ASKED: Readonly<Record<Label, readonly string[]>> = {
  abbreviation: ["What does # stand for", "What is the full form of #"],
  entity: ["What breed of animal is #", "Which instrument does # belong to"],
  description: ["Why did # come about", "How does one explain #"],
  human: ["Who first wrote about #", "Which person is known for #"],
  location: ["Where can # be found", "In which country lies #"],
  number: ["How many parts has #", "How long did # last, in years"],
};
const NAMES = ["Arden", "Brook", "Carver", "Dune", "Elm", "Finch", "Grove", "Heron", "Iris", "Jasper", "Kestrel", "Linden", "Moss"];
const LINE_CHARACTERS = 85;
const BATCH = 50;

interface Instance {
  readonly user: string;
  readonly date: string;
  readonly text: string;
  readonly label: Label;
}

function instances(random: Random, characters: number, userCount: number): Instance[] {
  const users = Array.from({ length: userCount }, () => String(10_000 + random.below(90_000)));
  return Array.from({ length: Math.max(20, Math.floor(characters / LINE_CHARACTERS)) }, (_, i) => {
    const label = random.one(LABELS);
    const text = `${random.one(ASKED[label]).replace("#", `the ${random.one(NAMES)} ${random.one(NAMES)} ${i}`)}?`;
    const date = new Date(Date.UTC(2024, 0, 1 + random.below(365))).toISOString().slice(0, 10);
    return { user: random.one(users), date, text, label };
  });
}

const textOf = (all: readonly Instance[]): string =>
  `${all.map(({ user, date, text }) => `Date: ${date} || User: ${user} || Instance: ${text}`).join("\n")}\n`;

const PARSE = `const rows = context.trimEnd().split("\\n").map((line) => /^Date: (\\S+) \\|\\| User: (\\d+) \\|\\| Instance: (.*)$/.exec(line)).map(([, date, user, text]) => ({ date, user, text }));`;
const TASK = `Classify each numbered question by what kind of answer it wants: ${LABELS.join(", ")}. Reply with one line for each: number: label`;
/** Few fat prompts; those that failed, and items without a label, are asked again. */
const LABEL = `
async function label(items) {
  for (let tries = 0; tries < 4; tries++) {
    const open = items.filter((item) => item.label === undefined);
    if (open.length === 0) return;
    const groups = Array.from({ length: Math.ceil(open.length / ${BATCH}) }, (_, i) => open.slice(i * ${BATCH}, (i + 1) * ${BATCH}));
    const replies = await llm_batch_query(groups.map((group) => ${JSON.stringify(TASK)} + "\\n" + group.map((item, i) => (i + 1) + ": " + item.text).join("\\n")));
    replies.forEach((reply, g) => { for (const [, n, said] of (reply ?? "").matchAll(/^(\\d+): (\\w+)$/gm)) groups[g][n - 1].label = said; });
  }
}`;
const LABEL_EACH = `for (const row of rows) row.label = (await llm_query(${JSON.stringify(TASK)} + "\\n1: " + row.text)).replace(/^1: /, "");`;

export function oolong(random: Random, characters: number): Task {
  const all = instances(random, characters, 12);
  const label = random.one(LABELS);
  const user = random.one(all).user;
  const before = "2024-07-01";
  const [question, test, filter] = random.one([
    [`How many instances are of the kind "${label}"?`, () => true, "true"],
    [`How many instances of user ${user} are of the kind "${label}"?`, (each: Instance) => each.user === user, `row.user === "${user}"`],
    [`How many instances before ${before} are of the kind "${label}"?`, (each: Instance) => each.date < before, `row.date < "${before}"`],
  ] as const);
  const gold = all.filter((each) => each.label === label && test(each)).length;
  const count = `const n = rows.filter((row) => (${filter}) && row.label === "${label}").length; print(n, rows.slice(0, 3));`;
  return {
    kind: "oolong",
    question: `Each line is an instance, a question somebody asked. Its kind is what kind of answer it wants: ${LABELS.join(", ")}. ${question} Answer with the number.`,
    context: textOf(all),
    gold,
    labels: new Map(all.map(({ text, label: own }) => [text, own])),
    allLabels: LABELS,
    good: [`${PARSE} print(rows.length, rows[0]);`, `${LABEL}\nawait label(rows.filter((row) => ${filter})); ${count}`, "FINAL(n)"],
    overCalling: [PARSE, `${LABEL_EACH} ${count}`, "FINAL(rows.filter((row) => row.label !== undefined).length)"],
    score: (answer) => countScore(answer, gold),
  };
}

export function oolongPairs(random: Random, characters: number): Task {
  const all = instances(random, characters, 10);
  const [first, second] = [random.one(LABELS), random.one(LABELS)];
  const users = [...new Set(all.map(({ user }) => user))].toSorted();
  const most = Math.max(1, Math.round(all.length / users.length / LABELS.length));
  const has = (user: string, label: Label): boolean => all.filter((each) => each.user === user && each.label === label).length >= most;
  const gold = pairsOf(users).filter(([a, b]) => has(a, first) && has(b, second));
  const code = `
const users = [...new Set(rows.map((row) => row.user))].sort();
const has = (user, label) => rows.filter((row) => row.user === user && row.label === label).length >= ${most};
const pairs = users.flatMap((a, i) => users.slice(i + 1).map((b) => [a, b])).filter(([a, b]) => has(a, "${first}") && has(b, "${second}")).map((pair) => pair.join("-"));
print(pairs.length, pairs.slice(0, 3));`;
  return {
    kind: "oolong-pairs",
    question: `Each line is an instance, a question somebody asked. Its kind is what kind of answer it wants: ${LABELS.join(", ")}. List all pairs of users a-b with a < b where a has at least ${most} instances of the kind "${first}" and b at least ${most} of the kind "${second}". Answer with a list of texts like "123-456".`,
    context: textOf(all),
    gold: gold.map((pair) => pair.join("-")),
    labels: new Map(all.map(({ text, label }) => [text, label])),
    allLabels: LABELS,
    good: [`${PARSE} print(rows.length, rows[0]);`, `${LABEL}\nawait label(rows);${code}`, "FINAL(pairs)"],
    overCalling: [PARSE, `${LABEL_EACH}${code}`, "FINAL([])"],
    score: (answer) =>
      f1Score(
        answer,
        gold.map((pair) => pair.join("-")),
      ),
  };
}

function pairsOf(users: readonly string[]): (readonly [string, string])[] {
  return users.flatMap((a, i) => users.slice(i + 1).map((b) => [a, b] as const));
}

// `help TOPIC`: a page of docs/ as it stands, so that what is printed cannot differ from what is read on the web.
import { readdirSync, readFileSync } from "node:fs";
import { HostError } from "../errors.ts";
import { nearPaths } from "../workspace/near.ts";
import type { Streams } from "./command.ts";
import { EXIT } from "./exit.ts";

const FOLDER = new URL("../docs/", import.meta.url);

export async function help(topic: string | undefined, { out }: Streams): Promise<number> {
  const topics = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.slice(0, -".md".length));
  if (topic === undefined) {
    await out.write(`${topics.map((name) => `${name.padEnd(16)}${titleOf(page(name))}`).join("\n")}\n\nrlm-repl help TOPIC prints one.\n`);
    return EXIT.ok;
  }
  if (!topics.includes(topic)) {
    const [near] = nearPaths(topic, topics);
    throw new HostError(
      "E_USAGE",
      `no topic ${JSON.stringify(topic)}${near === undefined ? "" : `; did you mean ${near}?`} There are ${topics.join(", ")}`,
    );
  }
  await out.write(page(topic));
  return EXIT.ok;
}

function page(topic: string): string {
  return readFileSync(new URL(`${topic}.md`, FOLDER), "utf8");
}

function titleOf(text: string): string {
  return /^# (.*)$/m.exec(text)?.[1] ?? "";
}

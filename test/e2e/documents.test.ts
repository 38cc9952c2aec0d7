// Every command of the README and of the examples runs as it stands there.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cli } from "./cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PREFIX = "npm run -s rlm-repl -- ";

function commands(file: string): string[][] {
  const blocks = [...readFileSync(`${ROOT}/${file}`, "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.split("\n"))
    .filter((line) => line.startsWith(PREFIX))
    .map((line) =>
      [...line.slice(PREFIX.length).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) =>
        (quoted ?? bare ?? "").replaceAll(String.raw`\\`, String.raw`\\`),
      ),
    );
}

describe.each(["README.md", "examples/README.md"])("%s", (file) => {
  it.each(commands(file).map((args) => [args.join(" "), args] as const))("%s", async (_, args) => {
    const { code, stdout, stderr } = await cli(args, { cwd: ROOT });
    // The loop of the dependencies' notebook is stopped on purpose: that cell is what its exit code tells.
    expect(code, stderr).toBe(args.includes("examples/dependencies.ts") ? 4 : 0);
    expect(stdout).not.toBe("");
  });
});

it("the README's first two commands are npm scripts that exist", () => {
  const readme = readFileSync(`${ROOT}/README.md`, "utf8");
  const [first, second] = [...readme.matchAll(/^```sh\n(.*)\n```/gm)].map(([, command]) => command);
  expect([first, second]).toEqual(["npm ci && npm run demo", "npm ci && npm test"]);
});

it("finds what the examples' data holds", async () => {
  const { stdout } = await cli(["run", "examples/log-triage.ts", "-c", "examples/data/app.log", "--model", "offline"], { cwd: ROOT });
  const log = readFileSync(`${ROOT}/examples/data/app.log`, "utf8").split("\n");
  const answer = JSON.parse(stdout) as { errors: number; slow: number; database: string[] };
  expect(answer.errors).toBe(log.filter((line) => line.includes("ERROR")).length);
  expect(answer.slow).toBe(log.filter((line) => /took \d{4,} ms/.test(line)).length);
  expect(answer.database.length).toBeGreaterThan(0);
});

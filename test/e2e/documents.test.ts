// Every command of the README, the examples and docs/ runs as it stands there, and generated pages are what is generated.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PAGES } from "../../docs/generate.ts";
import { cli, folder } from "./cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** In a checkout, and as it is installed. */
const PREFIX = /^(?:npm run -s rlm-repl -- |rlm-repl )(?=.*\S)/;
const DOCS = readdirSync(`${ROOT}/docs`).filter((name) => name.endsWith(".md"));

function commands(file: string): string[][] {
  const blocks = [...readFileSync(`${ROOT}/${file}`, "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.split("\n"))
    .filter((line) => PREFIX.test(line))
    .map((line) =>
      [...line.replace(PREFIX, "").matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) =>
        (quoted ?? bare ?? "").replaceAll(String.raw`\\`, String.raw`\\`),
      ),
    );
}

const WITH_COMMANDS = ["README.md", "examples/README.md", ...DOCS.map((name) => `docs/${name}`)].filter(
  (file) => commands(file).length > 0,
);

describe.each(WITH_COMMANDS)("%s", (file) => {
  it.each(commands(file).map((args) => [args.join(" "), args] as const))("%s", async (_, args) => {
    const { code, stdout, stderr } = await cli(args, { cwd: ROOT });
    // The loop of the dependencies' notebook is stopped on purpose: that cell is what its exit code tells.
    expect(code, stderr).toBe(args.includes("examples/dependencies.ts") ? 4 : 0);
    expect(stdout).not.toBe("");
  });
});

it.each(Object.entries(PAGES))("docs/%s is what `npm run docs` writes", (name, page) => {
  expect(readFileSync(`${ROOT}/docs/${name}`, "utf8")).toBe(page());
});

it("every example of the library in docs/start.md runs", async () => {
  const [example = ""] = [...readFileSync(`${ROOT}/docs/start.md`, "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);
  using files = folder({});
  const file = `${files.path}/example.ts`;
  writeFileSync(file, example.replace('"rlm-repl"', JSON.stringify(`${ROOT}/dist/index.js`)));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: ROOT });
  expect(stdout).toMatch(/^\d+ threw Cannot read properties of null \(reading 'x'\) \[\] \d+\n/);
  expect(stdout).toContain("offline: quoted lines");
});

it.each(DOCS)("help prints %s", async (name) => {
  const { code, stdout } = await cli(["help", name.replace(".md", "")]);
  expect([code, stdout]).toEqual([0, readFileSync(`${ROOT}/docs/${name}`, "utf8")]);
  expect((await cli(["help"])).stdout).toContain(name.replace(".md", ""));
});

it("help names the nearest topic", async () => {
  const { code, stderr } = await cli(["help", "configuratoin"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("did you mean configuration?")]);
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

// `--cache`: what one session asked, another one need not, whatever process it is in.
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession } from "../../src/index.ts";
import { serveAnthropic } from "../src/llm/servers.ts";
import { cli, folder } from "./cli.ts";

const KEY = "sk-ant-test-5f8e21aa90c3d7b6";
const CELL =
  "[await llm_query('a'), await llm_batch_query(['b', 'a', 'b']), await llm_query('c', { max_tokens: 9 }).catch((e) => e.code), await llm_query('d', { fresh: true })]";

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

it("answers identical calls of other sessions, keeps no failure and no fresh one, and says what it saved", async () => {
  await using server = await serveAnthropic(({ last }) =>
    last === "c" ? { text: "no", stop: "refusal" } : { text: `re ${last}`, usage: { input: 1000, output: 10 } },
  );
  using files = folder({});
  const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url, XDG_STATE_HOME: files.path };
  const expected = ["re a", ["re b", "re a", "re b"], "E_LLM_REFUSED", "re d"];
  const first = await cli(["-e", CELL, "-m", "anthropic", "--cache"], { env });
  expect(JSON.parse(first.stdout)).toEqual(expected);
  expect(server.requests.map(({ last }) => last)).toEqual(["a", "b", "c", "d"]);
  const cache = join(files.path, "rlm-repl", "cache");
  expect(filesIn(cache)).toHaveLength(2);
  for (const path of filesIn(cache)) expect([statSync(path).mode & 0o777, path.includes(KEY)]).toEqual([0o600, false]);

  const second = await cli(["-e", CELL, "-m", "anthropic"], { env: { ...env, RLM_CACHE: "1" } });
  expect(JSON.parse(second.stdout)).toEqual(expected);
  expect(server.requests.slice(4).map(({ last }) => last)).toEqual(["c", "d"]);

  await using session = await openSession({ env, model: "anthropic", cache: true });
  expect((await session.run(CELL)).value).toEqual(expected);
  // The refused call and the fresh one were made and paid for.
  expect(session.usage).toMatchObject({ calls: 2, memo: 4, repeated: 0 });
  expect(session.usage.savedUsd).toBeGreaterThan(0);

  // Without it a session asks by itself, and so does one that keeps nothing; one that is damaged is asked again.
  const before = server.requests.length;
  await cli(["-e", "await llm_query('a')", "-m", "anthropic"], { env });
  await cli(["-e", "await llm_query('a')", "-m", "anthropic", "--cache", "--ephemeral"], { env });
  for (const path of filesIn(cache)) writeFileSync(path, '{"text":"half');
  await cli(["-e", "await llm_query('a')", "-m", "anthropic", "--cache"], { env });
  await cli(["-e", "await llm_query('a')", "-m", "anthropic", "--cache"], { env });
  expect(server.requests).toHaveLength(before + 3);

  for (const path of filesIn(cache)) utimesSync(path, 1, 1);
  expect((await cli(["sessions", "prune", "--yes"], { env })).stdout).toContain("and 2 cached answers");
  expect(filesIn(cache)).toEqual([]);
});

// Random sessions whose process or sandbox ends at random places: what they come to is what they come to undisturbed.
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSession, type ReplSession, type SessionOptions } from "../../src/index.ts";
import { folder } from "../e2e/cli.ts";
import { kernelsBelow } from "../faults/setup.ts";

const PREPARE = `const log = []; const made = []; const later = []; let calls = 0; let open;
  const ask = (text) => llm_query(text + calls++);
  function* counting() { for (let i = 0; ; i++) log.push("g" + i + (yield i)) }
  const steps = counting(); steps.next();`;
const STATE = "JSON.stringify([log, calls, later.length, made.map((f) => f()), Math.random()])";

/** Statements of a cell: what each does is the same whatever is slow. */
const statement = fc.oneof(
  fc.constant("log.push(Math.random());"),
  fc.constant("log.push(crypto.randomUUID());"),
  fc.constant("log.push(await ask('q'));"),
  fc.integer({ min: 1, max: 4 }).map((n) => `log.push(...await llm_batch_query(Array.from({ length: ${n} }, () => "b" + calls++)));`),
  fc.integer({ min: 0, max: 6 }).map((ms) => `await new Promise((resolve) => setTimeout(resolve, ${ms})); log.push(Math.random());`),
  fc.constant("{ let n = log.length; const x = Math.random(); made.push(() => [n++, x]); made.at(-1)(); }"),
  fc.constant(
    "{ class Made { x = Math.random(); #n = 0; next() { return [this.x, ++this.#n] } } const m = new Made(); made.push(() => m.next()); }",
  ),
  fc.constant("steps.next(log.length);"),
  fc.constant("later.push(ask('later'));"),
  fc.constant("if (later.length > 0) log.push(await later.shift());"),
  fc.constant("log.push(...await Promise.all([ask('x'), new Promise((r) => setTimeout(() => r('t'), 2)), ask('y')]));"),
  fc.constant("log.push((await parallel_scan([() => 7, () => { throw new Error('s') }])).map((r) => r.value ?? r.error.code).join());"),
  fc.constant("log.push(await llm_query('same'));"),
  fc.constant("try { await read_file('missing') } catch (e) { log.push(e.code) }"),
  fc.constant("for (const name of [1, 2]) { await 0; log.push(name); }"),
  fc.constant("print(log.length);"),
);
const cell = fc.tuple(fc.array(statement, { minLength: 1, maxLength: 5 }), fc.constantFrom("", "", "", "throw new Error('ends here')"));
const program = fc
  .array(cell, { minLength: 2, maxLength: 6 })
  .map((cells) => [PREPARE, ...cells.map(([statements, end]) => [...statements, end].join("\n"))]);

/** Evenly over the whole length. */
const cuts = fc.array(
  fc.noBias(fc.integer({ min: 0, max: 9_999 })).map((n) => n / 10_000),
  { minLength: 4, maxLength: 4 },
);

const model = async (prompt: string): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, prompt.startsWith("later") ? 20 : prompt.length % 4));
  return `re ${prompt}`;
};

function open(place: string, options: Partial<SessionOptions> = {}): Promise<ReplSession> {
  return openSession({ env: {}, stateDir: place, cwd: join(place, ".."), session: "s", model, ...options });
}

/** Runs the cells a session has not had yet, and says what it came to: each cell's outcome and output, and its variables. */
async function finish(session: ReplSession, cells: readonly string[], until: number = cells.length): Promise<unknown> {
  const told: unknown[] = [];
  const resumed = await session.resumedCell?.result;
  const had = session.earlier.length + (resumed === undefined ? 0 : 1);
  if (resumed !== undefined) told.push([resumed.outcome, resumed.output]);
  for (const source of cells.slice(had, until)) {
    const { outcome, output } = await session.run(source);
    told.push([outcome, output]);
  }
  return [told, (await session.run(STATE)).value];
}

function journalIn(place: string): string {
  const [id = ""] = readdirSync(join(place, "sessions"));
  return join(place, "sessions", id, "journal.jsonl");
}

/** The place of a session as it would be, had its process ended when it had written so many bytes. */
function cutAt(from: string, to: string, bytes: number): void {
  cpSync(from, to, { recursive: true });
  const path = journalIn(to);
  writeFileSync(path, readFileSync(path).subarray(0, bytes));
}

function ends(told: unknown, count: number): unknown {
  const [cells, state] = told as [unknown[], unknown];
  return [cells.slice(cells.length - count), state];
}

describe("a random session", () => {
  it("whose process ended at any byte of its journal comes to what it came to undisturbed", async () => {
    await fc.assert(
      fc.asyncProperty(program, cuts, async (cells, places) => {
        using files = folder({});
        const whole = join(files.path, "whole");
        let undisturbed: unknown;
        {
          await using session = await open(whole);
          undisturbed = await finish(session, cells);
        }
        const journal = readFileSync(journalIn(whole), "utf8");
        const first = journal.indexOf('{"type":"cell"');
        const last = journal.lastIndexOf('{"type":"cell"');
        for (const [i, cut] of places.entries()) {
          const place = join(files.path, `cut${i}`);
          cutAt(whole, place, Buffer.byteLength(journal.slice(0, first + Math.floor((last - first) * cut))));
          await using session = await open(place);
          const told = await finish(session, cells);
          expect(told, `cut at ${cut}`).toEqual(ends(undisturbed, (told as [unknown[]])[0].length));
        }
      }),
      { numRuns: 10 },
    );
  });

  it("whose sandbox is ended at any entry comes to what it comes to undisturbed", async () => {
    await fc.assert(
      fc.asyncProperty(
        program,
        fc.uniqueArray(fc.noBias(fc.integer({ min: 1, max: 40 })), { minLength: 3, maxLength: 3 }),
        async (cells, at) => {
          using files = folder({});
          const [whole, killed] = [join(files.path, "whole"), join(files.path, "killed")];
          let undisturbed: unknown;
          {
            await using session = await open(whole);
            undisturbed = await finish(session, cells);
          }
          // The same session, from the same seed, once more.
          cutAt(whole, killed, Buffer.byteLength(readFileSync(journalIn(whole), "utf8").split('{"type":"cell"')[0] ?? ""));
          const kills = [...at].toSorted((a, b) => a - b);
          const path = journalIn(killed);
          await using session = await open(killed);
          const watch = setInterval(() => {
            const entries = readFileSync(path, "utf8").split('{"type":"entry"').length - 1;
            if (entries < (kills[0] ?? Infinity)) return;
            kills.shift();
            // The one that lives; the spare never ran.
            const [kernel] = kernelsBelow(process.pid);
            if (kernel !== undefined) process.kill(kernel, "SIGKILL");
          }, 1);
          try {
            expect(await finish(session, cells), `killed at ${at.join()}`).toEqual(undisturbed);
          } finally {
            clearInterval(watch);
          }
        },
      ),
      { numRuns: 10 },
    );
  });
});

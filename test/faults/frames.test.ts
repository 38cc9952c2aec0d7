// Row 26: a kernel that was taken over. A scripted hostile peer in the kernel's place: the host neither throws nor hangs, and either ends
// it or ignores what it says, and counts.
import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { Kernel, spawnKernel, type Death, type KernelProcess } from "../../sandbox/index.ts";
import { DEFAULT_LIMITS } from "../../sandbox/limits.ts";
import { ScanService } from "../../src/calls/scan.ts";
import type { Handlers } from "../../src/calls/types.ts";
import { FileJournal } from "../../src/session/journal.ts";
import { Session } from "../../src/session/session.ts";

/** Speaks the framing, answers what it is told to, and says `script` when it is entered. `frame(head, body)` sends one; `raw` bytes. */
function fakeKernel(script: string): KernelProcess {
  const source = `
    const { Socket } = require("node:net");
    const socket = new Socket({ fd: 3, readable: true, writable: true });
    const raw = (bytes) => socket.write(bytes);
    const frame = (head, body = "", total, headLength) => {
      const h = Buffer.from(typeof head === "string" ? head : JSON.stringify(head)), b = Buffer.from(body), l = Buffer.alloc(8);
      l.writeUInt32LE(total ?? 4 + h.length + b.length, 0);
      l.writeUInt32LE(headLength ?? h.length, 4);
      raw(Buffer.concat([l, h, b]));
    };
    const entered = (seq, end = "ok") => frame({ type: "entered", seq, end, ms: 1 });
    const post = (...parts) => frame({ type: "post" }, JSON.stringify(parts));
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
        const total = bytes.readUInt32LE(0), headLength = bytes.readUInt32LE(4);
        const head = JSON.parse(bytes.subarray(8, 8 + headLength));
        bytes = bytes.subarray(4 + total);
        if (head.type === "open") frame({ type: "ready", version: 1, node: "v24", v8: "13" });
        if (head.type === "ping") frame({ type: "pong", n: head.n, rss: 1 });
        if (head.type === "enter") ((seq) => { ${script} })(head.seq);
      }
    });
    socket.on("close", () => process.exit());
    socket.on("error", () => process.exit());`;
  const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  const socket = child.stdio[3];
  if (!(socket instanceof Duplex)) throw new Error("no socket");
  return { child, socket, stderr: () => "" };
}

async function entered(script: string) {
  const deaths: Death[] = [];
  const posts: string[] = [];
  const kernel = new Kernel({
    process: fakeKernel(script),
    heapMb: 128,
    setup: "{}",
    onPost: (text) => posts.push(text),
    onJobEnd: () => false,
    onScanRead: () => false,
    onDeath: (death) => deaths.push(death),
  });
  await kernel.ready();
  const ended = await kernel.enter("run", 1, "", "{}", 500);
  // Whatever stands behind the end has arrived by then, or ends it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const got = { ended, deaths: [...deaths], posts, ignored: kernel.ignored };
  kernel.kill("closed");
  return got;
}

it.each<[string, string]>([
  ["a length that lies", "frame({ type: 'post' }, 'x', 200 * 1024 * 1024)"],
  ["the longest length", "raw(Buffer.alloc(64, 0xff))"],
  ["a head longer than its frame", "frame({ type: 'post' }, '', undefined, 5000)"],
  ["no length at all", "raw(Buffer.alloc(64))"],
  ["a head that is no JSON", "frame('{\"type\":')"],
  ["a head nested without end", "frame('['.repeat(500000))"],
  ["a head of another type", "frame({ type: 'constructor' })"],
  ["a head that is a list", "frame([])"],
  ["a head that is null", "frame('null')"],
  ["__proto__ for a type", 'frame(\'{"__proto__":{"type":"post"}}\')'],
  ["an end of no kind", "frame({ type: 'entered', seq, end: 'fine', ms: 1 })"],
  ["time that is no number", 'frame(\'{"type":"entered","seq":1,"end":"ok","ms":1e999}\')'],
  ["a post over the limit", "frame({ type: 'post' }, Buffer.alloc(99 * 1024 * 1024, 32))"],
  ["texts of jobs that are not all there", "frame({ type: 'jobs_ended', scan: 3, jobs: [{ job: 1, ok: true, ms: 1, bytes: 2 }] }, 'x')"],
  ["frames for nothing without end", "for (let i = 0; i < 20000; i++) entered(99)"],
])("row 26: %s ends the kernel", async (_, script) => {
  const { ended, deaths } = await entered(script);
  expect(ended).toMatchObject({ end: "dead", death: "forged" });
  expect(deaths).toEqual(["forged"]);
});

it.each<[string, string, number]>([
  ["an entry nobody made", "entered(seq + 7); entered(0); entered(seq)", 2],
  ["an end that comes twice", "entered(seq); entered(seq); entered(seq, 'timeout')", 2],
  ["a second `ready`", "frame({ type: 'ready', version: 1, node: '', v8: '' }); entered(seq)", 1],
  ["an answer to no ping", "frame({ type: 'pong', n: 1e6, rss: 1 }); entered(seq)", 1],
  ["jobs nobody gave", "frame({ type: 'jobs_ended', scan: 3, jobs: [{ job: 1e9, ok: true, ms: 1, bytes: 1 }] }, 'x'); entered(seq)", 1],
  ["a post after the end", "post('console', 'early'); entered(seq); post('call', 1, 'llm', {}); post('console', 'late')", 2],
])("row 26: %s is ignored and counted", async (_, script, ignored) => {
  const got = await entered(script);
  expect(got).toMatchObject({ ended: { end: "ok" }, deaths: [], ignored });
  expect(got.posts).toEqual(script.includes("early") ? ['["console","early"]'] : []);
});

it.each<[string, string, string]>([
  ["lets go of the host", "socket.destroy()", "died"],
  ["closes its end alone", "socket.end(); setInterval(() => 1, 1000)", "died"],
  ["never ends an entry", "setInterval(() => 1, 1000)", "stuck"],
  ["posts without end in the place of an end", "setInterval(() => post('console', 'x'), 1)", "stuck"],
])("row 26: one that %s is ended", async (_, script, death) => {
  const { ended } = await entered(script);
  expect(ended).toMatchObject({ end: "dead", death });
});

it.each<[string, string]>([
  ["claims more time than there was", "frame({ type: 'entered', seq, end: 'ok', ms: 1e12 })"],
  ["claims time before the start", "frame({ type: 'entered', seq, end: 'ok', ms: -1e12 })"],
])("row 26: one that %s is not believed", async (_, script) => {
  const { ended } = await entered(script);
  expect(ended.ms).toBeGreaterThanOrEqual(0);
  expect(ended.ms).toBeLessThan(60_000);
});

/** A session that gets its kernels from `spawn`. */
function sessionOf(spawn: () => KernelProcess, maxDeaths?: number): Session {
  const answered = (): Promise<unknown> => Promise.resolve(null);
  const names = [
    "llm",
    "llm_batch",
    "rlm",
    "rlm_batch",
    "rg_search",
    "rg_files",
    "rg_count",
    "read_file",
    "read_piece",
    "list_files",
  ] as const;
  return new Session({
    id: "test",
    limits: { ...DEFAULT_LIMITS, sliceMs: 500, cellMs: 1_000 },
    tools: [],
    workers: { count: 4, fixed: false, parallelism: 2 },
    zone: "UTC",
    locale: "en-US",
    jitless: false,
    seed: 1,
    started: Date.now(),
    clock: Date.now,
    contexts: () => [],
    contextRecords: () => Promise.resolve([]),
    handlers: Object.fromEntries(names.map((name) => [name, answered])) as unknown as Handlers,
    scans: new ScanService({
      workers: 4,
      timeoutMs: 500,
      memoryMb: 128,
      clock: Date.now,
      seed: 1,
      read: () => Promise.reject(new Error("none")),
      readFile: () => Promise.resolve({ text: "", size: 0 }),
    }),
    budget: () => null,
    usage: () => null,
    journal: FileJournal.unnamed(),
    emit: () => undefined,
    spawn,
    ...(maxDeaths === undefined ? {} : { maxDeaths }),
  });
}

const done = (value: string) =>
  `post('done', { outcome: 'ok', tail: '', cell: 1, console_length: 0, vars: [], value: { preview: '', long: '', type: 'string', json: ${JSON.stringify(value)} } }); entered(seq)`;

it.each<[string, string, object]>([
  ["a call out of its sequence", "post('call', 5, 'llm', {})", { outcome: "killed" }],
  ["a call that was made before", "post('call', 1, 'llm', {}); post('call', 1, 'llm', {})", { outcome: "killed" }],
  ["a call of no operation", "post('call', 1, '__proto__', {})", { outcome: "killed" }],
  ["more arguments than may be in flight", "for (let i = 1; i < 9; i++) post('call', i, 'llm', 'x'.repeat(3e7))", { outcome: "killed" }],
  ["a post that is no JSON", "frame({ type: 'post' }, '{')", { outcome: "killed" }],
  [
    "an answer over the limit",
    "post('final', { preview: '', long: '', type: 'string', json: JSON.stringify('x'.repeat(2e7)) })",
    { outcome: "killed" },
  ],
  ["a cell that is done twice", `${done('"first"')}; ${done('"second"')}`, { outcome: "ok", value: { json: '"first"' } }],
  [
    "a console without end",
    `for (let i = 0; i < 300; i++) post('console', 'x'.repeat(1e5)); ${done("1")}`,
    { outcome: "ok", output: { length: 3e7 } },
  ],
  ["a cell that is never done", "entered(seq)", { outcome: "threw", error: { code: "E_NEVER_SETTLES" } }],
])("row 26: a session of a kernel that posts %s goes on with the next one", async (_, script, outcome) => {
  const kernels = [() => fakeKernel(script)];
  const session = sessionOf(() => (kernels.shift() ?? (() => spawnKernel({ zone: "UTC", locale: "en-US", jitless: false })))());
  const first = await session.run("1");
  expect(first).toMatchObject(outcome);
  expect(first.output.text.length).toBeLessThan(1024 * 1024 + 200);
  if (first.outcome === "killed") expect(await session.run("40 + 2")).toMatchObject({ outcome: "ok", value: { json: "42" } });
  await session.close();
});

it("rows 23 and 26: kernels that forge end their session in the end", async () => {
  const session = sessionOf(() => fakeKernel("frame({ type: 'what' })"), 2);
  for (let i = 0; i < 3; i++) expect(await session.run("1")).toMatchObject({ outcome: "killed" });
  await expect(session.run("1")).rejects.toMatchObject({ code: "E_RESTART_LIMIT" });
  await expect(session.run("1")).rejects.toMatchObject({ code: "E_RESTART_LIMIT" });
  await session.close();
});

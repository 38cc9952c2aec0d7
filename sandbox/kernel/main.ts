// A kernel process: one session's isolate, its scan isolates, and nothing else. Its environment is TZ and LC_ALL alone; it knows no
// model, file or key. It dies with the socket to its host, and by its own hand when its memory passes the cap.
import { Socket } from "node:net";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Batch, batched } from "../batch.ts";
import { encodeFrame, FrameReader, type Frame } from "../framing.ts";
import { PROTOCOL_VERSION, type HostFrame, type JobEnd, type KernelFrame } from "../protocol.ts";
import { ArrivingText } from "./arriving-text.ts";
import { Engine, type GuestIsolate, type SharedText } from "./isolate.ts";
import { Lingering } from "../lingering.ts";
import { PROFILERS_MB } from "../profile.ts";
import { V8_FLAGS } from "../script-cache.ts";
import { Profiler } from "./profiler.ts";
import { Scan } from "./scan.ts";
import { ScanPool } from "./scan-pool.ts";

/** Standard streams are taken; the host's socket is the next descriptor. */
const HOST_FD = 3;
/** Bytes of results that wait for the host, beside those of the groups that run. */
const MAX_UNSENT = 16 * 1024 * 1024;
/** A thread takes fresh memory at some 4 GB/s. */
const WATCH_MS = 25;
/** Scans may pass their heaps by so much before they are given up, and the process its cap while they are. */
const RELIEF_MB = 192;
/** Ends this process whatever its isolates do; the host reads "memory" in it. */
const OUT_OF_MEMORY: NodeJS.Signals = "SIGUSR2";

setFlagsFromString(V8_FLAGS);
const [addonPath = "", preludePath = "", scanPath = ""] = process.argv.slice(2);
const reader = new FrameReader(receive);
/** Everything is read into one buffer. */
const onread = {
  buffer: Buffer.allocUnsafeSlow(64 * 1024),
  callback: (size: number, buffer: Uint8Array): boolean => {
    reader.push(Buffer.from(buffer.buffer, buffer.byteOffset, size));
    return true;
  },
};
const socket = new Socket({ fd: HOST_FD, readable: true, writable: true, onread });
const engine = new Engine(addonPath);

let guest: GuestIsolate | undefined;
/** The entry that runs, by its number; those that came meanwhile wait for it. */
let running = 0;
let entering: Promise<void> = Promise.resolve();
let rssCapMb = Number.POSITIVE_INFINITY;
const arriving = new ArrivingText();
const contexts: { setup: string; text: SharedText }[] = [];
const scans = new Map<number, Scan>();
const scansAllowance = new Lingering();
/** Resident memory when the first of the scans was opened, while nothing but scans has run since: what has come is theirs. */
let beforeScansMb = Number.POSITIVE_INFINITY;
/** Of scan isolates that ran out of memory in a way V8 does not survive: theirs stays resident. */
let lostHeapsMb = 0;
let pool: ScanPool | undefined;
/** What scan functions read, by number. */
const reads = new Map<number, (answer: readonly [head: string, text: string]) => void>();
let lastRead = 0;

/** What is sent in one turn goes out in one write. */
function send(frame: KernelFrame, body?: string | Uint8Array): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(() => socket.uncork());
  }
  for (const part of encodeFrame(frame, body)) socket.write(part);
}

function die(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
}

async function open(frame: HostFrame & { type: "open" }, body: Buffer): Promise<void> {
  if (frame.version !== PROTOCOL_VERSION) throw new Error(`protocol version ${frame.version}, this kernel speaks ${PROTOCOL_VERSION}`);
  rssCapMb = frame.rss_mb;
  if (frame.profiles) {
    // Time in code that another thread compiled, or that is a part of another function's, would be told as its caller's.
    setFlagsFromString("--no-concurrent-recompilation --no-turbo-inlining");
    engine.profiler = new Profiler();
    rssCapMb += PROFILERS_MB;
  }
  guest = await engine.open({
    memoryMb: frame.memory_mb,
    prelude: engine.read(preludePath),
    setup: body.toString(),
    onPost: (message) => send({ type: "post" }, message),
    onCatastrophe: () => die(OUT_OF_MEMORY),
  });
  send({ type: "ready", version: PROTOCOL_VERSION, node: process.version, v8: process.versions.v8 });
}

async function loadContext(frame: HostFrame & { type: "context" }, body: Buffer): Promise<void> {
  const text = arriving.share(engine);
  const setup = body.toString();
  if (frame.replaces) contexts.length = 0;
  contexts.push({ setup, text });
  pool?.clear();
  const facts = JSON.stringify({ ...(JSON.parse(frame.facts) as object), setup });
  await enter(frame.seq, ["context", 0, text, facts], frame.timeout_ms);
}

function enter(seq: number, args: readonly (string | number | SharedText)[], timeoutMs: number): Promise<void> {
  entering = entering.then(() => enterNow(seq, args, timeoutMs));
  return entering;
}

async function enterNow(seq: number, args: readonly (string | number | SharedText)[], timeoutMs: number): Promise<void> {
  if (guest === undefined) throw new Error("entered before it was opened");
  running = seq;
  const entered = await guest.enter(args, timeoutMs);
  const { ms } = entered;
  const left = entered.end === "timeout" ? await guest.drain() : entered;
  running = 0;
  if (left === undefined) guest.dispose();
  const end = left === undefined ? "disposed" : entered.end;
  const message = left?.message;
  send({ type: "entered", seq, end, ms, ...(message === undefined ? {} : { message }) });
}

function openScan(frame: HostFrame & { type: "scan_open" }, body: Buffer): void {
  if (scans.size === 0) beforeScansMb = residentMb();
  const { scan, functions, items, timeout_ms: timeoutMs, memory_mb: memoryMb, max_group: maxGroup } = frame;
  // Jobs compute: more of them at once than cores only take turns, and each isolate has to make their code fast for itself
  // (measured on 2 cores, jobs of 0.3 ms: 1.2 to 1.6 × over one worker with 4, 1.75 × with 2).
  const workers = Math.min(frame.workers, availableParallelism());
  pool ??= new ScanPool({ engine, prelude: engine.read(scanPath), contexts, onLostHeap: () => (lostHeapsMb += memoryMb) });
  const ends = new Batch<Omit<JobEnd, "bytes">>((jobs, ended) => send({ type: "jobs_ended", scan, jobs }, ended));
  const opened = new Scan({
    scan,
    pool,
    workers,
    maxBusy: () => Math.max(...[...scans.values()].map((each) => each.workers)),
    functions,
    items,
    timeoutMs,
    memoryMb,
    setup: body.toString(),
    share: (text) => engine.share(text),
    onEnd: ({ value, ...end }) => ends.add(end, value, end.message?.length),
    room,
    isProfiled: engine.profiler !== undefined,
    maxGroup: maxGroup ?? Number.POSITIVE_INFINITY,
    read: (what) => {
      const { promise, resolve } = Promise.withResolvers<readonly [string, string]>();
      const read = ++lastRead;
      reads.set(read, resolve);
      send({ type: "scan_read", scan, read }, what);
      return promise;
    },
  });
  scans.set(scan, opened);
}

/** Until the host has taken most of what was sent. */
async function room(): Promise<void> {
  while (socket.writableLength > MAX_UNSENT) await new Promise((resolve) => setTimeout(resolve, 2));
}

function takeText({ read, head }: HostFrame & { type: "scan_text" }, body: Buffer): void {
  reads.get(read)?.([head, body.toString()]);
  reads.delete(read);
}

function receive({ head, body }: Frame): void {
  const frame = head as HostFrame;
  switch (frame.type) {
    case "open":
      return must(open(frame, body));
    case "chunk":
      return arriving.add(body);
    case "context":
      return must(loadContext(frame, body));
    case "enter":
      return must(enter(frame.seq, [frame.kind, frame.id, body.toString(), frame.facts], frame.timeout_ms));
    case "scan_open":
      return openScan(frame, body);
    case "items":
      for (const [item, text] of batched(frame.items, body)) scans.get(frame.scan)?.add(item, text);
      return;
    case "scan_text":
      return takeText(frame, body);
    case "scan_close":
      scans.get(frame.scan)?.close();
      return void scans.delete(frame.scan);
    case "dispose":
      return frame.seq === running ? guest?.dispose() : undefined;
    case "profile":
      return send({ type: "profile" }, JSON.stringify(engine.profiler?.profile ?? null));
    case "ping":
      return send({ type: "pong", n: frame.n, rss: process.memoryUsage.rss() });
  }
}

function residentMb(): number {
  return process.memoryUsage.rss() / (1024 * 1024);
}

/** Past its cap this process ends, unless scans may be what holds the memory: then theirs goes first. */
function watchMemory(): void {
  const busy = [...scans.values()];
  const scansMb = scansAllowance.of(busy.reduce((sum, scan) => sum + scan.memoryMb, 0)) + lostHeapsMb;
  const mb = residentMb();
  if (running !== 0) beforeScansMb = Number.POSITIVE_INFINITY;
  const areOver = mb > beforeScansMb + scansMb + RELIEF_MB || mb > rssCapMb + scansMb;
  const relieved = areOver && (pool?.clear() === true || busy.filter((scan) => scan.relieve()).length > 0);
  if (mb > rssCapMb + scansMb + (relieved ? RELIEF_MB : 0)) die(OUT_OF_MEMORY);
}

/** A defect of the kernel's own ends it; the host starts another. */
function must(work: Promise<void>): void {
  work.catch((error: unknown) => {
    process.stderr.write(`kernel: ${error instanceof Error ? error.message : String(error)}\n`);
    die("SIGKILL");
  });
}

// Without its host it must not live, busy or not; `exit` would wait for a spinning isolate.
socket.on("close", () => die("SIGKILL"));
socket.on("error", () => die("SIGKILL"));
setInterval(watchMemory, WATCH_MS);

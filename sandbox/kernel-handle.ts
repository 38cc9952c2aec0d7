// One kernel process as the host holds it: frames in and out, every entry bounded from outside too, death noticed and named. What the
// kernel says is believed only where an honest one could say it: the rest is ignored and counted, or ends it.
import type { EntryKind } from "../prelude/contract.ts";
import { kernelFrame } from "./guards.ts";
import { Heartbeat } from "./heartbeat.ts";
import { MAX_ARGUMENT } from "./limits.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { OpenEntries, type Death, type Ended } from "./open-entries.ts";
import { encodeFrame, FrameReader, type Frame } from "./framing.ts";
import { MAX_CHUNK, PROTOCOL_VERSION, type HostFrame, type KernelFrame } from "./protocol.ts";
import { PROFILERS_MB } from "./profile.ts";
import { ScansHeld, type OnJobEnd } from "./scans-held.ts";
import { endProcess, endSignal, innermostPid, killGroup, type KernelProcess } from "./spawn.ts";

export type ScanRead = KernelFrame & { readonly type: "scan_read" };

export interface KernelOptions {
  /** From then on the kernel's own. */
  readonly process: KernelProcess;
  /** Heap of the session isolate, in MiB, the contexts included. */
  readonly heapMb: number;
  /** JSON of the prelude's `GuestSetup`. */
  readonly setup: string;
  /** Its isolates are profiled: entries take longer, and the process more memory. */
  readonly profiles?: boolean;
  /** What the guest posted, in order, before the entry that posted it ends. */
  readonly onPost: (text: string) => void;
  readonly onJobEnd: OnJobEnd;
  /** False for one of no scan that is open. */
  readonly onScanRead: (frame: ScanRead, what: string) => boolean;
  readonly onDeath: (death: Death, detail: string) => void;
}

const READY_TIMEOUT_MS = 20_000;
/** From the end of its socket to that of the process. */
const LET_GO_MS = 500;
/** Beside the heaps: code, buffers, the process itself. */
const RSS_HEADROOM_MB = 256;
/** The kernel ends itself at its cap; the host this much later. */
const RSS_PATIENCE_MB = 64;
/** Three bytes a UTF-16 unit, and what stands around the argument. */
const MAX_POST = MAX_ARGUMENT * 3 + 64 * 1024;
/** JSON of a path and a range of lines. */
const MAX_READ = 64 * 1024;
/** Frames that come late, twice or for nothing: jobs of a scan that was closed are honest ones. */
const MAX_IGNORED = 10_000;

/** Owns its process: `kill` or a death ends it; nothing it holds outlives it. */
export class Kernel {
  readonly #process: KernelProcess;
  readonly #options: KernelOptions;
  readonly #entries: OpenEntries;
  readonly #heartbeat: Heartbeat;
  readonly #memory: MemoryWatch;
  readonly #starting: NodeJS.Timeout;
  readonly #ready: Promise<void>;
  #settleReady: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #death: Death | undefined;
  #isReady = false;
  #loading = false;
  #ignored = 0;
  readonly #scans: ScansHeld;
  /** Those who wait for the profile. */
  #profileTakers: ((profile: string | undefined) => void)[] = [];

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#process = options.process;
    this.#scans = new ScansHeld(options.onJobEnd);
    const { child, socket } = this.#process;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever opens it awaits this; a death before that is not an unhandled rejection.
    this.#ready.catch(() => undefined);
    this.#entries = new OpenEntries({
      dispose: (seq) => this.send({ type: "dispose", seq }),
      kill: () => this.kill("stuck"),
    });
    this.#heartbeat = new Heartbeat({
      ping: (n) => this.send({ type: "ping", n }),
      isLoading: () => this.#loading,
      onSilence: () => this.kill("silent"),
    });
    this.#memory = new MemoryWatch(child.pid ?? 0, (residentMb) => this.#weighed(residentMb));
    const reader = new FrameReader((frame) => this.#receive(frame));
    socket.on("data", (chunk: Buffer) => this.#guarded(() => reader.push(chunk)));
    // Its end says what it died of, around it bubblewrap's; one that only let go of us has to have one.
    const letGo = (): void => void setTimeout(() => killGroup(child), LET_GO_MS).unref();
    socket.on("error", letGo);
    socket.on("end", letGo);
    child.on("error", (error) => this.#dead("died", error.message));
    child.on("exit", (code, signal) => {
      const by = endSignal(code, signal);
      this.#dead(this.#named(by), by ?? `exit ${code}`);
    });
    const { heapMb, setup, profiles = false } = options;
    this.send({ type: "open", version: PROTOCOL_VERSION, memory_mb: heapMb, rss_mb: heapMb + RSS_HEADROOM_MB, profiles }, setup);
    this.#starting = setTimeout(() => this.kill("silent"), READY_TIMEOUT_MS).unref();
  }

  /** Of the process that holds the isolates. */
  get pid(): number | undefined {
    return innermostPid(this.#process);
  }

  get isAlive(): boolean {
    return this.#death === undefined;
  }

  /** Entries that have ended. Those that are open run one after another, so what is posted now is the next one's. */
  get ended(): number {
    return this.#entries.ended;
  }

  /** Frames that were not looked at. */
  get ignored(): number {
    return this.#ignored;
  }

  /** It works, and holds so much that is lost that another should take its place when nothing is missed by it. */
  get isSpoilt(): boolean {
    return this.#scans.isSpoilt;
  }

  /** Rejects when it died before it was ready, with what it said. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Enters the isolate once, after the entries that are open. Never rejects: a death is how the entry ended. */
  enter(kind: EntryKind, id: number, text: string, facts: string, timeoutMs: number): Promise<Ended> {
    return this.#open(timeoutMs, (seq) => this.send({ type: "enter", seq, kind, id, facts, timeout_ms: timeoutMs }, text));
  }

  /** Streams a context into the kernel and enters once with it. */
  async loadContext(bytes: AsyncIterable<Uint8Array>, setup: string, facts: string, replaces: boolean, timeoutMs: number): Promise<Ended> {
    this.#loading = true;
    try {
      for await (const piece of bytes) {
        for (let at = 0; at < piece.length; at += MAX_CHUNK) {
          if (!this.#write({ type: "chunk" }, piece.subarray(at, at + MAX_CHUNK))) await this.#drained();
        }
        if (!this.isAlive) break;
      }
      return await this.#open(timeoutMs, (seq) => this.send({ type: "context", seq, facts, replaces, timeout_ms: timeoutMs }, setup));
    } finally {
      this.#loading = false;
    }
  }

  /** JSON of what its isolates were profiled to spend their time in; undefined when it is gone, or does not answer. */
  async profile(): Promise<string | undefined> {
    if (!this.isAlive) return undefined;
    return await new Promise((resolve) => {
      this.#profileTakers.push(resolve);
      setTimeout(resolve, READY_TIMEOUT_MS, undefined).unref();
      this.send({ type: "profile" });
    });
  }

  send(frame: HostFrame, body?: string | Uint8Array): void {
    this.#scans.note(frame);
    this.#watchMemory();
    this.#write(frame, body);
  }

  /** Ends the process now. */
  kill(death: Death): void {
    if (this.#death !== undefined) return;
    endProcess(this.#process);
    this.#dead(death, death);
  }

  #write(frame: HostFrame, body: string | Uint8Array = ""): boolean {
    if (this.#death !== undefined) return true;
    return (
      encodeFrame(frame, body)
        .map((part) => this.#process.socket.write(part))
        .at(-1) ?? true
    );
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const { socket } = this.#process;
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }

  async #open(timeoutMs: number, send: (seq: number) => void): Promise<Ended> {
    if (this.#death !== undefined) return { end: "dead", death: this.#death, ms: 0 };
    const ended = this.#entries.open(timeoutMs, send);
    this.#watchMemory();
    try {
      return await ended;
    } finally {
      this.#watchMemory();
    }
  }

  /** While anything of a guest runs. */
  #watchMemory(): void {
    if (this.isAlive && this.#entries.size + this.#scans.size > 0) this.#memory.start();
    else this.#memory.stop();
  }

  #weighed(residentMb: number): void {
    const { heapMb, profiles = false } = this.#options;
    const besideMb = this.#scans.allowedMb(heapMb) + (profiles ? PROFILERS_MB : 0);
    if (residentMb > heapMb + besideMb + RSS_HEADROOM_MB + RSS_PATIENCE_MB) this.kill("memory");
  }

  #receive({ head, body }: Frame): void {
    if (this.#death !== undefined) return;
    const frame = kernelFrame(head);
    if (frame === undefined || !this.#isPossible(frame, body)) return this.kill("forged");
    this.#heartbeat.heard();
    if (!this.#take(frame, body) && ++this.#ignored > MAX_IGNORED) this.kill("forged");
  }

  /** What no honest kernel ever sends, at any time. */
  #isPossible(frame: KernelFrame, body: Buffer): boolean {
    switch (frame.type) {
      case "post":
        return body.length <= MAX_POST;
      case "ready":
        return frame.version === PROTOCOL_VERSION;
      case "jobs_ended":
        return frame.jobs.reduce((sum, { bytes }) => sum + bytes, 0) === body.length;
      default:
        return true;
    }
  }

  /** False for what comes late, twice or for nothing. */
  #take(frame: KernelFrame, body: Buffer): boolean {
    switch (frame.type) {
      case "ready":
        if (this.#isReady) return false;
        this.#isReady = true;
        clearTimeout(this.#starting);
        this.#heartbeat.start();
        this.#settleReady?.resolve();
        return true;
      case "post":
        if (this.#entries.size === 0) return false;
        this.#entries.posted();
        this.#options.onPost(body.toString());
        return true;
      case "entered": {
        const { end, ms, message } = frame;
        return this.#entries.end(frame.seq, { end, ms, ...(message === undefined ? {} : { message }) });
      }
      case "jobs_ended":
        return this.#scans.take(frame, body);
      case "profile": {
        const taker = this.#profileTakers.shift();
        taker?.(body.toString());
        return taker !== undefined;
      }
      case "scan_read":
        return body.length <= MAX_READ && this.#options.onScanRead(frame, body.toString());
      case "pong":
        return frame.n <= this.#heartbeat.sent;
    }
  }

  #guarded(read: () => void): void {
    try {
      read();
    } catch {
      // A frame that cannot be cut or parsed: no honest kernel sends one.
      this.kill("forged");
    }
  }

  /** The kernel ends itself with SIGUSR2 past its memory cap; V8 aborts when it finds no memory at all. */
  #named(signal: NodeJS.Signals | null): Death {
    return signal === "SIGUSR2" || signal === "SIGABRT" || signal === "SIGTRAP" || signal === "SIGILL" ? "memory" : "died";
  }

  #dead(death: Death, detail: string): void {
    if (this.#death !== undefined) return;
    this.#death = death;
    clearTimeout(this.#starting);
    this.#heartbeat.stop();
    this.#memory.stop();
    const said = this.#process.stderr().trim();
    this.#settleReady?.reject(new Error(`the sandbox process ended before it was ready: ${said === "" ? detail : said}`));
    this.#entries.endAll(death);
    for (const taker of this.#profileTakers.splice(0)) taker(undefined);
    this.#process.socket.destroy();
    this.#options.onDeath(death, said === "" ? detail : said);
  }
}

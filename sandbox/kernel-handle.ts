// One kernel process as the host holds it: frames in and out, every entry bounded from outside too, death noticed and named.
import type { EntryKind } from "../prelude/contract.ts";
import { kernelFrame } from "./guards.ts";
import {
  encodeFrame,
  FrameReader,
  MAX_CHUNK,
  PROTOCOL_VERSION,
  type EntryEnd,
  type Frame,
  type HostFrame,
  type KernelFrame,
} from "./protocol.ts";
import { endSignal, innermostPid, spawnKernel, type KernelProcess } from "./spawn.ts";

export type JobEnd = KernelFrame & { readonly type: "job_end" };

/** Why a kernel is gone. `memory`: it passed its cap; `stuck`: it did not stop at a limit or missed its heartbeat; `closed`: by us. */
export type Death = "memory" | "stuck" | "closed" | "forged" | "died";

export type Ended =
  | { readonly end: EntryEnd; readonly ms: number; readonly message?: string }
  | { readonly end: "dead"; readonly death: Death; readonly ms: number };

export interface KernelOptions {
  /** Heap of the session isolate, in MiB, the contexts included. */
  readonly heapMb: number;
  /** JSON of the prelude's `GuestSetup`. */
  readonly setup: string;
  readonly zone: string;
  readonly locale: string;
  /** V8 without machine code. */
  readonly jitless: boolean;
  /** What the guest posted, in order, before the entry that posted it ends. */
  readonly onPost: (text: string) => void;
  readonly onJobEnd: (end: JobEnd, value: string) => void;
  readonly onDeath: (death: Death, detail: string) => void;
}

/** After its timeout an entry has this long to end before the isolate is given up, and then before the process is. */
const OVERDUE_MS = 1_000;
const DISPOSE_MS = 700;
const HEARTBEAT_MS = 2_000;
const MISSED_HEARTBEATS = 2;
const MISSED_WHILE_LOADING = 7;
const READY_TIMEOUT_MS = 20_000;
/** Beside the heaps: code, buffers, the process itself. */
const RSS_HEADROOM_MB = 256;

interface Waiting {
  readonly resolve: (ended: Ended) => void;
  readonly started: number;
  timer: NodeJS.Timeout;
}

/** Owns its process: `close` or a death ends it; nothing it holds outlives it. */
export class Kernel {
  readonly #process: KernelProcess;
  readonly #options: KernelOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #settleReady: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #seq = 0;
  #death: Death | undefined;
  #isReady = false;
  #pings = 0;
  /** Pings since anything was heard of it. */
  #unheard = 0;
  #loading = false;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#process = spawnKernel(options);
    const { child, socket } = this.#process;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever opens it awaits this; a death before that is not an unhandled rejection.
    this.#ready.catch(() => undefined);
    const reader = new FrameReader((frame) => this.#receive(frame));
    socket.on("data", (chunk: Buffer) => this.#guarded(() => reader.push(chunk)));
    socket.on("error", () => this.kill("died"));
    child.on("error", (error) => this.#dead("died", error.message));
    child.on("exit", (code, signal) => {
      const by = endSignal(code, signal);
      this.#dead(this.#named(by), by ?? `exit ${code}`);
    });
    this.#send(
      { type: "open", version: PROTOCOL_VERSION, memory_mb: options.heapMb, rss_mb: options.heapMb + RSS_HEADROOM_MB },
      options.setup,
    );
    const started = performance.now();
    this.#heartbeat = setInterval(() => this.#beat(started), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** Of the process that holds the isolates. */
  get pid(): number | undefined {
    return innermostPid(this.#process);
  }

  get isAlive(): boolean {
    return this.#death === undefined;
  }

  /** Rejects when it died before it was ready, with what it said. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Enters the isolate once. Never rejects: a death is how the entry ended. */
  enter(kind: EntryKind, id: number, text: string, facts: string, timeoutMs: number): Promise<Ended> {
    return this.#await((seq) => this.#send({ type: "enter", seq, kind, id, facts, timeout_ms: timeoutMs }, text), timeoutMs);
  }

  /** Streams a context into the kernel and enters once with it. */
  async loadContext(bytes: AsyncIterable<Uint8Array>, setup: string, facts: string, replaces: boolean, timeoutMs: number): Promise<Ended> {
    this.#loading = true;
    try {
      for await (const piece of bytes) {
        for (let at = 0; at < piece.length; at += MAX_CHUNK) {
          if (!this.#send({ type: "chunk" }, piece.subarray(at, at + MAX_CHUNK))) await this.#drained();
        }
        if (!this.isAlive) break;
      }
      return await this.#await((seq) => this.#send({ type: "context", seq, facts, replaces, timeout_ms: timeoutMs }, setup), timeoutMs);
    } finally {
      this.#loading = false;
    }
  }

  send(frame: HostFrame, body?: string): void {
    this.#send(frame, body);
  }

  /** Ends the process now. */
  kill(death: Death): void {
    if (this.#death !== undefined) return;
    this.#process.child.kill("SIGKILL");
    this.#dead(death, death);
  }

  #send(frame: HostFrame, body: string | Uint8Array = ""): boolean {
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

  #await(send: (seq: number) => void, timeoutMs: number): Promise<Ended> {
    const started = performance.now();
    if (this.#death !== undefined) return Promise.resolve({ end: "dead", death: this.#death, ms: 0 });
    const seq = ++this.#seq;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#overdue(seq), timeoutMs + OVERDUE_MS);
      this.#waiting.set(seq, { resolve, started, timer });
      send(seq);
    });
  }

  /** The ladder past a timeout: give the isolate up, then the process. */
  #overdue(seq: number): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    this.#send({ type: "dispose" });
    waiting.timer = setTimeout(() => this.kill("stuck"), DISPOSE_MS);
  }

  #receive({ head, body }: Frame): void {
    const frame = kernelFrame(head);
    if (frame === undefined || this.#death !== undefined) {
      if (this.#death === undefined) this.kill("forged");
      return;
    }
    this.#unheard = 0;
    switch (frame.type) {
      case "ready":
        this.#isReady = true;
        return this.#settleReady?.resolve();
      case "post":
        // A guest posts in the middle of an entry, or not at all.
        if (this.#waiting.size === 0) return this.kill("forged");
        return this.#options.onPost(body.toString());
      case "entered": {
        const waiting = this.#waiting.get(frame.seq);
        if (waiting === undefined) return;
        clearTimeout(waiting.timer);
        this.#waiting.delete(frame.seq);
        const { end, ms, message } = frame;
        return waiting.resolve({ end, ms, ...(message === undefined ? {} : { message }) });
      }
      case "job_end":
        return this.#options.onJobEnd(frame, body.toString());
      case "pong":
        return;
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

  #beat(started: number): void {
    if (!this.#isReady) {
      if (performance.now() - started > READY_TIMEOUT_MS) this.kill("stuck");
      return;
    }
    // Counted in pings, not in time, and any frame is a sign of life: a host that was busy, or has a flood of posts to read before it
    // comes to the answer, must not take that for the kernel's silence.
    const patience = this.#loading ? MISSED_WHILE_LOADING : MISSED_HEARTBEATS;
    if (this.#unheard >= patience) return this.kill("stuck");
    this.#unheard++;
    this.#send({ type: "ping", n: ++this.#pings });
  }

  /** The kernel ends itself with SIGUSR2 past its memory cap; V8 aborts when it finds no memory at all. */
  #named(signal: NodeJS.Signals | null): Death {
    return signal === "SIGUSR2" || signal === "SIGABRT" || signal === "SIGTRAP" || signal === "SIGILL" ? "memory" : "died";
  }

  #dead(death: Death, detail: string): void {
    if (this.#death !== undefined) return;
    this.#death = death;
    clearInterval(this.#heartbeat);
    const said = this.#process.stderr().trim();
    this.#settleReady?.reject(new Error(`the sandbox process ended before it was ready: ${said === "" ? detail : said}`));
    for (const { resolve, started, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      resolve({ end: "dead", death, ms: performance.now() - started });
    }
    this.#waiting.clear();
    this.#process.socket.destroy();
    this.#options.onDeath(death, said === "" ? detail : said);
  }
}

// What a session is made of, and where one stood that goes on.
import type { LimitFunction } from "p-limit";
import type { KernelProcess } from "../../sandbox/index.ts";
import type { Limits } from "../../sandbox/limits.ts";
import type { ScanService } from "../calls/scan.ts";
import type { ToolEntry } from "../calls/tools.ts";
import type { Handlers } from "../calls/types.ts";
import type { EventSink } from "../events.ts";
import type { ContextSource } from "../workspace/types.ts";
import type { ContextRecord } from "./context-records.ts";
import type { Workers } from "./guest.ts";
import type { Journal } from "./journal.ts";
import type { SessionProfile } from "./profile.ts";
import type { Unfinished } from "./unfinished.ts";

export interface SessionOptions {
  readonly id: string;
  readonly limits: Limits;
  readonly workers: Workers;
  /** Functions of the user's own that its guest has. */
  readonly tools: readonly ToolEntry[];
  readonly zone: string;
  readonly locale: string;
  /** V8 without machine code. */
  readonly jitless: boolean;
  readonly seed: number;
  /** The guest's clock before its first entry. */
  readonly started: number;
  readonly clock: () => number;
  /** Those there are, or those of a generation: 0 for the first ones, one more each time they were replaced. */
  readonly contexts: (generation?: number) => readonly ContextSource[];
  /** What the journal keeps of the contexts there are. */
  readonly contextRecords: () => Promise<readonly ContextRecord[]>;
  /** Where a session stood that goes on: numbers of its last cell and call, and how often its contexts were replaced. */
  readonly resumed?: Resumed;
  readonly handlers: Handlers;
  readonly scans: ScanService;
  /** What `budget()` returns now. */
  readonly budget: () => unknown;
  /** Usage so far, for the journal. */
  readonly usage: () => unknown;
  readonly journal: Journal;
  /** Its kernels are profiled into it. */
  readonly profile?: SessionProfile | undefined;
  readonly emit: EventSink;
  /** Deaths that no limit explains, in 60 s, before the session ends. */
  readonly maxDeaths?: number;
  /** Of one session among many that begin at once (`kernel-life.ts`). */
  readonly startTurns?: LimitFunction | undefined;
  /** Starts a kernel process; default the sandbox's own way. */
  readonly spawn?: () => KernelProcess;
}

export interface Resumed {
  readonly cells: number;
  readonly calls: number;
  readonly generation: number;
  /** Cells whose effects are in its state, or come into it. */
  readonly standing: readonly number[];
  readonly unfinished: Unfinished;
  /** A replay that comes to something else ends it, instead of going on from the last cell that agreed. */
  readonly isStrict: boolean;
}

// The frames between the host and a kernel process: types and constants. What comes from the kernel is `unknown` until `guards.ts` passed it.
import type { EntryKind } from "../prelude/contract.ts";

export const PROTOCOL_VERSION = 1;

/** A call's argument is at most 32 Mi UTF-16 units, three bytes each; nothing honest is larger. */
export const MAX_FRAME = 100 * 1024 * 1024;
/** A context crosses in pieces of this size, so that neither side holds it twice. */
export const MAX_CHUNK = 1024 * 1024;

/** To the kernel. The body's meaning stands behind each. */
export type HostFrame =
  /** Body: JSON of the prelude's `GuestSetup`. */
  | { readonly type: "open"; readonly version: number; readonly memory_mb: number; readonly rss_mb: number; readonly profiles: boolean }
  /** Body: bytes of the context being loaded. */
  | { readonly type: "chunk" }
  /** All chunks are there. Body: JSON of `ContextSetup`. `replaces`: scan isolates forget the contexts before it, as the session does. */
  | { readonly type: "context"; readonly seq: number; readonly facts: string; readonly replaces: boolean; readonly timeout_ms: number }
  /** One entry into the isolate. Body: script, settlement or ids. */
  | {
      readonly type: "enter";
      readonly seq: number;
      readonly kind: EntryKind;
      readonly id: number;
      readonly facts: string;
      readonly timeout_ms: number;
    }
  /** Body: JSON of the functions and captures. */
  | {
      readonly type: "scan_open";
      readonly scan: number;
      /** Threads, at most; there are no more than cores. */
      readonly workers: number;
      readonly functions: number;
      readonly items: number;
      readonly timeout_ms: number;
      readonly memory_mb: number;
      /** Jobs of a group, at most; null for as many as are worth it. */
      readonly max_group: number | null;
    }
  /** Items for each function. Body: devalue's texts, or those of files, one behind the other. */
  | { readonly type: "items"; readonly scan: number; readonly items: readonly ItemHead[] }
  /** Answer to a `scan_read`. `head`: JSON of how it ended. Body: the text. */
  | { readonly type: "scan_text"; readonly scan: number; readonly read: number; readonly head: string }
  | { readonly type: "scan_close"; readonly scan: number }
  /** Give the isolate up: its code did not stop at the timeout of this entry. An entry that has ended meanwhile takes nothing along. */
  | { readonly type: "dispose"; readonly seq: number }
  /** What was profiled until now is wanted. */
  | { readonly type: "profile" }
  | { readonly type: "ping"; readonly n: number };

export interface ItemHead {
  /** From 0; its jobs are `fn * items + index`. */
  readonly index: number;
  readonly kind: "none" | "value" | "file";
  /** Of a file. */
  readonly path?: string;
  readonly size?: number;
  /** Of its text. */
  readonly bytes: number;
}

/** Codes of jobs that cost the kernel more than the job: a thread that does not stop, a heap that V8 does not give back. */
export const JOB_STUCK = "E_SCAN_STUCK";
export const JOB_LOST_HEAP = "E_SCAN_LOST_HEAP";

/** How one entry ended. `disposed`: it was given up. */
export type EntryEnd = "ok" | "threw" | "timeout" | "memory" | "disposed";

/** From the kernel. */
export type KernelFrame =
  | { readonly type: "ready"; readonly version: number; readonly node: string; readonly v8: string }
  /** Body: what the guest posted, untouched. */
  | { readonly type: "post" }
  | { readonly type: "entered"; readonly seq: number; readonly end: EntryEnd; readonly ms: number; readonly message?: string }
  /** Body: devalue's texts of the values, one behind the other. */
  | { readonly type: "jobs_ended"; readonly scan: number; readonly jobs: readonly JobEnd[] }
  /** A scan function reads of a corpus. Body: JSON of context, path and range. */
  | { readonly type: "scan_read"; readonly scan: number; readonly read: number }
  /** Body: JSON of a `CpuProfile`. */
  | { readonly type: "profile" }
  | { readonly type: "pong"; readonly n: number; readonly rss: number };

export interface JobEnd {
  readonly job: number;
  readonly ok: boolean;
  readonly ms: number;
  /** Of its value, when ok. */
  readonly bytes: number;
  readonly code?: string;
  readonly message?: string;
}

// What the scans of a kernel hold, as its host counts it: heaps that are allowed, and those that are lost; and the ends of their jobs.
import { batched } from "./batch.ts";
import { Lingering } from "./lingering.ts";
import { JOB_LOST_HEAP, JOB_STUCK, type HostFrame, type JobEnd, type KernelFrame } from "./protocol.ts";

/** Their memory comes back only with the process. */
const MAX_LOST_HEAPS = 2;

/** False for a job nobody waits for. */
export type OnJobEnd = (scan: number, end: JobEnd, value: string) => boolean;

export class ScansHeld {
  /** Heap that each open scan may take, in MiB. */
  readonly #open = new Map<number, number>();
  readonly #allowedMb = new Lingering();
  readonly #onJobEnd: OnJobEnd;
  /** Isolates that V8 gave up with their heaps, and that did not stop. */
  #lostHeaps = 0;
  #stuckJobs = 0;

  constructor(onJobEnd: OnJobEnd) {
    this.#onJobEnd = onJobEnd;
  }

  get size(): number {
    return this.#open.size;
  }

  /** So much is lost that another kernel should take its place when nothing is missed by it. */
  get isSpoilt(): boolean {
    return this.#stuckJobs > 0 || this.#lostHeaps >= MAX_LOST_HEAPS;
  }

  /** A frame that goes to the kernel. */
  note(frame: HostFrame): void {
    if (frame.type === "scan_open") this.#open.set(frame.scan, frame.workers * frame.memory_mb);
    if (frame.type === "scan_close") this.#open.delete(frame.scan);
  }

  /** What they may hold now, in MiB; a heap that is lost is as large as the session's. */
  allowedMb(heapMb: number): number {
    const openMb = this.#open.values().reduce((sum, each) => sum + each, 0);
    return this.#allowedMb.of(openMb) + Math.min(this.#lostHeaps, MAX_LOST_HEAPS) * heapMb;
  }

  /** False when one of the jobs comes late, twice or for nothing. */
  take({ scan, jobs }: KernelFrame & { readonly type: "jobs_ended" }, body: Buffer): boolean {
    let isDue = true;
    for (const [job, value] of batched(jobs, body)) {
      if (job.code === JOB_STUCK) this.#stuckJobs++;
      if (job.code === JOB_LOST_HEAP) this.#lostHeaps++;
      isDue = this.#onJobEnd(scan, toldOf(job), value) && isDue;
    }
    return isDue;
  }
}

/** What a job cost the kernel is nobody's business but ours. */
function toldOf(job: JobEnd): JobEnd {
  const { code } = job;
  return code === JOB_STUCK ? { ...job, code: "E_SCAN_TIMEOUT" } : code === JOB_LOST_HEAP ? { ...job, code: "E_SCAN_MEMORY" } : job;
}

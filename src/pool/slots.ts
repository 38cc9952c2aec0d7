// Slots for model calls, over the whole process: each session holds as many as it may, and where they are short the next one goes to
// whoever holds the fewest. A server that says it is asked too much gets fewer calls at a time, and then, one after another, more again.
import { leavingWith } from "./leaving.ts";

/** Held while a request is on the wire. */
export interface Slot {
  /** When it was given, in ms of the process's clock. */
  readonly since: number;
  release(): void;
}

/** A session's way to the slots. */
export interface Lane {
  readonly limit: number;
  active: number;
  /** When it was last given one. */
  served: number;
}

interface Waiter {
  readonly signal: AbortSignal;
  readonly give: (slot: Slot) => void;
}

/** Calls of one lane to one server, in the order they came. */
interface Queue {
  readonly lane: Lane;
  readonly server: Server;
  readonly waiters: Waiter[];
  /** Those before it were served. */
  head: number;
}

class Server {
  readonly name: string;
  active = 0;
  /** Calls at a time, a fraction on its way to the next whole one; undefined: as many as there are slots. */
  limit: number | undefined;
  /** In ms of the process's clock. */
  pausedUntil = 0;
  loweredAt = 0;

  constructor(name: string) {
    this.name = name;
  }
}

export class Slots {
  readonly #lanes = new Set<Lane>();
  readonly #servers = new Map<string, Server>();
  readonly #queues: Queue[] = [];
  #active = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Never more than `limit` at a time for whoever joins, and for all together never more than the largest of their limits. */
  join(limit: number): Lane {
    const lane: Lane = { limit, active: 0, served: 0 };
    this.#lanes.add(lane);
    return lane;
  }

  leave(lane: Lane): void {
    this.#lanes.delete(lane);
  }

  /** Calls of a lane on the wire now, and those waiting for a slot. */
  load(lane: Lane): { readonly active: number; readonly queued: number } {
    const waiters = this.#queues.filter((queue) => queue.lane === lane).flatMap(({ waiters: all, head }) => all.slice(head));
    return { active: lane.active, queued: waiters.filter(({ signal }) => !signal.aborted).length };
  }

  /** Waits for a slot to a server: its host and port, or what stands for it. Rejects with the signal's reason. */
  take(lane: Lane, name: string, signal: AbortSignal): Promise<Slot> {
    const { promise, resolve } = Promise.withResolvers<Slot>();
    this.#queueOf(lane, this.#server(name)).waiters.push({ signal, give: resolve });
    this.#serve();
    return leavingWith(signal, promise);
  }

  /**
   * The server said that it is asked too much, and not to ask for so long: it gets half as many calls at a time, once for all that were on
   * the way together. Returns how many that is, where it is news.
   */
  lower(name: string, { since }: Slot, pauseMs: number): number | undefined {
    const server = this.#server(name);
    const now = performance.now();
    server.pausedUntil = Math.max(server.pausedUntil, now + pauseMs);
    if (since < server.loweredAt) return undefined;
    server.loweredAt = now;
    server.limit = Math.max(1, Math.floor(Math.min(server.limit ?? Infinity, server.active) / 2));
    return server.limit;
  }

  /** It answered: one more at a time when as many as there may be have. */
  raise(name: string): void {
    const server = this.#server(name);
    if (server.limit === undefined) return;
    server.limit += 1 / server.limit;
    if (server.limit >= this.#limit) server.limit = undefined;
  }

  get #limit(): number {
    return Math.max(1, ...[...this.#lanes].map(({ limit }) => limit));
  }

  #server(name: string): Server {
    const known = this.#servers.get(name);
    if (known !== undefined) return known;
    const server = new Server(name);
    this.#servers.set(name, server);
    return server;
  }

  #queueOf(lane: Lane, server: Server): Queue {
    const known = this.#queues.find((queue) => queue.lane === lane && queue.server === server);
    if (known !== undefined) return known;
    const queue: Queue = { lane, server, waiters: [], head: 0 };
    this.#queues.push(queue);
    return queue;
  }

  #serve(): void {
    const now = performance.now();
    for (let queue = this.#next(now); queue !== undefined; queue = this.#next(now)) {
      const waiter = queue.waiters[queue.head++];
      if (queue.head === queue.waiters.length) this.#queues.splice(this.#queues.indexOf(queue), 1);
      if (waiter?.signal.aborted === false) waiter.give(this.#slot(queue));
    }
    this.#wakeAfterPause(now);
  }

  /** Of the queues that may go on that of the lane that holds the fewest; among equals the one that was served longest ago. */
  #next(now: number): Queue | undefined {
    if (this.#active >= this.#limit) return undefined;
    let best: Queue | undefined;
    for (const queue of this.#queues) {
      const { lane, server } = queue;
      if (lane.active >= lane.limit || server.active >= Math.floor(server.limit ?? Infinity) || server.pausedUntil > now) continue;
      if (best === undefined || lane.active < best.lane.active || (lane.active === best.lane.active && lane.served < best.lane.served))
        best = queue;
    }
    return best;
  }

  #slot({ lane, server }: Queue): Slot {
    const since = performance.now();
    this.#active++;
    lane.active++;
    server.active++;
    lane.served = since;
    let isHeld = true;
    return {
      since,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#active--;
        lane.active--;
        server.active--;
        this.#serve();
      },
    };
  }

  #wakeAfterPause(now: number): void {
    clearTimeout(this.#timer);
    const paused = this.#queues.map(({ server }) => server.pausedUntil).filter((until) => until > now);
    if (paused.length > 0) this.#timer = setTimeout(() => this.#serve(), Math.min(...paused) - now + 1).unref();
  }
}

/** Those of this process. */
export const processSlots = new Slots();

// Whether a process still answers. Silence is counted in pings, not in time, and anything that is heard breaks it: a host that was busy,
// or has a flood of posts to read before it comes to the answer, must not take that for the kernel's silence.

const PING_EVERY_MS = 1_000;
/** A stopped process is given up 3 to 4 s after it was heard last, one that loads a context 15 to 16. */
const MISSED_PINGS = 3;
const MISSED_WHILE_LOADING = 15;

interface HeartbeatOptions {
  readonly ping: (n: number) => void;
  readonly isLoading: () => boolean;
  readonly onSilence: () => void;
}

/** Beats from `start` to `stop`. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #unheard = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Number of the last ping. */
  get sent(): number {
    return this.#sent;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#beat(), PING_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  heard(): void {
    this.#unheard = 0;
  }

  #beat(): void {
    const { ping, isLoading, onSilence } = this.#options;
    if (this.#unheard >= (isLoading() ? MISSED_WHILE_LOADING : MISSED_PINGS)) return onSilence();
    this.#unheard++;
    ping(++this.#sent);
  }
}

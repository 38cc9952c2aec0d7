// Signals of a command: the first Ctrl-C stops what runs, a second one, or SIGTERM, ends the process. Nothing of ours is left behind.

export interface Signals extends Disposable {
  /** Aborted by the first SIGINT, and by SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly exitCode: () => number | undefined;
}

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 143],
] as const;

/** Until a command catches signals itself they end the process, and not before what it stored for a while is removed. */
export function endBySignal(): void {
  for (const [name, code] of SIGNALS) process.on(name, () => void (process.listenerCount(name) === 1 && process.exit(code)));
}

/** `close` ends every process of ours, at once. */
export function catchSignals(close: () => void): Signals {
  const controller = new AbortController();
  let code: number | undefined;
  const onInterrupt = (): void => {
    if (code !== undefined) {
      close();
      process.exit(code);
    }
    code = 130;
    controller.abort();
  };
  const onTerminate = (): void => {
    code = 143;
    controller.abort();
    close();
    process.exit(code);
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate).on("SIGHUP", onTerminate);
  return {
    signal: controller.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate).off("SIGHUP", onTerminate);
    },
  };
}

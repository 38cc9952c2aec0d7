// Signals of a command: the first Ctrl-C stops what runs, a second one, or SIGTERM, ends the process. Nothing of ours is left behind.

export interface Signals extends Disposable {
  /** Aborted by the first SIGINT, and by SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly exitCode: () => number | undefined;
}

/** While a command opens what it needs any signal ends it, and what was stored meanwhile goes. Dispose it before `catchSignals`. */
export function endOnSignals(): Disposable {
  const onInterrupt = (): never => process.exit(130);
  const onTerminate = (): never => process.exit(143);
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate).on("SIGHUP", onTerminate);
  return {
    [Symbol.dispose]() {
      process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate).off("SIGHUP", onTerminate);
    },
  };
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

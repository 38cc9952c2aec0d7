// A real kernel for tests: its options with what a test does not care about filled in.
import type { GuestSetup } from "../../prelude/contract.ts";
import { Kernel, spawnKernel, type Death, type KernelOptions } from "../../sandbox/index.ts";
import * as limits from "../../sandbox/limits.ts";

const SETUP: GuestSetup = {
  seed: 1,
  now: 0,
  workers: 4,
  workers_fixed: false,
  parallelism: 2,
  tools: [],
  limits: {
    calls_in_flight: limits.MAX_CALLS_IN_FLIGHT,
    calls_per_cell: limits.MAX_CALLS_PER_CELL,
    argument: limits.MAX_ARGUMENT,
    arguments_in_flight: limits.MAX_ARGUMENTS_IN_FLIGHT,
    value: limits.MAX_VALUE,
    answer: limits.MAX_ANSWER,
    console: limits.MAX_CONSOLE,
    error_message: limits.MAX_ERROR_MESSAGE,
    stack: limits.MAX_STACK,
    preview: limits.MAX_PREVIEW,
    long_preview: limits.MAX_LONG_PREVIEW,
  },
};

export interface Opened extends Disposable {
  readonly kernel: Kernel;
  readonly posts: string[];
  readonly deaths: Death[];
  /** Enters with a script as the transform emits them. */
  run(n: number, body: string, timeoutMs?: number): ReturnType<Kernel["enter"]>;
}

export async function openKernel(options: Partial<KernelOptions> = {}): Promise<Opened> {
  const posts: string[] = [];
  const deaths: Death[] = [];
  const kernel = new Kernel({
    process: spawnKernel({ zone: "UTC", locale: "en-US", jitless: false }),
    heapMb: 128,
    setup: JSON.stringify(SETUP),
    onPost: (text) => posts.push(text),
    onJobEnd: () => true,
    onScanRead: () => true,
    onDeath: (death) => deaths.push(death),
    ...options,
  });
  await kernel.ready();
  return {
    kernel,
    posts,
    deaths,
    run: (n, body, timeoutMs = 5_000) =>
      kernel.enter("run", n, `({names: [], run: async () => { ${body} }})`, '{"now":1,"budget":null}', timeoutMs),
    [Symbol.dispose]: () => kernel.kill("closed"),
  };
}

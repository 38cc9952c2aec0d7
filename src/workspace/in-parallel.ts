// Many small file operations at once, a bounded number of them. Cheaper than a promise queue where there are 10⁴ items
// (19,239 files: 200 ms less than p-limit); model calls and processes, of which there are few, use p-limit.

/** Runs `work` for every item, at most `concurrency` at a time, started in order. The first failure is thrown; no new work is started then. */
export async function inParallel<T>(items: Iterable<T>, concurrency: number, work: (item: T) => Promise<void>): Promise<void> {
  const shared = Iterator.from(items);
  const state = { failed: false };
  const runner = async (): Promise<void> => {
    for (let next = shared.next(); next.done !== true && !state.failed; next = shared.next()) {
      await work(next.value).catch((error: unknown) => {
        state.failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runner));
}

// Sessions as the benchmark has them: nothing is kept, nobody's settings count, and a cell that fails ends it all.
import { openAs, type SessionOptions } from "../library/open-session.ts";
import { CELLS } from "../library/open.ts";
import type { ReplSession } from "../library/session.ts";

export function open(options: SessionOptions, maxGroup?: number): Promise<ReplSession> {
  return openAs({ ephemeral: true, env: {}, cellTimeout: 600, ...options }, CELLS, maxGroup === undefined ? {} : { maxGroup });
}

export async function expectOk(session: ReplSession, cell: string): Promise<void> {
  const { outcome, error } = await session.run(cell);
  if (outcome !== "ok") throw new Error(`a cell of the benchmark ended ${outcome}: ${error?.message ?? ""}`);
}

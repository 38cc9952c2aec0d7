// The scan process: parsers read what nobody has looked at, and one that crashes or never returns takes its whole process with it. So it
// is one of its own, without a secret in its environment, and ends with whoever started it, whatever its threads are in.
import { Piscina } from "piscina";
import { messageOf } from "../errors.ts";
import { registerLanguages } from "./grammars.ts";
import { grammarFor } from "./languages.ts";
import type { Rule } from "./rule.ts";
import type { Group, PartResult } from "./thread.ts";
import { troubleOf } from "./tree.ts";

/** What comes in: first the rules, ours and the user's own, then groups. */
export type Order =
  | {
      readonly type: "start";
      readonly rules: readonly Rule[];
      readonly own: readonly Rule[];
      readonly threads: number;
      readonly thread: string;
    }
  | { readonly type: "group"; readonly id: number; readonly group: Group };

export type Answer =
  /** It is up; which of the user's rules cannot be used, and why. */
  | { readonly type: "ready"; readonly wrong: readonly { readonly rule: string; readonly why: string }[] }
  | { readonly type: "done"; readonly id: number; readonly results: readonly PartResult[] }
  /** `isOut`: its thread was out of memory. */
  | { readonly type: "failed"; readonly id: number; readonly message: string; readonly isOut: boolean };

let pool: Piscina<Group, PartResult[]> | undefined;

process.on("message", (order: Order) => {
  if (order.type === "start") start(order);
  else void scan(order);
});
// An orderly exit would wait for threads that are inside a parser.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

function start({ rules, own, threads, thread }: Extract<Order, { type: "start" }>): void {
  const missing = registerLanguages();
  // To try ours takes half a second, and a test has tried them.
  const wrong = own.flatMap((rule) => {
    const why = missing.get(grammarFor(rule.language)) ?? troubleOf(rule);
    return why === undefined ? [] : [{ rule: rule.id, why }];
  });
  const usable = [...rules, ...own].filter(({ language }) => !missing.has(grammarFor(language)));
  pool = new Piscina({ filename: thread, minThreads: 1, maxThreads: threads, idleTimeout: 60_000, workerData: usable });
  send({ type: "ready", wrong });
}

async function scan({ id, group }: Extract<Order, { type: "group" }>): Promise<void> {
  try {
    if (pool === undefined) throw new Error("a group came before the rules");
    send({ type: "done", id, results: await pool.run(group) });
  } catch (error) {
    const isOut = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    send({ type: "failed", id, message: messageOf(error), isOut });
  }
}

function send(answer: Answer): void {
  // It may be gone already.
  process.send?.(answer, () => undefined);
}

// What a cell is told when a call or a batch is out of its budget's reach: what was asked, what is left, what to do.
import { HostError } from "../errors.ts";
import type { Amount, Bound } from "./amount.ts";
import type { BudgetLimits } from "./caps.ts";
import { dollars } from "./cost.ts";

export interface Left extends Bound {
  readonly seconds: number | null;
}

export function refusalOf(needed: Amount, left: Left, limits: BudgetLimits): HostError {
  if (left.calls === 0) return refused(needed, left, `no model call is left of ${limits.maxCalls}: raise --max-calls`);
  return refused(needed, left, `this call ${outOfReach(needed, left, limits, "ask with less text")}`);
}

export function batchRefusal(calls: number, needed: Amount, left: Left, limits: BudgetLimits): HostError {
  if (left.calls !== null && calls > left.calls) {
    const message = `this batch of ${calls} calls is over the ${left.calls} that are left of ${limits.maxCalls}: ask in fewer prompts or raise --max-calls`;
    return refused(needed, left, message);
  }
  return refused(needed, left, `this batch of ${calls} calls ${outOfReach(needed, left, limits, "ask in fewer prompts")}`);
}

function outOfReach(needed: Amount, left: Left, limits: BudgetLimits, remedy: string): string {
  if (left.seconds !== null && left.seconds <= 0) return `comes too late: the ${limits.maxSeconds} s of --max-time are over`;
  if (left.usd !== null && needed.usd > left.usd)
    return `needs about ${dollars(needed.usd, "up")}, ${dollars(left.usd, "down")} are left: ${remedy} or raise --max-cost`;
  const tokens = left.tokens ?? 0;
  return `needs about ${needed.tokens.toLocaleString("en-US")} tokens, ${tokens.toLocaleString("en-US")} are left: ${remedy} or raise --max-tokens`;
}

function refused({ usd, tokens, calls }: Amount, left: Left, message: string): HostError {
  const data = {
    needed_calls: calls,
    needed_usd: usd,
    needed_tokens: tokens,
    left_calls: left.calls,
    left_usd: left.usd,
    left_tokens: left.tokens,
    left_seconds: left.seconds,
  };
  return new HostError("E_BUDGET", message, { data });
}

// What a session that goes on had.
import type { OutcomeKind } from "../../sandbox/outcome.ts";

/** A cell that had ended when its session was opened again. */
export interface EarlierCell {
  readonly source: string;
  readonly outcome: OutcomeKind;
}

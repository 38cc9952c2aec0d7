export type { Outcome } from "../sandbox/outcome.ts";

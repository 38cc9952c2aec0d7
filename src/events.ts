// Everything a run can show while it runs, as one union. Drivers render it; nothing reads it back.
import type { Outcome } from "../sandbox/outcome.ts";

export type RunEvent =
  | { readonly type: "notice"; readonly text: string }
  | { readonly type: "cell_start"; readonly cell: number; readonly source: string }
  | { readonly type: "console"; readonly cell: number; readonly text: string }
  | { readonly type: "cell_end"; readonly outcome: Outcome }
  /** A batch, scan or the cell's own `progress()`: `done` of `total` (null: unknown). */
  | { readonly type: "progress"; readonly label: string; readonly done: number; readonly total: number | null; readonly text?: string }
  /** What happens in a child, and in its children; `session` is its id, `depth` 1 or more. */
  | { readonly type: "child"; readonly session: string; readonly depth: number; readonly event: RunEvent }
  | { readonly type: "turn_start"; readonly iteration: number }
  | { readonly type: "turn_reply"; readonly iteration: number; readonly text: string; readonly code: string | null }
  | { readonly type: "model_call"; readonly model: string; readonly purpose: "root" | "sub"; readonly ms: number; readonly ok: boolean };

export type EventSink = (event: RunEvent) => void;

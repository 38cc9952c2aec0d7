// Tests that open sessions keep them in a folder that goes away, never among those of whoever runs them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const state = mkdtempSync(join(tmpdir(), "rlm-test-state-"));
  process.env["XDG_STATE_HOME"] = state;
  return () => rmSync(state, { recursive: true, force: true });
}

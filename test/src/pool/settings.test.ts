// How much runs at a time, where nobody said.
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { optimalWorkers } from "../../../src/config/workers.ts";
import { automaticWorkers, workersNotice } from "../../../src/pool/settings.ts";

test("workers are the cores between 4 and 16", () => {
  const cores = availableParallelism();
  expect(automaticWorkers()).toBe(Math.max(4, Math.min(16, cores)));
  expect(optimalWorkers(1, 1, {})).toBe(1);
  expect(optimalWorkers(16, 64, {})).toBe(64);
  expect(optimalWorkers(undefined, undefined, { RLM_MAX_WORKERS: "" })).toBe(automaticWorkers());
});

test("RLM_MAX_WORKERS decides", () => {
  expect(optimalWorkers(16, 4, { RLM_MAX_WORKERS: "2" })).toBe(2);
  expect(optimalWorkers(16, 4, { RLM_MAX_WORKERS: "64" })).toBe(64);
});

test.each(["lots", "0", "-1", "1.5", "1e3"])("RLM_MAX_WORKERS=%s is refused with the remedy", (value) => {
  expect(() => optimalWorkers(16, 4, { RLM_MAX_WORKERS: value })).toThrow(
    `RLM_MAX_WORKERS=${value} is not a whole number ≥ 1; unset it for automatic (${automaticWorkers()} here)`,
  );
});

test("a number outside 4 to 16 is worth a notice", () => {
  expect([3, 4, 16, 17].map((workers) => workersNotice(workers, "RLM_MAX_WORKERS") !== undefined)).toEqual([true, false, false, true]);
});

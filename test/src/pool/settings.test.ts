// Numbers of workers and of model calls at a time.
import * as os from "node:os";
import { expect, test } from "vitest";
import { modelLimitSetting, optimalWorkers, workersSetting } from "../../../src/pool/settings.ts";

test("workers follow the machine within their limits", () => {
  const cores = os.availableParallelism();
  expect(optimalWorkers(16, 4, {})).toBe(Math.max(4, Math.min(16, cores)));
  expect(optimalWorkers(1, 1, {})).toBe(1);
  expect(optimalWorkers(16, 64, {})).toBe(64);
  expect(workersSetting({})).toEqual({ value: Math.max(4, Math.min(16, cores)), source: "automatic" });
});

test("the environment goes first", () => {
  expect(optimalWorkers(16, 4, { RLM_MAX_WORKERS: "2" })).toBe(2);
  expect(modelLimitSetting({ RLM_SEMAPHORE_LIMIT: "25" })).toEqual({ value: 25, source: "RLM_SEMAPHORE_LIMIT" });
  expect(modelLimitSetting({ RLM_SEMAPHORE_LIMIT: "" })).toEqual({ value: 10, source: "automatic" });
});

test.each(["lots", "0", "-1", "1.5", "1e3", "99999999999"])("RLM_MAX_WORKERS=%s is refused", (value) => {
  const here = Math.max(4, Math.min(16, os.availableParallelism()));
  expect(() => optimalWorkers(16, 4, { RLM_MAX_WORKERS: value })).toThrow(
    `RLM_MAX_WORKERS=${value} is not a whole number ≥ 1; unset it for automatic (${here} here)`,
  );
  expect(() => modelLimitSetting({ RLM_SEMAPHORE_LIMIT: value })).toThrow(
    `RLM_SEMAPHORE_LIMIT=${value} is not a whole number ≥ 1; unset it for automatic (10 here)`,
  );
});

// One thread of the scan process: groups of texts come in, findings go out.
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { workerData } from "node:worker_threads";
import { Engine, type Part } from "./engine.ts";
import { messageOf } from "../errors.ts";
import type { Found } from "./finding.ts";
import { isRules } from "./rule.ts";

/** Texts that go together, and who looks at them. */
export interface Group {
  readonly scanners: readonly string[];
  readonly parts: readonly Part[];
}

/** Of each text, in order. */
export interface PartResult {
  readonly findings: readonly Found[];
  readonly isCut: boolean;
  /** Why it could not be scanned. */
  readonly trouble?: string;
}

/**
 * A tree takes some eighty times its text, outside of V8's heap and so out of its sight: unless it is made to look, twenty files of a
 * megabyte are two gigabytes. A look costs some ms.
 */
const LOOK_AFTER = 256 * 1024;
setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

const rules: unknown = workerData;
if (!isRules(rules)) throw new Error("a scan thread was given no rules");
const engine = new Engine(rules);
let read = 0;

export default async function scanGroup({ scanners, parts }: Group): Promise<PartResult[]> {
  const asked = new Set(scanners);
  const results: PartResult[] = [];
  for (const part of parts) {
    try {
      results.push(await engine.scan(part, asked));
    } catch (error) {
      results.push({ findings: [], isCut: false, trouble: messageOf(error) });
    }
    read += part.text.length;
    if (read < LOOK_AFTER) continue;
    read = 0;
    if (typeof collect === "function") Reflect.apply(collect, undefined, [{ type: "minor" }]);
    await setImmediate();
  }
  return results;
}

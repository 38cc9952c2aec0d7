// The CPU profile of a session: what its kernels sampled, with the places of the cells' own text, as the file that Chrome's tools and
// editors open, and as the few functions that take the most time.
import { writeFile } from "node:fs/promises";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { cpuProfile, SCRIPT_NAME, type CpuProfile, type Kernel, type ProfileNode } from "../../sandbox/index.ts";
import { HostError, messageOf } from "../errors.ts";

/** A function and where it stands: `cell 2:14`, `scan`, or "" for what is V8's own. */
interface HotFunction {
  readonly name: string;
  readonly place: string;
  readonly ms: number;
}

const MAP = "//# sourceMappingURL=data:application/json;base64,";
/** V8's own names for time that is nobody's. */
const IDLE: ReadonlySet<string> = new Set(["(idle)", "(root)"]);
const LISTED = 10;

export class SessionProfile {
  readonly #file: string;
  /** Of each kernel what it sampled until now: the last ones of one that is gone stay. */
  readonly #taken = new Map<Kernel, CpuProfile>();
  readonly #maps = new Map<number, TraceMap>();
  #isFinished = false;

  /** Throws E_USAGE when nothing can be written there; what is there stays until there is a profile. */
  static async at(file: string): Promise<SessionProfile> {
    await write(file, "", "a");
    return new SessionProfile(file);
  }

  private constructor(file: string) {
    this.#file = file;
  }

  /** Where a cell's own text stands in its script. */
  add(cell: number, script: string): void {
    const at = script.lastIndexOf(MAP);
    if (at !== -1) this.#maps.set(cell, new TraceMap(Buffer.from(script.slice(at + MAP.length), "base64").toString()));
  }

  async take(kernel: Kernel | undefined): Promise<void> {
    const text = await kernel?.profile();
    const profile = text === undefined ? undefined : cpuProfile(text);
    if (kernel !== undefined && profile !== undefined) this.#taken.set(kernel, profile);
  }

  /** Writes the file; resolves to what there is to say, once. */
  async finish(): Promise<string | undefined> {
    if (this.#isFinished) return undefined;
    this.#isFinished = true;
    const profiles = [...this.#taken.values()];
    await write(this.#file, JSON.stringify(fileOf(profiles, (node) => this.#frame(node))));
    const hot = this.#hottest();
    const total = hot.reduce((sum, { ms }) => sum + ms, 0);
    const entries = profiles.reduce((sum, each) => sum + each.entries, 0);
    const left = profiles.reduce((sum, each) => sum + each.unprofiled, 0);
    const lines = hot
      .slice(0, LISTED)
      .map(
        ({ name, place, ms }) =>
          `${ms.toFixed(0).padStart(8)} ms ${((ms / total) * 100).toFixed(1).padStart(5)} %  ${name}${place === "" ? "" : `  ${place}`}`,
      );
    const more = left === 0 ? "" : `, ${left} later ones not profiled`;
    return [
      `${this.#file}: ${total.toFixed(0)} ms in ${entries} ${entries === 1 ? "entry" : "entries"} into the sandbox${more}`,
      ...lines,
    ].join("\n");
  }

  /** By own time, the most first. */
  #hottest(): HotFunction[] {
    const found = new Map<string, { name: string; place: string; ms: number }>();
    for (const { nodes, samples, deltas } of this.#taken.values()) {
      const own = nodes.map(() => 0);
      for (const [i, sample] of samples.entries()) own[sample] = (own[sample] ?? 0) + (deltas[i] ?? 0) / 1_000;
      for (const [i, node] of nodes.entries()) {
        if (own[i] === 0 || IDLE.has(node[1])) continue;
        const { name, place } = this.#named(node);
        const key = `${name}\0${place}`;
        const known = found.get(key) ?? { name, place, ms: 0 };
        known.ms += own[i] ?? 0;
        found.set(key, known);
      }
    }
    return [...found.values()].toSorted((a, b) => b.ms - a.ms);
  }

  #named(node: ProfileNode): { name: string; place: string } {
    const { functionName, url, lineNumber } = this.#frame(node);
    if (url === SCRIPT_NAME) return { name: "the prelude", place: "" };
    if (url === "") return { name: functionName, place: "" };
    return { name: functionName === "" ? "(anonymous)" : functionName, place: url.startsWith("cell ") ? `${url}:${lineNumber + 1}` : url };
  }

  #frame([, name, script, line, column]: ProfileNode): Frame {
    const cell = /^cell-(\d+)$/.exec(script)?.[1];
    if (cell === undefined) return frame(name, script, line, column);
    const map = this.#maps.get(Number(cell));
    const place = map === undefined ? undefined : originalPositionFor(map, { line: Math.max(1, line), column: Math.max(0, column - 1) });
    // The function around a cell's top level is the cell itself.
    const shown = name === "run" && place?.line == null ? "(the cell)" : name;
    return frame(shown, `cell ${cell}`, place?.line ?? 1, (place?.column ?? 0) + 1);
  }
}

interface Frame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  /** From 0, as the file's format has it. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

function frame(functionName: string, url: string, line: number, column: number): Frame {
  return { functionName, scriptId: "0", url, lineNumber: Math.max(0, line - 1), columnNumber: Math.max(0, column - 1) };
}

/** The format of V8's inspector (`Profiler.Profile`): one tree, each kernel's below its root, one after another in time. */
function fileOf(profiles: readonly CpuProfile[], frameOf: (node: ProfileNode) => Frame): object {
  const nodes: { id: number; callFrame: Frame; hitCount: number; children: number[] }[] = [
    { id: 1, callFrame: frame("(root)", "", 1, 1), hitCount: 0, children: [] },
  ];
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  for (const profile of profiles) {
    const first = nodes.length;
    for (const [i, node] of profile.nodes.entries()) {
      if (i === 0) continue;
      const id = first + i;
      nodes.push({ id, callFrame: frameOf(node), hitCount: 0, children: [] });
      nodes[node[0] === 0 ? 0 : first + node[0] - 1]?.children.push(id);
    }
    for (const [i, sample] of profile.samples.entries()) {
      const id = sample === 0 ? 1 : first + sample;
      samples.push(id);
      timeDeltas.push(profile.deltas[i] ?? 0);
      const hit = nodes[id - 1];
      if (hit !== undefined) hit.hitCount++;
    }
  }
  return { nodes, startTime: 0, endTime: timeDeltas.reduce((sum, each) => sum + each, 0), samples, timeDeltas };
}

async function write(file: string, text: string, flag = "w"): Promise<void> {
  await writeFile(file, text, { flag }).catch((error: unknown) => {
    throw new HostError("E_USAGE", `the profile cannot be written to ${file}: ${messageOf(error)}`, { cause: error });
  });
}

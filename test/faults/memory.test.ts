// Rows 6 to 9: memory. The kernel's never passes its cap by more than 150 MB, the host's hardly moves.
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, folder, type JsonOutcome } from "../e2e/cli.ts";
import { faults, kernelsBelow, LINUX, residentMb, type Fault } from "./setup.ts";

const MEMORY = 128;
/** Heap, headroom, what is tolerated past it. */
const KERNEL_CEILING_MB = MEMORY + 256 + 150;
const memory = (cell: string): Fault => ({ cell, outcome: "memory", error: "OutOfMemory", keeps: false });

/** The most a session's kernel takes while `work` runs. */
async function peakOfKernels(work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, ...kernelsBelow(process.pid).map(residentMb))), 5);
  await work();
  clearInterval(timer);
  return peak;
}

it("row 6: what grows without end is out of memory", async () => {
  const peak = await peakOfKernels(() =>
    faults(
      [
        "const a = []; for (;;) a.push(new Array(1000).fill(1))",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)",
        "const s = new Set(); for (let i = 0; ; i++) s.add('k' + i)",
        "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
        "Array(1e9).fill(0)",
        "const parts = []; for (let i = 0; ; i++) parts.push('abc'.repeat(1000) + i)",
        "const q = []; for (;;) { q.push({}); queueMicrotask(() => q) }",
        "'x'.repeat(2 ** 28).split('')",
      ].map(memory),
      { cellTimeout: 60, memory: MEMORY },
    ),
  );
  if (LINUX) expect(peak).toBeLessThan(KERNEL_CEILING_MB);
}, 180_000);

it("rows 7 and 8: buffers past the heap are refused or out of memory", async () => {
  const refused = (cell: string): Fault => ({ cell, outcome: "threw", error: "RangeError", keeps: true });
  const peak = await peakOfKernels(() =>
    faults(
      [
        refused("new ArrayBuffer(8e9)"),
        refused("new Float64Array(1e9)"),
        refused("const l = []; for (;;) l.push(new Uint8Array(1e6).fill(1))"),
        refused("let s = 'x'; for (;;) s = s + s + 'y'"),
        memory("const r = new ArrayBuffer(0, { maxByteLength: 1e9 }); r.resize(1e9); new Uint8Array(r).fill(1)"),
        memory("new Uint8Array(new ArrayBuffer(1e9, { maxByteLength: 1e9 })).fill(1)"),
        memory(
          "const l = []; for (;;) { const r = new ArrayBuffer(0, { maxByteLength: 5e7 }); r.resize(5e7); new Uint8Array(r).fill(1); l.push(r) }",
        ),
        memory("'\\u00e9'.repeat(3e8).normalize('NFD')"),
        memory(
          "let rope = 'ab'; for (let i = 0; i < 26; i++) rope += rope; const all = []; for (;;) all.push((rope + all.length).toUpperCase())",
        ),
      ],
      { cellTimeout: 60, memory: MEMORY },
    ),
  );
  if (LINUX) expect(peak).toBeLessThan(KERNEL_CEILING_MB);
}, 120_000);

it.runIf(LINUX)(
  "row 9: what is large arrives bounded, with its true length, and the host hardly grows",
  async () => {
    const cells = [
      "const kept = 7; 1",
      "'x'.repeat(5e8)",
      "throw new Error('y'.repeat(3e8))",
      "throw 't'.repeat(3e8)",
      "for (let i = 0; i < 1e6; i++) console.log('line', i)",
      "for (let i = 0; i < 1e6; i++) console.log('')",
      "const huge = 'z'.repeat(5e6); for (let i = 0; i < 100; i++) console.log(huge)",
      "for (let i = 0; i < 1e6; i++) progress(i, 1e6, 'some text')",
      "for (let i = 0; i < 1e6; i++) console.timeLog('none')",
      "new Array(1e6).fill('x'.repeat(1e5))",
      "void Promise.reject('r'.repeat(3e8))",
      "kept",
    ];
    using files = folder({ "nb.ts": cells.map((cell) => `// %%\n${cell}`).join("\n") });
    let [first, peak] = [0, 0];
    let timer: NodeJS.Timeout | undefined;
    const { stdout } = await cli(["run", join(files.path, "nb.ts"), "--json"], {
      onStart: (_, onStdout, pid) => {
        onStdout(() => (first ||= residentMb(pid)));
        timer = setInterval(() => (peak = Math.max(peak, residentMb(pid))), 10);
      },
    });
    clearInterval(timer);
    const outcomes = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonOutcome & { readonly length?: number });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "threw", "threw", ...Array.from({ length: 8 }, () => "ok")]);
    expect(outcomes[1]?.preview).toMatch(/more characters$/);
    expect(outcomes.every(({ preview, error }) => preview.length < 2_100 && (error?.message.length ?? 0) < 8_400)).toBe(true);
    expect(outcomes.every(({ output }) => output.length < 1024 * 1024 + 200)).toBe(true);
    expect(outcomes[5]?.output).toBe("\n".repeat(1_000_000));
    expect(outcomes.at(-1)).toMatchObject({ value: 7 });
    expect(outcomes.at(-1)).not.toHaveProperty("state");
    expect(first).toBeGreaterThan(0);
    expect(peak - first).toBeLessThan(64);
  },
  120_000,
);

// Contexts as a cell sees them: their names and kinds, a Corpus against its contract, what is shared and not copied, and what is told.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cli, folder, notebook, type JsonOutcome } from "./cli.ts";

const MiB = 1024 * 1024;
const COLLECT = `const all = async (pieces) => { const list = []; for await (const piece of pieces) list.push(piece); return list };`;

/** Cells and what each must come to. */
async function expectValues(
  rows: readonly (readonly [cell: string, value: unknown])[],
  args: readonly string[],
  cwd: string,
): Promise<void> {
  const outcomes = await notebook(
    rows.map(([cell]) => cell),
    args,
    { cwd, stdin: "piped\n" },
  );
  const values = outcomes.map(({ value, error }) => value ?? error?.code);
  expect(values.map((value, i) => [rows[i]?.[0], value])).toEqual(rows.map(([cell, value]) => [cell, value]));
}

describe("contexts", () => {
  it("have the names of their last path parts, and the kinds of their endings", async () => {
    using files = folder({
      "a.log": "first",
      "old/a.log": "second",
      "data.json": '\uFEFF{"n": [1]}',
      "rows.jsonl": '\uFEFF{"a":1}\r\n\r\n{"a":2}\r\n',
      "none.jsonl": "",
      "d/x.ts": "x",
      "d/y.md": "y",
      "bom.txt": "\uFEFFone\r\ntwo",
      "empty.txt": "",
      "packed.jsonl.gz": gzipSync("[1]\n[2]\n"),
      "wide.txt": Buffer.from("\uFEFFwörd 😀", "utf16le"),
    });
    mkdirSync(join(files.path, "hollow"));
    const named = ["a.log", "old/a.log", "-", "data.json", "rows.jsonl", "none.jsonl", "d", "d/*.ts", "hollow", "bom.txt", "empty.txt"];
    const given = [...named, "packed.jsonl.gz", "wide.txt"];
    await expectValues(
      [
        [
          "Object.keys(contexts)",
          ["a.log", "a.log#2", "stdin", ...named.slice(3, 7), "*.ts", "hollow", "bom.txt", "empty.txt", "packed.jsonl.gz", "wide.txt"],
        ],
        ["[contexts['a.log'], contexts['a.log#2'], contexts.stdin, contexts['empty.txt']]", ["first", "second", "piped\n", ""]],
        ["[contexts['data.json'], contexts['rows.jsonl'], contexts['none.jsonl']]", [{ n: [1] }, [{ a: 1 }, { a: 2 }], []]],
        [
          "[contexts.d, contexts['*.ts'], contexts.hollow].map((c) => [c.size, ...c.files.map((f) => f.path)])",
          [[2, "x.ts", "y.md"], [1, "x.ts"], [0]],
        ],
        ["contexts['bom.txt']", "one\r\ntwo"],
        ["contexts['packed.jsonl.gz']", [[1], [2]]],
        ["context === contexts['wide.txt'] && context", "wörd 😀"],
        ["(await rg_search('w.rd')).map((m) => [m.file, m.line, m.column, m.text])", [["context", 1, 1, "wörd 😀"]]],
        ["await read_file('packed.jsonl.gz')", "[1]\n[2]\n"],
        ["contexts['a.log'] = 'other'", undefined],
        ["Object.keys(contexts).length", given.length],
      ].map(([cell = "", value]) => [String(cell), value] as const),
      given.flatMap((each) => ["-c", each]),
      files.path,
    );
  });

  it("are shared with the threads of a scan, not copied for each", { skip: process.platform !== "linux" }, async () => {
    using files = folder({});
    const line = "0123456789 some words of a log line that is like any other\n";
    writeFileSync(join(files.path, "big.log"), line.repeat(Math.ceil(1e8 / line.length)));
    const length = Math.ceil(1e8 / line.length) * line.length;
    const touch = `(text) => { let sum = 0; for (let round = 0; round < 20; round++) for (let i = 0; i < text.length; i += 64) sum += text.charCodeAt(i); return sum > 0 && text.length }`;
    writeFileSync(
      join(files.path, "nb.ts"),
      `const touch = ${touch}; context.length\n// %%\n(await parallel_scan([1, 2, 3, 4].map(() => (text) => touch(text)), 4)).map((r) => r.value)`,
    );
    const sizes = { loaded: 0, scanning: 0 };
    const state = { ended: false };
    const { stdout, stderr } = await cli(["run", "nb.ts", "--json", "-c", "big.log"], {
      cwd: files.path,
      onStart: (_, onStdout, pid) => {
        onStdout((text) => {
          sizes.loaded ||= memoryOf(pid);
          state.ended = text.split("\n").length > 2;
        });
        void (async () => {
          while (!state.ended) {
            await sleep(20);
            if (sizes.loaded > 0) sizes.scanning = Math.max(sizes.scanning, memoryOf(pid));
          }
        })();
      },
    }).finally(() => (state.ended = true));
    const values = stdout
      .trimEnd()
      .split("\n")
      .map((each) => (JSON.parse(each) as JsonOutcome).value);
    expect(values, stderr).toEqual([length, [length, length, length, length]]);
    expect(sizes.loaded).toBeGreaterThan(length);
    // Measured: 31 MB more. Four copies would be 400 MB.
    expect(sizes.scanning - sizes.loaded).toBeLessThan(150e6);
  });
});

describe("a Corpus", () => {
  it("reads, cuts and lists as its contract says", async () => {
    const long = "é😀".repeat(40);
    using files = folder({
      "d/a.txt": `\uFEFFone\ntwo\r\nthree\n\nfive`,
      "d/b/long.txt": `short\n${long}\nend\n`,
      "d/empty.txt": "",
      "d/z.txt.zst": zstdCompressSync("packed\r\nlines\n"),
    });
    const zst = readFileSync(join(files.path, "d/z.txt.zst")).length;
    const sizes = { "a.txt": 23, "b/long.txt": 6 + 40 * 6 + 1 + 4, "empty.txt": 0, "z.txt.zst": zst };
    await expectValues(
      [
        ["context.files", Object.entries(sizes).map(([path, size]) => ({ path, size }))],
        ["context.size", Object.values(sizes).reduce((sum, size) => sum + size, 0)],
        ["await context.read('a.txt')", "one\ntwo\r\nthree\n\nfive"],
        ["await context.read('a.txt', { start_line: 1, end_line: 1 })", "one"],
        ["await context.read('a.txt', { start_line: 2, end_line: 4 })", "two\r\nthree\n"],
        ["await context.read('a.txt', { start_line: 5, end_line: 9 })", "five"],
        ["await context.read('z.txt.zst', { start_line: 2 })", "lines\n"],
        [
          `${COLLECT} (await all(context.lines({ files: ['a.txt', 'z.txt.zst'] }))).map((l) => [l.path, l.line, l.text])`,
          [
            ["a.txt", 1, "one"],
            ["a.txt", 2, "two"],
            ["a.txt", 3, "three"],
            ["a.txt", 4, ""],
            ["a.txt", 5, "five"],
            ["z.txt.zst", 1, "packed"],
            ["z.txt.zst", 2, "lines"],
          ],
        ],
        [
          "(await all(context.lines({ files: [context.files[1]] }))).map((l) => [l.line, l.text.length])",
          [
            [1, 5],
            [2, long.length],
            [3, 3],
          ],
        ],
        [
          "(await all(context.chunks())).map((c) => [c.path, c.start_line, c.text.length])",
          [
            ["a.txt", 1, 20],
            ["b/long.txt", 1, 131],
            ["z.txt.zst", 1, 14],
          ],
        ],
        // Two lines fit 10 units, the third would not.
        [
          "(await all(context.chunks({ max_chars: 10, files: ['a.txt'] }))).map((c) => [c.start_line, c.text])",
          [
            [1, "one\ntwo\r\n"],
            [3, "three\n\n"],
            [5, "five"],
          ],
        ],
        [
          "const cut = await all(context.chunks({ max_chars: 8, files: ['b/long.txt'] })); [cut.every((c) => c.text.length <= 8 && c.text.isWellFormed()), cut.map((c) => c.text).join('') === await context.read('b/long.txt'), new Set(cut.map((c) => c.start_line)).size, cut.at(-1)]",
          [true, true, 2, { path: "b/long.txt", start_line: 2, text: "\nend\n" }],
        ],
        ["(await all(context.chunks({ files: [] }))).length", 0],
        ["(await all(context.lines(null))).length", 5 + 3 + 2],
        ["await all(context.chunks({ files: ['nope.txt'] }))", "E_BAD_ARGUMENT"],
        ["await all(context.chunks({ max_chars: 1 }))", "E_BAD_ARGUMENT"],
        ["await all(context.chunks({ max_chars: '9' }))", "E_BAD_ARGUMENT"],
        ["await all(context.lines(5))", "E_BAD_ARGUMENT"],
        ["await context.read('a.txt', { start_line: 2, end_line: 1 })", "E_BAD_ARGUMENT"],
        ["await context.read('../nb.ts')", "E_OUTSIDE_WORKSPACE"],
        ["context.files.push(1)", undefined],
        [
          "(await parallel_scan([(_, f) => [f.path, f.size, f.text.length]], { over: context.files.slice(3) }))[0].value",
          ["z.txt.zst", 14, 14],
        ],
      ].map(([cell = "", value]) => [String(cell), value] as const),
      ["-c", "d"],
      files.path,
    );
  });

  it("goes through a line of 30 MB in good time", async () => {
    using files = folder({ "d/long.txt": `${"x".repeat(30 * MiB)}\nend` });
    // Joining all of the line again for each piece took 6 s a run here, and four times that for twice the length.
    await expectValues(
      [["const lengths = []; for await (const { text } of context.lines()) lengths.push(text.length); lengths", [30 * MiB, 3]]],
      ["-c", "d"],
      files.path,
    );
  });

  it("is what a text over 256 MiB is, read on demand", async () => {
    using files = folder({ "big.log": "first\n".repeat(2_000) });
    const file = openSync(join(files.path, "big.log"), "r+");
    ftruncateSync(file, 256 * MiB);
    writeSync(file, "\nlast", 256 * MiB);
    closeSync(file);
    writeFileSync(
      join(files.path, "nb.ts"),
      [
        "[context.files, context.size]",
        "await context.read('big.log', { start_line: 2000, end_line: 2000 })",
        "for await (const { text, start_line } of context.chunks({ max_chars: 14 })) { [start_line, text]; break }",
        "await context.read('big.log')",
        "await rg_search('^last')",
      ].join("\n// %%\n"),
    );
    const { stdout, stderr } = await cli(["run", "nb.ts", "--json", "-c", "big.log"], { cwd: files.path });
    const size = 256 * MiB + 5;
    const [facts, line, , whole, found] = stdout
      .trimEnd()
      .split("\n")
      .map((each) => JSON.parse(each) as JsonOutcome);
    expect(facts?.value).toEqual([[{ path: "big.log", size }], size]);
    expect(line?.value).toBe("first");
    expect(whole?.error?.code).toBe("E_TOO_LARGE");
    expect(found?.value).toMatchObject([{ file: "big.log", line: 2002, text: "last" }]);
    expect(stderr).toContain("big.log has 268 MB, over 256 MiB: it is a Corpus of one file, read on demand");
  });
});

describe("a context file that is not what it was", () => {
  it.each([
    ["changed", (file: string): void => writeFileSync(file, "other text")],
    ["vanished", (file: string): void => rmSync(file)],
  ])("%s: E_CONTEXT_CHANGED names it, and the variables stay", async (_, change) => {
    using files = folder({ "d/a.log": "one\n", "b.log": "two\n", "c.log.gz": gzipSync("three\n") });
    const until = (call: string): string =>
      `let error; for (let i = 0; i < 200 && error === undefined; i++) { await new Promise((r) => setTimeout(r, 50)); await ${call}.catch((e) => (error = e)) } [error?.code, error?.message.includes(NAME)]`;
    const cells = [
      "const kept = [contexts.d.files.length, contexts['b.log']]; kept",
      until("contexts.d.read('a.log')").replace("NAME", "'a.log'"),
      until("rg_search('two')").replace("NAME", "'b.log'"),
      "[kept, contexts['b.log'], contexts['c.log.gz'], await contexts.d.read('a.log').catch((e) => e.code)]",
    ];
    writeFileSync(join(files.path, "nb.ts"), cells.join("\n// %%\n"));
    const { stdout, code } = await cli(["run", "nb.ts", "--json", "-c", "d", "-c", "c.log.gz", "-c", "b.log"], {
      cwd: files.path,
      onStart: (_kill, onStdout) =>
        onStdout((text) => {
          if (text.indexOf("\n") === text.length - 1) for (const name of ["d/a.log", "b.log", "c.log.gz"]) change(join(files.path, name));
        }),
    });
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((each) => (JSON.parse(each) as JsonOutcome).value),
    ).toEqual([
      [1, "two\n"],
      ["E_CONTEXT_CHANGED", true],
      ["E_CONTEXT_CHANGED", true],
      // What was loaded stays; a compressed text was decoded when it was opened.
      [[1, "two\n"], "two\n", "three\n", "E_CONTEXT_CHANGED"],
    ]);
    expect(code).toBe(0);
  });
});

describe("what is told on stderr", () => {
  const tree = {
    ".gitignore": "out/\n",
    "out/a.js": "1",
    "src/a.ts": "22",
    ".env": "K=1",
    "keys/id_rsa.gz": "key",
    "logo.png": new Uint8Array([0x89, 0, 1]),
    "broken.gz": "no gzip",
  };

  it("counts what the current folder leaves out, once a cell looks at it, and only then", async () => {
    using files = folder({ ...tree, ".git/HEAD": "ref" });
    const { stderr } = await cli(["-e", "await list_files(); await rg_files('2')"], { cwd: files.path });
    expect(stderr).toBe(
      "rlm-repl: the current folder: 1 file, 2 bytes (2 left out by ignore files: --no-ignore; 1 binary; 2 denied; 1 unreadable; 1 version-control folder)\n",
    );
    expect((await cli(["-e", "1"], { cwd: files.path })).stderr).toBe("");
    expect((await cli(["-e", "await list_files()", "-q"], { cwd: files.path })).stderr).toBe("");
    expect((await cli(["-e", "await list_files()", "--no-ignore"], { cwd: files.path })).stderr).toContain("3 files");
  });

  it("counts what a folder leaves out when it is opened, and names damaged data; who names such a file gets one line", async () => {
    using files = folder({ ...tree, "cut.gz": gzipSync("text ".repeat(9_000)).subarray(0, 60) });
    const { stderr } = await cli(["-e", "await rg_files('2')", "-c", "."], { cwd: files.path });
    expect(stderr).toMatch(
      /^rlm-repl: rlm-test-\w+: 4 files, 68 bytes \(1 binary; 2 denied; 1 unreadable\)\nwarning: .*: cut\.gz cannot be read \(.*\n$/,
    );
    for (const name of ["cut.gz", "broken.gz"]) {
      const refused = await cli(["-e", "1", "-c", name], { cwd: files.path });
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toMatch(new RegExp(`^rlm-repl: ${name} cannot be read \\(damaged gzip data: [^\\n]+\\)\\n$`));
    }
  });
});

/** Bytes of memory that a process and those below it take, shared pages divided by who shares them. */
function memoryOf(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
    const [, kilobytes = "0"] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    return Number(kilobytes) * 1024 + children.reduce((sum, child) => sum + memoryOf(child), 0);
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

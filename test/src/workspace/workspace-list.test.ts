import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { describeFiles } from "../../../src/workspace/describe.ts";
import { openWorkspace } from "../../../src/workspace/workspace.ts";
import { failureOf, tempTree, withoutPrivileges } from "./temp-tree.ts";

const paths = (files: readonly { readonly path: string }[]): string[] => files.map((file) => file.path);

describe("a current folder that nobody named", () => {
  const tree = {
    ".gitignore": "out/\n",
    ".git/HEAD": "ref",
    "out/a.js": "1",
    "src/a.ts": "22",
    ".hidden": "h",
    ".env": "K=1",
    "logo.png": Buffer.from([0x89, 0, 1]),
  };

  it("is seen as ripgrep sees it, and says what it left out", async () => {
    const workspace = await openWorkspace({ cwd: tempTree(tree) });
    const list = await workspace.survey();
    expect(list.files).toEqual([{ path: "src/a.ts", size: 2 }]);
    expect(describeFiles(list)).toBe(
      "1 file, 2 bytes (3 left out by ignore files: --no-ignore; 1 binary; 1 denied; 1 version-control folder)",
    );
  });

  it("is whole with noIgnore", async () => {
    const list = await (await openWorkspace({ cwd: tempTree(tree), noIgnore: true })).survey();
    expect(paths(list.files)).toEqual([".gitignore", ".hidden", "out/a.js", "src/a.ts"]);
    expect(list.leftOut).toEqual({ ignored: 0, binary: 1, denied: 1, unreadable: 0, links: 0, repositories: 1 });
  });

  it("gives ignored files to who names them", async () => {
    const workspace = await openWorkspace({ cwd: tempTree(tree) });
    expect(await workspace.read("out/a.js")).toBe("1");
    const selection = { globs: [], types: [], hidden: false, noIgnore: false };
    expect(paths(await workspace.select({ ...selection, paths: ["out"] }))).toEqual(["out/a.js"]);
    expect(paths(await workspace.select({ ...selection, paths: null, noIgnore: true }))).toEqual(["out/a.js", "src/a.ts"]);
    expect(paths(await workspace.select({ ...selection, paths: null, hidden: true }))).toEqual([".gitignore", ".hidden", "src/a.ts"]);
  });
});

describe("named roots", () => {
  it("are whole, sorted, without links, with counts of what is left out", async () => {
    const cwd = tempTree({ "r/.gitignore": "*", "r/b/x.ts": "x", "r/a.ts": "a", "r/Z.ts": "z", "r/.ssh/id": "k", "out.txt": "o" });
    symlinkSync("../out.txt", path.join(cwd, "r/link"));
    symlinkSync("..", path.join(cwd, "r/up"));
    writeFileSync(Buffer.concat([Buffer.from(`${cwd}/r/`), Buffer.from([0xff, 0x2e])]), "name");
    mkdirSync(path.join(cwd, "r/closed"));
    chmodSync(path.join(cwd, "r/closed"), 0);
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["r"] });
    const list = await withoutPrivileges(() => workspace.survey());
    expect(paths(list.files)).toEqual([".gitignore", "Z.ts", "a.ts", "b/x.ts"]);
    expect(describeFiles(list)).toBe("4 files, 4 bytes (1 denied; 2 unreadable; 2 links)");
  });

  it("that share a path: the first has it, the other shows it by its name", async () => {
    const cwd = tempTree({ "one/a.ts": "1", "two/a.ts": "22", "two/b.ts": "2" });
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["one", "two"] });
    expect(paths(await workspace.list())).toEqual(["a.ts", "b.ts", "two/a.ts"]);
    expect(await Promise.all(["a.ts", "two/a.ts", "b.ts", "two/b.ts"].map((each) => workspace.read(each)))).toEqual(["1", "22", "2", "2"]);
    expect(await failureOf(workspace.read("../three"))).toMatchObject({ message: expect.stringContaining("is outside one, two;") });
  });

  it("that lie in each other list a file once, by the context's path", async () => {
    const cwd = tempTree({ "logs/a.log": "a", "src/x.ts": "x" });
    const workspace = await openWorkspace({ cwd, workspaceDirs: ["."], contextPaths: ["logs"] });
    expect(paths(await workspace.list())).toEqual(["a.log", "src/x.ts"]);
    expect(await workspace.read("logs/a.log")).toBe("a");
  });

  it("may be links themselves", async () => {
    const cwd = tempTree({ "real/a.ts": "a", "real/app-1.log": "1" });
    symlinkSync("real", path.join(cwd, "link"));
    symlinkSync("app-1.log", path.join(cwd, "real/current.log"));
    expect(paths(await (await openWorkspace({ cwd, workspaceDirs: ["link"] })).list("*.ts"))).toEqual(["a.ts"]);
    const workspace = await openWorkspace({ cwd, contextPaths: ["real/current.log"] });
    expect(await workspace.read("current.log")).toBe("1");
    expect(await workspace.list("*.log")).toEqual([{ path: "current.log", size: 1 }]);
  });

  it.each([
    ["nowhere", (cwd: string) => `no such workspace folder: nowhere (looked in ${cwd})`],
    ["a.txt", () => "--workspace a.txt is not a folder; for one file use --context a.txt"],
  ])("that are none: %s", async (dir, message) => {
    const cwd = tempTree({ "a.txt": "a" });
    expect(await failureOf(openWorkspace({ cwd, workspaceDirs: [dir] }))).toEqual({ code: "E_USAGE", message: message(cwd) });
  });
});

describe("globs", () => {
  const tree = { "a.ts": "", "src/b.ts": "", "src/deep/c.ts": "", "src/d.md": "", "{odd}.ts": "", "--pre=x": "" };

  it.each([
    ["*.ts", ["a.ts", "src/b.ts", "src/deep/c.ts", "{odd}.ts"]],
    ["/*.ts", ["a.ts", "{odd}.ts"]],
    ["src/*.ts", ["src/b.ts"]],
    ["src/**", ["src/b.ts", "src/d.md", "src/deep/c.ts"]],
    ["*.{md,txt}", ["src/d.md"]],
    ["!*.ts", ["--pre=x", "src/d.md"]],
    ["--pre=x", ["--pre=x"]],
    ["*.py", []],
  ])("%s as ripgrep reads it", async (glob, expected) => {
    expect(paths(await (await openWorkspace({ cwd: tempTree(tree) })).list(glob))).toEqual(expected);
  });

  it("over several mounts of one corpus", async () => {
    const cwd = tempTree(tree);
    const workspace = await openWorkspace({ cwd, contextPaths: ["a.ts", "src/deep", "src/d.md"], combined: true });
    expect(paths(await workspace.list())).toEqual(["a.ts", "src/d.md", "src/deep/c.ts"]);
    expect(paths(await workspace.list("*.ts"))).toEqual(["a.ts", "src/deep/c.ts"]);
    expect(paths(await workspace.list("src/*"))).toEqual(["src/d.md"]);
  });

  it("that ripgrep refuses are named", async () => {
    const workspace = await openWorkspace({ cwd: tempTree(tree) });
    expect((await failureOf(workspace.list("{a"))).message).toMatch(
      /^ripgrep refused the glob "\{a": .*unclosed alternate group.* \(E_BAD_PATTERN\)$/u,
    );
    expect(await failureOf(workspace.list(5))).toMatchObject({ code: "E_BAD_ARGUMENT" });
  });
});

it("sees the tree as it is, also a file whose content became binary", async () => {
  const cwd = tempTree({ "a.ts": "a" });
  const workspace = await openWorkspace({ cwd });
  expect(paths(await workspace.list())).toEqual(["a.ts"]);
  writeFileSync(path.join(cwd, "b.ts"), "b");
  writeFileSync(path.join(cwd, "a.ts"), Buffer.from([0, 1, 2]));
  expect(paths(await workspace.list())).toEqual(["b.ts"]);
});

it("lists thousands of files in a moment", async () => {
  const cwd = tempTree();
  for (let folder = 0; folder < 60; folder++) {
    mkdirSync(path.join(cwd, `f${folder}`));
    for (let file = 0; file < 100; file++) writeFileSync(path.join(cwd, `f${folder}/${file}.txt`), "text\n");
  }
  const workspace = await openWorkspace({ cwd, workspaceDirs: ["."] });
  const started = performance.now();
  expect(describeFiles(await workspace.survey())).toBe("6,000 files, 30 kB");
  expect(performance.now() - started).toBeLessThan(7_500);
});

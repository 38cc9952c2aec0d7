// The tarball as a user gets it: packed once, installed once without what only development needs.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Folders of PATH without those that npm puts before it. */
const systemPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));

/** A Node that is too old for us, if the system's is one. */
export async function oldNode(): Promise<string | undefined> {
  const node = systemPath.map((folder) => join(folder, "node")).find((path) => existsSync(path));
  if (node === undefined) return undefined;
  const { stdout } = await run(node, ["--version"]);
  return Number(/\d+/.exec(stdout)?.[0]) < 24 ? node : undefined;
}

/** The user's settings of npm, and nothing of the `npm test` that may be running us. `system`: with the system's Node, not ours. */
export function environment(more: Readonly<Record<string, string>> = {}, { system = false } = {}): NodeJS.ProcessEnv {
  const foreign = /^(?:npm_(?!config_(?:registry|cache|userconfig|cafile)$)|RLM_|NODE_|INIT_CWD)/;
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  const path = [...(system ? [] : [dirname(process.execPath)]), ...systemPath].join(delimiter);
  return { ...Object.fromEntries(own), PATH: path, ...more };
}

export function run(
  file: string,
  args: readonly string[],
  { cwd = ROOT, env = environment() }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env, timeout: 120_000 };
    const child = execFile(file, args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

async function npm(args: readonly string[], cwd: string, env = environment()): Promise<string> {
  const { code, stdout, stderr } = await run("npm", [...args, "--no-audit", "--no-fund", "--prefer-offline"], { cwd, env });
  if (code !== 0) throw new Error(`npm ${args.join(" ")} failed (${code}): ${stderr}`);
  return stdout;
}

export interface Package extends Disposable {
  readonly folder: string;
  readonly tarball: string;
  /** What the tarball holds. */
  readonly files: readonly string[];
  /** An empty project with the tarball installed. */
  readonly project: string;
  npm(...args: readonly string[]): Promise<string>;
}

/** dist/ as it stands is what is packed: a build now would pull it from under other tests. */
export async function installPackage(): Promise<Package> {
  if (!existsSync(join(ROOT, "dist/declarations"))) throw new Error("there are no declarations: npm run -s prepack");
  const folder = mkdtempSync(join(tmpdir(), "rlm-package-"));
  const packed: unknown = JSON.parse(await npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], ROOT));
  const [{ filename, files }] = Object.values(packed as object) as [{ filename: string; files: { path: string }[] }];
  const project = mkdtempSync(join(folder, "project-"));
  const tarball = join(folder, filename);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await npm(["install", "--omit=dev", tarball], project);
  return {
    folder,
    tarball,
    project,
    files: files.map(({ path }) => path),
    npm: (...args) => npm(args, folder),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A cache of npm's for one test, with the downloads of the user's: npx keeps what it installs beside them. */
export async function ownCache(folder: string): Promise<string> {
  const cache = join(folder, "cache");
  const { stdout } = await run("npm", ["config", "get", "cache"], { cwd: folder });
  mkdirSync(cache);
  symlinkSync(join(stdout.trim(), "_cacache"), join(cache, "_cacache"));
  return cache;
}

/** Bytes of all files below. */
export function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

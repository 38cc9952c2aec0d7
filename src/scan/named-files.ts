// The files that a command line names for a scan: folders as ignore files leave them, each by the path it was named with.
import { constants } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { HostError, messageOf } from "../errors.ts";
import { isDenied } from "../workspace/deny.ts";
import { describeFiles } from "../workspace/describe.ts";
import type { HostFile, Piece, PieceRequest, Selection } from "../workspace/types.ts";
import { openWorkspace, type Workspace } from "../workspace/workspace.ts";
import type { Files } from "./scan.ts";

export interface NamedFiles {
  readonly files: Files;
  /** On the deny list, and named one by one: they are looked through for secrets, and for nothing else. */
  readonly denied: Files;
  readonly deniedCount: number;
  /** What was left out of each folder, in words. */
  readonly leftOut: readonly string[];
}

interface Root {
  readonly workspace: Workspace;
  /** What stands before its paths. */
  readonly prefix: string;
}

/** Throws E_USAGE for a path that is not there. */
export async function namedFiles(paths: readonly string[], { cwd, noIgnore }: { cwd: string; noIgnore: boolean }): Promise<NamedFiles> {
  const roots: Root[] = [];
  const denied: string[] = [];
  const leftOut: string[] = [];
  for (const path of paths) {
    if (path === "") throw new HostError("E_USAGE", 'a path to scan is empty: "." is the current folder');
    const absolute = resolve(cwd, path);
    const stats = await stat(absolute).catch((error: unknown) => {
      throw new HostError("E_USAGE", `${path} cannot be scanned: ${messageOf(error)}`, { cause: error });
    });
    if (stats.isDirectory()) {
      const workspace = await openWorkspace({ cwd: absolute, noIgnore });
      const list = await workspace.survey();
      leftOut.push(`${path}: ${describeFiles(list)}`);
      roots.push({ workspace, prefix: path === "." ? "" : join(path, "/").replaceAll("\\", "/") });
    } else if (isDenied(absolute) || isDenied(await realpath(absolute))) denied.push(path);
    else {
      const folder = path.replaceAll("\\", "/").replace(/[^/]*$/, "");
      roots.push({ workspace: await openWorkspace({ cwd, contextPaths: [path] }), prefix: folder });
    }
  }
  return { files: new Together(roots), denied: new Denied(denied, cwd), deniedCount: denied.length, leftOut };
}

class Together implements Files {
  readonly #roots: readonly Root[];
  readonly #owners = new Map<string, Root>();

  constructor(roots: readonly Root[]) {
    this.#roots = roots;
  }

  async select(selection: Selection, signal?: AbortSignal): Promise<readonly HostFile[]> {
    const found = new Map<string, HostFile>();
    for (const root of this.#roots) {
      for (const file of await root.workspace.select({ ...selection, hidden: true }, signal)) {
        const path = root.prefix + file.path;
        if (found.has(file.real)) continue;
        found.set(file.real, { ...file, path });
        this.#owners.set(path, root);
      }
    }
    return [...found.values()];
  }

  async read(path: string, range?: unknown, signal?: AbortSignal): Promise<string> {
    const { workspace, own } = this.#of(path);
    return await workspace.read(own, range, signal);
  }

  async readPiece(path: string, piece: PieceRequest, signal?: AbortSignal): Promise<Piece> {
    const { workspace, own } = this.#of(path);
    return await workspace.readPiece(own, piece, signal);
  }

  #of(path: string): { readonly workspace: Workspace; readonly own: string } {
    const root = this.#owners.get(path);
    if (root === undefined) throw new HostError("E_NOT_FOUND", `${path} was not selected`);
    return { workspace: root.workspace, own: path.slice(root.prefix.length) };
  }
}

const MAX_DENIED = 16 * 1024 * 1024;

/** Outside of every workspace, because a workspace never opens them. */
class Denied implements Files {
  readonly #paths: readonly string[];
  readonly #cwd: string;

  constructor(paths: readonly string[], cwd: string) {
    this.#paths = paths;
    this.#cwd = cwd;
  }

  async select(): Promise<readonly HostFile[]> {
    return await Promise.all(
      this.#paths.map(async (path) => {
        const real = resolve(this.#cwd, path);
        const { size, mtimeMs } = await stat(real);
        return { path, size, real, modified: mtimeMs };
      }),
    );
  }

  async read(path: string): Promise<string> {
    // Opening a fifo would wait for whoever writes to it.
    await using file = await open(resolve(this.#cwd, path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await file.stat();
    if (!stats.isFile()) throw new HostError("E_USAGE", `${path} is no regular file`);
    if (stats.size > MAX_DENIED)
      throw new HostError("E_USAGE", `${path} is over ${MAX_DENIED / 1024 / 1024} MiB, which no credentials file is`);
    return await file.readFile("utf8");
  }

  readPiece(path: string): Promise<Piece> {
    throw new HostError("E_USAGE", `${path} is over ${MAX_DENIED / 1024 / 1024} MiB, which no credentials file is`);
  }
}

// A mount is one file or folder that was named for a session, and where its paths begin. A workspace is a list of them, in order.
import path from "node:path";
import { below, under } from "./host-path.ts";

export interface Mount {
  /** Real path of the folder that paths of this mount are relative to. */
  readonly base: string;
  /** Where the mount is below its base, with "/"; "" when it is the base itself. */
  readonly at: string;
  /** Real path of the named file or folder. */
  readonly real: string;
  /** Its absolute path as it was named, before links were followed: a cell may use that too. */
  readonly named: string;
  readonly kind: "file" | "folder";
  /** Do ignore files apply? Only to a current folder that nobody named. */
  readonly ignores: boolean;
  /** As the user wrote it, for messages. */
  readonly label: string;
  /** Unique among the bases of a workspace: `name/a.ts` is a file of this base when an earlier one has its own `a.ts`. */
  readonly name: string;
}

/** One place where a path of a cell may lead. */
export interface Candidate {
  readonly mount: Mount;
  /** Below the mount's base, with "/". */
  readonly relative: string;
  /** The path of this machine, with nothing looked up. */
  readonly target: string;
}

/** Every place a cell's path may mean, best first: each mount in order, then the mounts by their names. Empty when it leads out of all. */
export function candidatesOf(mounts: readonly Mount[], written: string): Candidate[] {
  if (path.isAbsolute(written)) {
    const target = path.normalize(written).replace(/(?<=.)[/\\]$/u, "");
    return mounts.flatMap((mount) => {
      const rest = below(mount.real, target) ?? below(mount.named, target);
      return rest === null ? [] : [candidate(mount, joined(mount.at, rest))];
    });
  }
  const direct = mounts.flatMap((mount) => inBase(mount, written));
  const several = new Set(mounts.map((mount) => mount.base)).size > 1;
  const named = several ? mounts.flatMap((mount) => inNamedBase(mount, written)) : [];
  return [...direct, ...named];
}

/** Does a real path belong to one of the mounts? */
export function holds(mounts: readonly Mount[], real: string): boolean {
  return mounts.some((mount) => (mount.kind === "file" ? mount.real === real : below(mount.real, real) !== null));
}

/** The part of a mount that a cell named: a folder or file of it, searched as ripgrep searches what is named. */
export function narrowed(mount: Mount, relative: string, real: string, kind: "file" | "folder"): Mount {
  return { ...mount, at: relative, real, kind, ignores: mount.ignores && kind === "folder" };
}

function inBase(mount: Mount, written: string): Candidate[] {
  const relative = below(mount.base, path.resolve(mount.base, written));
  if (relative === null) return [];
  // Above a mount inside its base there is only what leads to it: the folder `logs` of the mount `logs/a.log` is not the workspace's.
  return mount.at === "" || relative === mount.at || (mount.kind === "folder" && relative.startsWith(`${mount.at}/`))
    ? [candidate(mount, relative)]
    : [];
}

function inNamedBase(mount: Mount, written: string): Candidate[] {
  const normal = path.posix.normalize(written);
  if (normal === mount.name) return inBase(mount, ".");
  return normal.startsWith(`${mount.name}/`) ? inBase(mount, normal.slice(mount.name.length + 1)) : [];
}

function candidate(mount: Mount, relative: string): Candidate {
  const rest = mount.at === "" ? relative : relative.slice(mount.at.length + 1);
  return { mount, relative, target: under(mount.real, rest) };
}

function joined(at: string, rest: string): string {
  if (at === "") return rest;
  return rest === "" ? at : `${at}/${rest}`;
}

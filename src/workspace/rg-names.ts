// Questions about file names that only ripgrep answers right: which files its ignore rules leave, and which ones a glob or type means.
// A cell's glob is never turned into a JavaScript regular expression.
import path from "node:path";
import { HostError } from "../errors.ts";
import { shown } from "./host-path.ts";
import type { Mount } from "./mount.ts";
import { inCommandLines, runRipgrep } from "./ripgrep.ts";

/** Everything there is: rules are applied by other means. */
const ALL = ["--no-ignore", "--hidden"];
const NO_REPOSITORIES = ["-g", "!.git/"];

/** Paths (below the mount's base) of the files that ripgrep's rules leave under a folder. */
export function namesLeft(
  mount: Mount,
  rules: { readonly hidden: boolean; readonly noIgnore: boolean },
  signal?: AbortSignal,
): Promise<Set<string>> {
  const lifted = [...(rules.hidden ? ["--hidden"] : []), ...(rules.noIgnore ? ["--no-ignore"] : [])];
  return names(mount.base, [...lifted, ...NO_REPOSITORIES], [mount.at], signal);
}

/** A test for the paths of these mounts: does the file fit the globs and types, as `rg -g … -t …` run in the mount's base reads them? */
export async function nameFilter(
  mounts: readonly Mount[],
  rules: { readonly globs: readonly string[]; readonly types: readonly string[] },
  signal?: AbortSignal,
): Promise<(base: string, relative: string) => boolean> {
  if (rules.globs.length === 0 && rules.types.length === 0) return () => true;
  await assertUnderstood(rules, signal);
  const flags = [
    ...ALL,
    ...rules.globs.flatMap((glob) => ["-g", glob]),
    ...rules.types.flatMap((type) => ["-t", type]),
    ...NO_REPOSITORIES,
  ];
  const fitting = new Map<string, Set<string>>();
  for (const [base, own] of Map.groupBy(mounts, (mount) => mount.base)) {
    const folders = own.filter((mount) => mount.kind === "folder").map((mount) => mount.at);
    // A file that ripgrep is given by name passes every glob, so named files are found in their folders. Links count: names are all that is asked.
    const parents = [...new Set(own.filter((mount) => mount.kind === "file").map((mount) => path.posix.dirname(mount.at)))];
    const [below, named] = await Promise.all([
      names(base, flags, folders, signal),
      names(base, [...flags, "--follow", "--max-depth=1"], parents, signal),
    ]);
    fitting.set(base, below.union(named));
  }
  return (base, relative) => fitting.get(base)?.has(relative) ?? false;
}

/** E_BAD_PATTERN for the glob or type that ripgrep refuses. */
async function assertUnderstood(
  rules: { readonly globs: readonly string[]; readonly types: readonly string[] },
  signal?: AbortSignal,
): Promise<void> {
  const refusal = async (flag: string, value: string): Promise<string | null> => {
    // This program stands for any file that exists: a file by name is all it looks at.
    const end = await runRipgrep(["--files", flag, value, "--", process.execPath], {
      cwd: path.dirname(process.execPath),
      signal,
      onData: () => undefined,
    });
    return end.code === 2 ? firstLine(end.stderr) : null;
  };
  for (const [flag, what, values] of [["-g", "glob", rules.globs] as const, ["-t", "file type", rules.types] as const]) {
    for (const value of values) {
      const why = await refusal(flag, value);
      if (why !== null) throw new HostError("E_BAD_PATTERN", `ripgrep refused the ${what} ${JSON.stringify(value)}: ${why}`);
    }
  }
}

/** What ripgrep said, in one line, without its name. */
export function firstLine(stderr: string): string {
  const line = stderr.split("\n").find((each) => each.trim() !== "") ?? "no reason given";
  return line.replace(/^rg: /u, "").trim().slice(0, 500);
}

async function names(base: string, flags: readonly string[], starts: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
  const found = new Set<string>();
  for (const group of inCommandLines(starts, (start) => start)) {
    const chunks: Buffer[] = [];
    const places = group.map((start) => `./${start === "." ? "" : start}`);
    await runRipgrep(["--files", "--null", ...flags, "--", ...places], { cwd: base, signal, onData: (chunk) => chunks.push(chunk) });
    for (const name of Buffer.concat(chunks).toString("utf8").split("\0")) if (name !== "") found.add(shown(name.replace(/^\.[/\\]/u, "")));
  }
  return found;
}

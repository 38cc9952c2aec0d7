// One ripgrep for each set of patterns and each group of files, a bounded number at a time; the first failure, the deadline or the cell's end stops all.
import { tmpdir } from "node:os";
import pLimit from "p-limit";
import { SEARCH_DEADLINE_MS } from "../../../sandbox/limits.ts";
import { HostError } from "../../errors.ts";
import { startDeadline } from "../../workspace/deadline.ts";
import { firstLine } from "../../workspace/rg-names.ts";
import { runRipgrep } from "../../workspace/ripgrep.ts";
import { refused } from "./arguments.ts";
import { matchingFlags } from "./flags.ts";
import { findTargets, type Group, type Targets } from "./targets.ts";
import type { SearchSettings, SearchTools } from "./types.ts";

export interface Search {
  /** Of each run: what matches any of them is found. */
  readonly patterns: readonly (readonly string[])[];
  readonly paths: readonly string[] | null;
  /** Where the files stand that were found once; they are found by the first run that needs them. */
  readonly found?: { targets?: Targets };
  /** Of the files that are found the ones to be searched, by the names a cell knows; undefined: all. */
  readonly only?: ReadonlySet<string> | undefined;
  readonly settings: SearchSettings;
  readonly tools: SearchTools;
  /** What is to be printed. */
  readonly output: readonly string[];
  /** For tests; the session's is 60 s. */
  readonly deadlineMs?: number;
}

/** Takes the output of one run. */
export interface Reader {
  readonly onData: (chunk: Buffer) => void;
  /** The output is complete. */
  readonly onEnd: () => void;
}

interface Job {
  readonly patterns: readonly string[];
  readonly index: number;
  readonly group: Group;
}

/** Runs it all; `read` gives the reader of each run. */
export async function runSearch(search: Search, read: (pattern: number, group: Group) => Reader): Promise<void> {
  const { patterns, settings, tools } = search;
  using deadline = startDeadline(
    search.deadlineMs ?? SEARCH_DEADLINE_MS,
    "the search",
    "search fewer files or simpler patterns",
    tools.signal,
  );
  const failure = new AbortController();
  const signal = AbortSignal.any([deadline.signal, failure.signal]);
  const targets = search.found?.targets ?? (await findTargets(search.paths, settings, tools, signal));
  if (search.found !== undefined) search.found.targets = targets;
  // With no file to search a bad pattern is bad all the same.
  if (targets.groups.length === 0) for (const pattern of patterns.flat()) await assertAccepted(pattern, settings, signal);
  const { only } = search;
  const groups = only === undefined ? targets.groups : targets.groups.flatMap((group) => narrowed(group, only));
  const jobs = patterns.flatMap((each, index) => groups.map((group) => ({ patterns: each, index, group })));
  const threads = Math.min(settings.maxWorkers ?? tools.maxWorkers, tools.maxWorkers);
  const atOnce = Math.max(1, Math.min(threads, jobs.length));
  const limit = pLimit(atOnce);
  const runOne = (job: Job): Promise<void> =>
    runJob(job, search, Math.max(1, Math.floor(threads / atOnce)), signal, targets, read(job.index, job.group)).catch((error: unknown) => {
      limit.clearQueue();
      failure.abort(error);
      throw error;
    });
  // Its own bound first, then the session's: many searches at once are no more processes than one.
  const { slots } = tools;
  await limit.map(jobs, (job) => (slots === undefined ? runOne(job) : slots(() => runOne(job))));
}

function narrowed(group: Group, only: ReadonlySet<string>): Group[] {
  const args = group.args.filter((arg) => only.has(group.nameOf(arg)));
  return args.length === 0 ? [] : [{ ...group, args }];
}

async function runJob(job: Job, search: Search, threads: number, signal: AbortSignal, targets: Targets, reader: Reader): Promise<void> {
  const args = [
    ...matchingFlags(search.settings),
    ...search.output,
    `--threads=${threads}`,
    ...job.patterns.flatMap((pattern) => ["-e", pattern]),
    "--",
    ...job.group.args,
  ];
  const end = await runRipgrep(args, { cwd: tmpdir(), signal, input: job.group.input?.(), onData: reader.onData });
  if (end.code === 2) {
    for (const pattern of job.patterns) await assertAccepted(pattern, search.settings, signal);
    await targets.assertUnchanged();
    // Otherwise a file of the workspace vanished or was closed to us while it was searched: the tree is what it is now.
  }
  reader.onEnd();
}

/** Lets ripgrep compile a pattern over nothing. Throws E_BAD_PATTERN with its reason. */
async function assertAccepted(pattern: string, settings: SearchSettings, signal: AbortSignal): Promise<void> {
  const args = [...matchingFlags(settings), "--quiet", "-e", pattern, "--", "-"];
  const end = await runRipgrep(args, { cwd: tmpdir(), signal, input: nothing(), onData: () => undefined });
  if (end.code !== 2) return;
  if (end.stderr.includes("unknown encoding")) {
    throw new HostError("E_BAD_PATTERN", `ripgrep refused the encoding ${JSON.stringify(settings.encoding)}: ${firstLine(end.stderr)}`);
  }
  throw refused(pattern, reasonOf(end.stderr));
}

/** The first line, and of a syntax error the one that says which. */
function reasonOf(stderr: string): string {
  const error = /^error: (.*)$/mu.exec(stderr)?.[1];
  const first = firstLine(stderr);
  return error === undefined ? first : `${first} ${error}`;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // Nothing: an empty standard input.
}

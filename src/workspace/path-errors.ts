// What a cell or user is told when a path does not work. A path is repeated as it was written, never as a path of this machine.
import { HostError } from "../errors.ts";
import type { Mount } from "./mount.ts";

/** Longest part of a path repeated in a message. */
const MAX_SHOWN = 300;
const MAX_ROOTS = 3;

/** A path of a cell as a message repeats it. */
export function quoted(written: string): string {
  return written.length > MAX_SHOWN ? `${written.slice(0, MAX_SHOWN)}…` : written;
}

export function outside(written: string, mounts: readonly Mount[]): HostError {
  return new HostError(
    "E_OUTSIDE_WORKSPACE",
    `${quoted(written)} is outside ${rootsInWords(mounts)}; start with --workspace DIR to allow more`,
  );
}

export function denied(written: string): HostError {
  return new HostError("E_DENIED", `${quoted(written)} is on the deny list (credentials and keys): no cell may read it`);
}

export function notFound(written: string, near: readonly string[]): HostError {
  const hint = near.length > 0 ? `near it: ${near.map(quoted).join(", ")}` : "list_files() tells what is there";
  return new HostError("E_NOT_FOUND", `${quoted(written)} does not exist; ${hint}`);
}

export function unreadable(written: string, cause: unknown): HostError {
  return new HostError("E_NOT_FOUND", `${quoted(written)} cannot be read (${reason(cause)})`, { cause });
}

export function isFolder(written: string): HostError {
  return new HostError(
    "E_BAD_ARGUMENT",
    `${quoted(written)} is a folder, not a file; list_files(${JSON.stringify(`${trimmed(written)}/**`)}) lists it`,
  );
}

export function notRegular(written: string, what: string): HostError {
  return new HostError("E_BAD_ARGUMENT", `${quoted(written)} is a ${what}, not a regular file`);
}

export function changed(name: string): HostError {
  return new HostError(
    "E_CONTEXT_CHANGED",
    `${quoted(name)} changed or vanished since the session opened it; start a new session to see it as it is now`,
  );
}

/** The system's reason, without the path of this machine that Node puts into its messages. */
export function reason(cause: unknown): string {
  const code = errorCode(cause);
  return code === null ? "unknown reason" : (REASONS[code] ?? code);
}

/** `ENOENT` and the like, or null. */
export function errorCode(cause: unknown): string | null {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : null;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "it does not exist",
  ENXIO: "nothing is behind it",
  EMFILE: "this process has too many files open",
  EIO: "input/output error",
};

function rootsInWords(mounts: readonly Mount[]): string {
  const labels = [...new Set(mounts.map((mount) => mount.label))];
  if (labels.length === 0) return "the workspace, which is empty";
  const more = labels.length > MAX_ROOTS ? ` and ${labels.length - MAX_ROOTS} more` : "";
  return labels.slice(0, MAX_ROOTS).map(quoted).join(", ") + more;
}

function trimmed(written: string): string {
  return quoted(written).replace(/\/+$/u, "");
}

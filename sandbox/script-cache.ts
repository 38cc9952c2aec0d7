// Where V8's compiled form of a guest script lies: made by the build, so that a kernel's start does not compile (about 45 ms of it).
// V8 checks what it is given and compiles when it does not fit; the name keeps it from being offered to any other Node at all.

/** V8 takes a compiled form for a script of the same name only. */
export const SCRIPT_NAME = "rlm:prelude";

export function cacheOf(script: string): string {
  return `${script}.${process.version}-${process.platform}-${process.arch}.cache`;
}

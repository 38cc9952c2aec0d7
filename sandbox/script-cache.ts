// Where V8's compiled form of a guest script lies: made by the build, so that a kernel's start does not compile (about 45 ms of it).
// V8 checks what it is given and compiles when it does not fit; the name keeps it from being offered to any other Node at all.

/**
 * Set in a kernel before its first isolate, and in the build: V8 takes what was compiled under the same flags only. A function that Maglev
 * has inlined into one that is seldom entered, as jobs of a scan are, never comes further than Maglev (measured: five times as slow).
 */
export const V8_FLAGS = "--no-maglev-inlining";

/** V8 takes a compiled form for a script of the same name only. */
export const SCRIPT_NAME = "rlm:prelude";

export function cacheOf(script: string): string {
  return `${script}.${process.version}-${process.platform}-${process.arch}.cache`;
}

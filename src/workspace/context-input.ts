// How a context is given: on a disk, or in memory.

/** A text, or any value JSON keeps. */
export type MemoryContext = { readonly name?: string; readonly text: string } | { readonly name?: string; readonly value: unknown };

/** A path, quoted glob or `-`, or what a program holds in memory. */
export type ContextInput = string | MemoryContext;

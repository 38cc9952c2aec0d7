// A variable of a session, as others see it.

/** One of the session's variables, as `SHOW_VARS()` tells it. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  /** Characters, items, keys or bytes, by its type. */
  readonly size: number;
  readonly preview: string;
}

// Every setting of the table, what it comes to and who decided: the part of `doctor` that is about configuration.
import { finder, type Found, type ResolveOptions } from "../config/resolve.ts";
import { keyOf, TABLE, type Row } from "../config/table.ts";
import { messageOf } from "../errors.ts";

export interface SettingFinding {
  readonly row: Row;
  /** As `rlm.config.json` spells it. */
  readonly key: string;
  /** Undefined: the default holds. */
  readonly found?: Found;
  /** Why what was said does not fit. */
  readonly error?: string;
}

/** One finding a setting; never throws. */
export function inspectSettings(options: ResolveOptions): { readonly settings: readonly SettingFinding[]; readonly fileError?: string } {
  try {
    const find = finder(options);
    return { settings: TABLE.map((row) => inspectOne(row, find)) };
  } catch (error) {
    // A file that cannot be read decides nothing: the rest is told without it.
    const find = finder(options, []);
    return { settings: TABLE.map((row) => inspectOne(row, find)), fileError: messageOf(error) };
  }
}

function inspectOne(row: Row, find: (row: Row) => Found | undefined): SettingFinding {
  const key = keyOf(row);
  try {
    const found = find(row);
    return { row, key, ...(found === undefined ? {} : { found }) };
  } catch (error) {
    return { row, key, error: messageOf(error) };
  }
}

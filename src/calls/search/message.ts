// ripgrep's --json lines, guarded: what is not a begin, match, context or end of a file is passed over.
import { decode } from "../../workspace/utf8.ts";

/** Text, or bytes where it is not valid UTF-8. */
export type Content = string | Buffer;

export interface Submatch {
  /** Offsets in bytes of `lines`. */
  readonly start: number;
  readonly end: number;
}

export type Message =
  | { readonly type: "begin"; readonly path: string }
  /** The occurrences in the whole file. */
  | { readonly type: "end"; readonly matches: number }
  | { readonly type: "context"; readonly lines: Content; readonly line: number }
  | { readonly type: "match"; readonly lines: Content; readonly line: number; readonly submatches: readonly Submatch[] };

const MATCH = Buffer.from('{"type":"match"');
const CONTEXT = Buffer.from('{"type":"context"');
const TYPE_AT = '{"type":"'.length;
const MATCH_TYPE = "m".codePointAt(0);

/** Is it about a line of a file? Seen by its first bytes: 10⁷ matches that are only counted are not parsed. */
export function isAboutLine(json: Buffer): boolean {
  return MATCH.equals(json.subarray(0, MATCH.length)) || CONTEXT.equals(json.subarray(0, CONTEXT.length));
}

/** One line of output, or null for what is of no interest. */
export function parseMessage(json: Buffer): Message | null {
  return (isAboutLine(json) ? lineMessage(json) : undefined) ?? anyMessage(json);
}

/** No quote stands in a JSON text but its own, so where these stand is where ripgrep put them. */
const TEXT = Buffer.from('"lines":{"text":"');
const AFTER_TEXT = Buffer.from('"},"line_number":');
const SUBMATCH = /"start":(\d+),"end":(\d+)\}/g;

/** A line in the form ripgrep prints nearly all of, at a third of what it takes to parse all of it; undefined for any other. */
function lineMessage(json: Buffer): Message | undefined {
  const start = json.indexOf(TEXT);
  const end = start === -1 ? -1 : json.indexOf(AFTER_TEXT, start);
  if (end === -1) return undefined;
  const written = json.toString("utf8", start + TEXT.length, end);
  const lines = written.includes("\\") ? String(JSON.parse(`"${written}"`)) : written;
  const rest = json.toString("latin1", end + AFTER_TEXT.length);
  const line = Number.parseInt(rest, 10);
  if (json[TYPE_AT] !== MATCH_TYPE) return { type: "context", lines, line };
  const submatches: Submatch[] = [];
  for (const [, from, to] of rest.matchAll(SUBMATCH)) submatches.push({ start: Number(from), end: Number(to) });
  return { type: "match", lines, line, submatches };
}

function anyMessage(json: Buffer): Message | null {
  const message: unknown = JSON.parse(json.toString("utf8"));
  if (!isRecord(message) || !isRecord(message["data"])) return null;
  const { type, data } = message;
  if (type === "begin") {
    const path = contentOf(data["path"]);
    return path === null ? null : { type, path: typeof path === "string" ? path : decode(path) };
  }
  if (type === "end") {
    const matches = isRecord(data["stats"]) ? data["stats"]["matches"] : null;
    return typeof matches === "number" ? { type, matches } : null;
  }
  const lines = contentOf(data["lines"]);
  const line = data["line_number"];
  if (lines === null || typeof line !== "number") return null;
  if (type === "context") return { type, lines, line };
  const { submatches } = data;
  return type === "match" && Array.isArray(submatches) ? { type, lines, line, submatches: submatches.filter(isSubmatch) } : null;
}

function contentOf(value: unknown): Content | null {
  if (!isRecord(value)) return null;
  if (typeof value["text"] === "string") return value["text"];
  return typeof value["bytes"] === "string" ? Buffer.from(value["bytes"], "base64") : null;
}

function isSubmatch(value: unknown): value is Submatch {
  return isRecord(value) && typeof value["start"] === "number" && typeof value["end"] === "number";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

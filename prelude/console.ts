// The cell's console: text is posted as it comes up to half the limit; past that only the last half is kept, and posted when the cell
// ends. The true length is counted, so that nothing is cut silently.
import type { Bridge } from "./bridge.ts";
import { hidden } from "./clock.ts";
import { named } from "./errors.ts";
import { format, safeInspect } from "./inspect.ts";
import { apply, concat, create, isArray, keys, slice, stringifyJson } from "./primordials.ts";

/** Lines of a cell that are posted one by one, as they come; those after them are gathered: a post costs as much as a thousand characters. */
const MAX_SINGLE_LINES = 1_000;
const GATHERED = 4_096;
/** What `console.time` and its kin print is measured, and made, by the host. */
const MAX_TIMES = 10_000;

export class Console {
  readonly #bridge: Bridge;
  readonly #half: number;
  #lines = 0;
  #gathered = "";
  #times = 0;
  #length = 0;
  #posted = 0;
  #tail = "";
  #indent = "";
  readonly #counts: Record<string, number> = create(null) as Record<string, number>;

  constructor(bridge: Bridge, limit: number) {
    this.#bridge = bridge;
    this.#half = limit / 2;
  }

  startCell(): void {
    this.#length = 0;
    this.#posted = 0;
    this.#tail = "";
    this.#indent = "";
    this.#lines = 0;
    this.#gathered = "";
    this.#times = 0;
  }

  get length(): number {
    return this.#length;
  }

  get tail(): string {
    return slice(this.#tail, -this.#half);
  }

  /** One line, with its end. After FINAL nothing is shown any more. */
  write(line: string): void {
    if (this.#bridge.hasEnded) return;
    const text = this.#indent === "" ? line : this.#indent + line.split("\n").join(`\n${this.#indent}`);
    this.#length += text.length + 1;
    const room = this.#half - this.#posted;
    if (room > 0) {
      const head = text.length < room ? `${text}\n` : slice(text, 0, room);
      this.#posted += head.length;
      this.#gathered += head;
      if (this.#lines++ < MAX_SINGLE_LINES || this.#gathered.length >= GATHERED || this.#posted >= this.#half) this.flush();
      if (text.length < room) return;
      this.#keep(slice(text, room));
    } else this.#keep(text);
  }

  /** Posts what was gathered: before a call is, and when the cell ends. */
  flush(): void {
    if (this.#gathered !== "") this.#bridge.post("console", stringifyJson(this.#gathered));
    this.#gathered = "";
  }

  /** Appends a line to the tail; cut back only when it has doubled, so that a million lines cost a million appends. */
  #keep(line: string): void {
    this.#tail += `${line.length > this.#half ? slice(line, -this.#half) : line}\n`;
    if (this.#tail.length > this.#half * 2) this.#tail = slice(this.#tail, -this.#half);
  }

  install(): void {
    const line = (...values: readonly unknown[]): void => this.write(format(values, this.#half));
    const time =
      (kind: string) =>
      (label: unknown = "default") => {
        if (this.#bridge.hasEnded || this.#times > MAX_TIMES) return;
        this.flush();
        if (this.#times++ < MAX_TIMES) this.#bridge.post("time", stringifyJson(kind), stringifyJson(slice(String(label), 0, 200)));
        else
          this.#bridge.post(
            "warning",
            stringifyJson(`this cell has used console.time and its kin ${MAX_TIMES} times; later uses are left out`),
          );
      };
    const methods: Record<string, (...values: never[]) => void> = {
      log: line,
      info: line,
      debug: line,
      warn: line,
      error: line,
      dir: (value: unknown) => line(value),
      dirxml: line,
      table: (rows: unknown) => this.write(table(rows)),
      trace: (...values: readonly unknown[]) => apply(line, undefined, concat<unknown>(["Trace:"], values)),
      assert: (condition: unknown, ...values: readonly unknown[]) =>
        condition ? undefined : apply(line, undefined, concat<unknown>(["Assertion failed"], values)),
      count: (label: unknown = "default") => {
        const name = String(label);
        this.#counts[name] = (this.#counts[name] ?? 0) + 1;
        this.write(`${name}: ${this.#counts[name]}`);
      },
      countReset: (label: unknown = "default") => void delete this.#counts[String(label)],
      group: (...values: readonly unknown[]) => {
        if (values.length > 0) apply(line, undefined, values);
        if (this.#indent.length < 100) this.#indent += "  ";
      },
      groupEnd: () => void (this.#indent = slice(this.#indent, 2)),
      time: time("start"),
      timeLog: time("log"),
      timeEnd: time("end"),
    };
    const console = {};
    for (const [name, method] of Object.entries(methods)) hidden(console, name, (methods[name] = named(name, method)));
    hidden(console, "groupCollapsed", methods["group"]);
    hidden(globalThis, "console", console);
    hidden(
      globalThis,
      "print",
      named("print", (...values: readonly unknown[]) => apply(line, undefined, values)),
    );
  }
}

/** Rows of objects or arrays as aligned columns; anything else as console.log shows it. At most 100 rows. */
function table(rows: unknown): string {
  if (typeof rows !== "object" || rows === null) return safeInspect(rows, 10_000);
  const entries = firstEntries(rows, 100);
  const columns: string[] = [];
  const cells = entries.map(([index, row]) => {
    const fields: Record<string, string> = create(null) as Record<string, string>;
    const values = typeof row === "object" && row !== null ? firstEntries(row, 20) : [["Values", row] as const];
    for (const [name, value] of values) {
      if (!columns.includes(name)) columns.push(name);
      fields[name] = slice(typeof value === "string" ? value : safeInspect(value, 200), 0, 200);
    }
    return [index, fields] as const;
  });
  const lines = [["(index)", ...columns], ...cells.map(([index, fields]) => [index].concat(columns.map((name) => fields[name] ?? "")))];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Entries of an object or a list, without making them all: a list may have millions. */
function firstEntries(object: object, limit: number): (readonly [string, unknown])[] {
  if (!isArray(object) && !ArrayBuffer.isView(object)) {
    return keys(object)
      .slice(0, limit)
      .map((name) => [name, (object as Record<string, unknown>)[name]]);
  }
  const list = object as unknown as ArrayLike<unknown>;
  return Array.from({ length: Math.min(limit, list.length) }, (_, i) => [`${i}`, list[i]]);
}

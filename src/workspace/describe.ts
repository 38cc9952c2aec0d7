// What there is and what was left out, in one line for a person and for a model's first message.
import type { FileList } from "./types.ts";

const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** `12,635 files, 56 MB (221 left out by ignore files: --no-ignore; 22 binary; 3 denied)`. */
export function describeFiles(list: FileList): string {
  const { ignored, binary, denied, unreadable, links, repositories } = list.leftOut;
  const leftOut = [
    ignored > 0 ? `${grouped(ignored)} left out by ignore files: --no-ignore` : "",
    binary > 0 ? `${grouped(binary)} binary` : "",
    denied > 0 ? `${grouped(denied)} denied` : "",
    unreadable > 0 ? `${grouped(unreadable)} unreadable` : "",
    links > 0 ? counted(links, "link") : "",
    repositories > 0 ? counted(repositories, "version-control folder") : "",
  ].filter((part) => part !== "");
  const what = `${counted(list.files.length, "file")}, ${bytesInWords(list.size)}`;
  return leftOut.length > 0 ? `${what} (${leftOut.join("; ")})` : what;
}

/** `812 bytes`, `4.1 kB`, `56 MB`: two figures at least, in powers of 1,000. */
export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

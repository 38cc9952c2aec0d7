// Reads a call's arguments, which come from the guest: each is checked, and a wrong one is an error that names it.
import { HostError } from "../errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function fields(what: string, value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw bad(`${what} takes an object, not ${shown(value)}`);
}

export function text(what: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw bad(`${what} is ${shown(value)}, not a string`);
}

export function optionalText(what: string, value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : text(what, value);
}

export function optionalNumber(
  what: string,
  value: unknown,
  range: { readonly min: number; readonly max: number; readonly whole?: boolean },
): number | undefined {
  if (value === undefined || value === null) return undefined;
  const fits = typeof value === "number" && value >= range.min && value <= range.max && (range.whole !== true || Number.isInteger(value));
  if (fits) return value;
  throw bad(`${what} is ${shown(value)}, not a ${range.whole === true ? "whole " : ""}number from ${range.min} to ${range.max}`);
}

export function optionalFlag(what: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  throw bad(`${what} is ${shown(value)}, not true or false`);
}

export function bad(message: string): HostError {
  return new HostError("E_BAD_ARGUMENT", message);
}

export function shown(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  return (json ?? String(value)).slice(0, 100);
}

// A flag's value that must be one of a few words.
import { HostError } from "../errors.ts";

/** Throws E_USAGE, naming those there are. */
export function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value.trim());
  if (found === undefined) throw new HostError("E_USAGE", `${flag} ${JSON.stringify(value)} is none of ${known.join(", ")}`);
  return found;
}

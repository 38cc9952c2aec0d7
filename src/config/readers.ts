// How one value is read, whether it is a flag's text, a variable's, or JSON of a file or a call.

export interface Reader<T> {
  /** What fits, in words that follow "is not". */
  readonly wanted: string;
  /** Undefined for what does not fit. */
  readonly read: (value: unknown) => T | undefined;
}

export const text: Reader<string> = {
  wanted: "a name",
  read: (value) => (typeof value === "string" && value.trim() !== "" ? value : undefined),
};

export const path: Reader<string> = {
  wanted: "a path",
  read: (value) => (typeof value === "string" && value !== "" && !value.includes("\0") ? value : undefined),
};

export const keySource: Reader<string> = {
  wanted: "env:NAME or file:PATH",
  read: (value) => (typeof value === "string" && /^(?:env:[A-Za-z_]\w*|file:[^\0]+)$/.test(value) ? value : undefined),
};

/** In JSON also `true` and `false`; as text what people write for them. */
export const yes: Reader<boolean> = {
  wanted: "true or false",
  read: (value) => {
    if (typeof value === "boolean") return value;
    if (typeof value !== "string") return undefined;
    if (/^(?:1|true|yes|on)$/i.test(value.trim())) return true;
    return /^(?:0|false|no|off|)$/i.test(value.trim()) ? false : undefined;
  },
};

export function list(item: Reader<string>, separator: string): Reader<readonly string[]> {
  return {
    wanted: `${item.wanted}, or a list of them`,
    read: (value) => {
      const items = typeof value === "string" ? value.split(separator) : value;
      if (!Array.isArray(items)) return undefined;
      const read = items.map((each: unknown) => item.read(each));
      return read.every((each) => each !== undefined) ? read : undefined;
    },
  };
}

export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return {
    wanted: most === Number.MAX_SAFE_INTEGER ? `a whole number ≥ ${least}` : `a whole number from ${least} to ${most}`,
    read: (value) => {
      const number = numberOf(value, /^\d+$/);
      return number !== undefined && Number.isSafeInteger(number) && number >= least && number <= most ? number : undefined;
    },
  };
}

export const seconds: Reader<number> = {
  wanted: "a number of seconds from 0.05 to 86400",
  read: (value) => {
    const number = numberOf(value, /^\d+(\.\d+)?$/);
    return number !== undefined && number >= 0.05 && number <= 86_400 ? number : undefined;
  },
};

export const money: Reader<number> = {
  wanted: "an amount in USD, e.g. 0.50",
  read: (value) => {
    const number = numberOf(value, /^\d*\.?\d+$/);
    return number !== undefined && Number.isFinite(number) && number >= 0 ? number : undefined;
  },
};

export const zone: Reader<string> = {
  wanted: "a time zone, e.g. Europe/Berlin",
  read: (value) => {
    try {
      return typeof value === "string" && value !== ""
        ? new Intl.DateTimeFormat("en-US", { timeZone: value }).resolvedOptions().timeZone
        : undefined;
    } catch {
      return undefined;
    }
  },
};

export const locale: Reader<string> = {
  wanted: "a locale, e.g. de-DE",
  read: (value) => {
    try {
      return typeof value === "string" ? Intl.getCanonicalLocales(value)[0] : undefined;
    } catch {
      return undefined;
    }
  },
};

function numberOf(value: unknown, shape: RegExp): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && shape.test(value.trim()) ? Number(value) : undefined;
}

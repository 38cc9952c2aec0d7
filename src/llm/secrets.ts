// Keeps keys out of everything that is said: servers repeat them in their error bodies, whole or as part of a URL.

/** Shorter strings would blank out ordinary words; no provider issues such a key. */
const MIN_SECRET_LENGTH = 4;
const KEY_SHAPE = /\b(?:sk|pk|rk|org|key)-[\w-]{8,}/g;
const BEARER = /\bbearer\s+[\w.~+/=-]{8,}/gi;
const USERINFO = /(\w:\/\/)[^\s/@]+@/g;

/** The text without the secrets, without anything that looks like a key, and without credentials in URLs. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets.filter((candidate) => candidate.length >= MIN_SECRET_LENGTH)) {
    for (const form of spellings(secret)) clean = clean.replaceAll(form, "[key]");
  }
  return clean.replace(BEARER, "Bearer [key]").replace(KEY_SHAPE, "[key]").replace(USERINFO, "$1[key]@");
}

/** A secret as it may come back: as it is, in a URL, inside JSON, in base64. */
function spellings(secret: string): Set<string> {
  const json = JSON.stringify(secret).slice(1, -1);
  return new Set([secret, encodeURIComponent(secret), json, Buffer.from(secret).toString("base64")]);
}

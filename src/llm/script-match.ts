// How a rule of a script names the requests it answers: a part of the text, or `/regular expression/flags`.

/** Throws a SyntaxError for a regular expression that is none. */
export function matcher(pattern: string): (text: string) => boolean {
  const [, source, flags = ""] = /^\/(.+)\/([dgimsuvy]*)$/s.exec(pattern) ?? [];
  if (source === undefined) return (text) => text.includes(pattern);
  // With these two a regular expression remembers where it matched last.
  const regex = new RegExp(source, flags.replaceAll(/[gy]/g, ""));
  return (text) => regex.test(text);
}

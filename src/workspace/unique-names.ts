// Names for things that were given paths: the last part, and `#2`, `#3`, … for those after the first.

/** In order; an empty name becomes `root`. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = name === "" ? "root" : name;
    let unique = plain;
    for (let count = 2; taken.has(unique); count++) unique = `${plain}#${count}`;
    taken.add(unique);
    return unique;
  });
}

// Where the build has put what is no module of the host: in `dist`, whether this runs from there or from the sources.
import { fileURLToPath } from "node:url";

export function built(name: string): string {
  return fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
}

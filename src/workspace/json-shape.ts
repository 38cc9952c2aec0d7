// The type of JSON data in one line of TypeScript, with the sizes of its arrays: `{ users: { id: number; name?: string }[] /* 1,200 */; at: string }`.
// For a probe: bounded in depth, width and in how many elements are looked at, never in what it admits to.

const MAX_DEPTH = 5;
const MAX_KEYS = 20;
/** Elements of an array looked at. */
const MAX_ELEMENTS = 200;
const MAX_KEY = 60;

/** What was seen at one place of the data. */
interface Shape {
  readonly plain: Set<string>;
  objects: number;
  readonly fields: Map<string, { readonly shape: Shape; seen: number }>;
  arrays: number;
  shortest: number;
  longest: number;
  item: Shape | null;
}

/** The shape of one value. */
export function shapeOf(value: unknown): string {
  return shapeOfAll([value]);
}

/** The shape that all of these values fit. */
export function shapeOfAll(values: readonly unknown[]): string {
  const shape = newShape();
  for (const value of values) add(shape, value, 0);
  return render(shape);
}

function newShape(): Shape {
  return { plain: new Set(), objects: 0, fields: new Map(), arrays: 0, shortest: Infinity, longest: 0, item: null };
}

function add(shape: Shape, value: unknown, depth: number): void {
  if (Array.isArray(value)) addArray(shape, value, depth);
  else if (typeof value === "object" && value !== null) addObject(shape, value, depth);
  else shape.plain.add(value === null ? "null" : typeof value);
}

function addArray(shape: Shape, value: readonly unknown[], depth: number): void {
  shape.arrays++;
  shape.shortest = Math.min(shape.shortest, value.length);
  shape.longest = Math.max(shape.longest, value.length);
  if (depth >= MAX_DEPTH) return;
  shape.item ??= newShape();
  for (const element of value.slice(0, MAX_ELEMENTS)) add(shape.item, element, depth + 1);
}

function addObject(shape: Shape, value: object, depth: number): void {
  shape.objects++;
  if (depth >= MAX_DEPTH) return;
  for (const [key, inner] of Object.entries(value)) {
    const field = shape.fields.get(key) ?? { shape: newShape(), seen: 0 };
    field.seen++;
    // Keys past the shown ones are counted, not looked into: an object used as a map has thousands.
    if (shape.fields.size < MAX_KEYS || shape.fields.has(key)) add(field.shape, inner, depth + 1);
    shape.fields.set(key, field);
  }
}

function render(shape: Shape): string {
  const parts = [...shape.plain];
  if (shape.arrays > 0) parts.push(renderArray(shape));
  if (shape.objects > 0) parts.push(renderObject(shape));
  return parts.length === 0 ? "unknown" : parts.join(" | ");
}

function kindsOf({ plain, arrays, objects }: Shape): number {
  return plain.size + Math.min(1, arrays) + Math.min(1, objects);
}

function renderArray(shape: Shape): string {
  const [least, most] = [shape.shortest, shape.longest].map((length) => length.toLocaleString("en-US"));
  const size = `/* ${least === most ? most : `${least}–${most}`} */`;
  if (shape.longest === 0 || shape.item === null) return `unknown[] ${size}`;
  const item = render(shape.item);
  return `${kindsOf(shape.item) > 1 ? `(${item})` : item}[] ${size}`;
}

function renderObject(shape: Shape): string {
  if (shape.fields.size === 0) return "{}";
  const fields = [...shape.fields]
    .slice(0, MAX_KEYS)
    .map(([key, field]) => `${keyText(key)}${field.seen < shape.objects ? "?" : ""}: ${render(field.shape)}`);
  const more = shape.fields.size - fields.length;
  return `{ ${fields.join("; ")}${more > 0 ? `; /* ${more.toLocaleString("en-US")} more keys */` : ""} }`;
}

function keyText(key: string): string {
  const short = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key;
  return /^[A-Za-z_$][\w$]*$/u.test(short) ? short : JSON.stringify(short);
}

// Which code of a reply runs.
import { expect, test } from "vitest";
import { parseReply } from "../../../src/loop/parse.ts";

test.each<[string, string, string | null, string]>([
  ["a block", "I look.\n```ts\nconst a = 1;\na\n```\nThat gives 1.", "const a = 1;\na", "I look.\n```ts\nconst a = 1;\na\n```"],
  ["the first of two", "```typescript\n1\n```\n```ts\n2\n```", "1", "```typescript\n1\n```"],
  ["a bare fence", "```\n1\n```", "1", "```\n1\n```"],
  ["repl", "```repl\n1\n```", "1", "```repl\n1\n```"],
  ["upper case and attributes", "```TS title=x\n1\n```", "1", "```TS title=x\n1\n```"],
  ["an unclosed fence", "```js\nfor (;;) {\n  1", "for (;;) {\n  1", "```js\nfor (;;) {\n  1"],
  ["other languages are passed over", "```json\n{}\n```\n```tsx\n1\n```", "1", "```json\n{}\n```\n```tsx\n1\n```"],
  ["an empty block is passed over", "```ts\n```\n```ts\n1\n```", "1", "```ts\n```\n```ts\n1\n```"],
  ["four marks hold three", "````ts\nconst s = `\n```\n`;\n````\nx", "const s = `\n```\n`;", "````ts\nconst s = `\n```\n`;\n````"],
  ["tildes", "~~~ts\n1\n~~~", "1", "~~~ts\n1\n~~~"],
  ["CRLF", "```ts\r\n1\r\n```\r\nx", "1", "```ts\r\n1\r\n```"],
  ["no code", "The answer is `FINAL(42)`.", null, "The answer is `FINAL(42)`."],
  ["only another language", "```bash\nls\n```", null, "```bash\nls\n```"],
  ["nothing", "", null, ""],
])("%s", (_, text, code, kept) => {
  expect(parseReply({ text })).toMatchObject({ code, text: kept });
});

test("a native call goes before a block, and drops the block's imagined rest", () => {
  const call = { id: "c", code: "1" };
  expect(parseReply({ text: "I look.\n```ts\n2\n```\nIt is 2.", call })).toEqual({ code: "1", text: "I look.", call });
  expect(parseReply({ text: "```ts\n2\n```", call: { id: "c", code: " " } })).toEqual({ code: "2", text: "```ts\n2\n```" });
});

/**
 * A reply without the thinking that some servers leave at its beginning (`<think>…</think>`): what a model drafts there is neither a cell
 * nor an answer, and need not be read again.
 */
export function withoutThinking(text: string): string {
  return text.replace(/^\s*<(think|thinking|reasoning)>[\s\S]*?(?:<\/\1>\s*|$)/, "");
}

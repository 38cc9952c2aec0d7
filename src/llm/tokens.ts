// How many tokens a text is, without a tokenizer: an estimate for models of ours, and an upper bound for money.
import type { ModelRequest } from "./model.ts";

const CHARACTERS_PER_TOKEN = 4;
/** What providers add around turns and tools. */
const OVERHEAD_PER_TURN = 12;
const OVERHEAD_PER_REQUEST = 500;

/** About as many as English or code has. */
export function estimateTokens(text: string): number {
  return tokensOf(text.length);
}

/** So many UTF-16 units. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** All text of a request that is sent to a model. */
export function requestText(request: ModelRequest): string[] {
  const turns = request.turns.flatMap((turn) => (turn.role === "assistant" && turn.call ? [turn.text, turn.call.code] : [turn.text]));
  return [request.system ?? "", ...turns, request.schema === undefined ? "" : JSON.stringify(request.schema)];
}

/**
 * A bound that tokenizers in use do not pass: two letters or blanks a token (random letters, as in base64, come near it), one token
 * for any other ASCII character, and one for each byte beyond ASCII.
 */
export function tokensAtMost(request: ModelRequest): number {
  let tokens = OVERHEAD_PER_REQUEST + OVERHEAD_PER_TURN * request.turns.length;
  for (const text of requestText(request)) tokens += textAtMost(text);
  return tokens;
}

function textAtMost(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) tokens += isLetterOrBlank(unit) ? 0.5 : 1;
    // A surrogate is half of a character of four bytes.
    else tokens += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return Math.ceil(tokens);
}

function isLetterOrBlank(unit: number): boolean {
  const lower = unit | 0x20;
  return unit === 0x20 || (lower >= 0x61 && lower <= 0x7a);
}

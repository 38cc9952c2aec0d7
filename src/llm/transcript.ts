// What the loop writes into its turns that a model in this process reads back: where the question stands, how a cell ended, and that
// this turn is the last. Real models read the same text as prose.

const QUESTION = /<question>\n([\s\S]*)\n<\/question>/;
const HEAD = /^cell \d+: (\w+)/;

/** The turn that asks for an answer now ends with this. */
export const LAST_TURN = "This is the last turn: call FINAL now with the best answer you have.";

export function writeQuestion(question: string): string {
  return `<question>\n${question}\n</question>`;
}

/** The question of a run's first turn; the whole text where nothing marks one. */
export function readQuestion(firstTurn: string): string {
  return QUESTION.exec(firstTurn)?.[1] ?? firstTurn;
}

/** First line of what a cell did. */
export function writeOutcomeHead(cell: number, outcome: string): string {
  return `cell ${cell}: ${outcome}`;
}

/** How the cell of an output turn ended; undefined for a turn that tells of none. */
export function readOutcome(output: string): string | undefined {
  return HEAD.exec(output)?.[1];
}

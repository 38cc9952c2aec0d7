// `offline`: a model without weights or network, so that everything can be tried without a key. Deterministic. As root it follows a
// fixed plan; as sub-model it quotes lines. It never claims to understand.
import { HostError } from "../errors.ts";
import type { Model, ModelReply, ModelRequest } from "./model.ts";
import { askCell, finalCell, giveUpCell, probeCell, searchCell, simpleCell, termPatterns } from "./offline-cells.ts";
import { answerOffline } from "./offline-quotes.ts";
import { questionTerms } from "./offline-terms.ts";
import { estimateTokens, requestText } from "./tokens.ts";
import { LAST_TURN, readOutcome, readQuestion } from "./transcript.ts";

const FREE = { input: 0, output: 0 };
const SIMPLE = "Something failed: I go on with a simpler plan.";
const GIVE_UP = "That failed too: I answer with what I have.";

export class OfflineModel implements Model {
  readonly id = "offline";
  readonly name = "offline";
  readonly window = undefined;
  readonly price = FREE;
  readonly endpoint = undefined;
  readonly identity = "offline";

  async complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply> {
    signal.throwIfAborted();
    if (request.schema !== undefined) {
      throw new HostError(
        "E_OFFLINE_UNSUPPORTED",
        "the offline model only quotes lines and cannot fill a schema honestly: ask without schema, or choose a model with --model",
        {
          data: { retryable: false },
        },
      );
    }
    return request.purpose === "root" ? rootReply(request) : toReply(request, answerOffline(request.turns.at(-1)?.text ?? ""));
  }
}

function rootReply(request: ModelRequest): ModelReply {
  const question = readQuestion(request.turns[0]?.text ?? "");
  const { says, code } = nextStep(request, question);
  return toReply(request, says, code);
}

interface Step {
  readonly says: string;
  readonly code: string;
}

/** At most six turns: four of the plan, or those up to the one that failed and two simpler ones. */
function nextStep(request: ModelRequest, question: string): Step {
  const terms = questionTerms(question);
  const said = request.turns.filter((turn) => turn.role === "assistant");
  const last = request.turns.at(-1);
  const failed = last?.role === "output" && readOutcome(last.text) !== "ok";
  const simple = { says: SIMPLE, code: simpleCell(terms.map((term) => term.stem)) };
  if (said.some((turn) => turn.text.startsWith(SIMPLE))) return { says: GIVE_UP, code: giveUpCell() };
  if (failed || last?.text.endsWith(LAST_TURN)) return simple;
  const plan: readonly Step[] = [
    { says: "I look at what the context is.", code: probeCell() },
    { says: "I search for the question's words and gather the lines around them.", code: searchCell(termPatterns(terms)) },
    { says: "I ask the sub-model which of these lines bear on the question.", code: askCell(question) },
    { says: "I put the quotes together and answer.", code: finalCell() },
  ];
  if (terms.length === 0) return { says: "The question has no word to search for.", code: giveUpCell() };
  return plan[said.length] ?? simple;
}

function toReply(request: ModelRequest, text: string, code?: string): ModelReply {
  const call = code === undefined ? undefined : { id: `offline_${request.turns.length}`, code };
  return {
    text,
    ...(call ? { call } : {}),
    stop: call ? "tool" : "end",
    usage: {
      inputTokens: requestText(request).reduce((sum, part) => sum + estimateTokens(part), 0),
      outputTokens: estimateTokens(text + (code ?? "")),
      cachedInputTokens: 0,
    },
  };
}

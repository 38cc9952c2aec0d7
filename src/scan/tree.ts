// What the parser makes of texts: a text's tree, and what a rule finds in it.
import { parse, type NapiConfig, type SgNode } from "@ast-grep/napi";
import { messageOf } from "../errors.ts";
import { grammarFor, type Grammar } from "./languages.ts";
import type { Matcher, Rule } from "./rule.ts";

export type Node = SgNode;

export function treeOf(grammar: Grammar, text: string): Node {
  return parse(grammar, text).root();
}

/** Throws where ast-grep does not take the matcher. */
export function findAll(node: Node, matcher: Matcher): Node[] {
  return isConfig(matcher) ? node.findAll(matcher) : [];
}

/** Why ast-grep does not take a rule; undefined when it does. */
export function troubleOf({ language, matcher, measure }: Rule): string | undefined {
  try {
    const root = treeOf(grammarFor(language), "");
    findAll(root, matcher);
    if (measure?.kind === "branches") findAll(root, { ...matcher, rule: measure.counts });
    return undefined;
  } catch (error) {
    return messageOf(error).replaceAll(/\s*\n\s*\|->/g, ": ");
  }
}

/** Its shape is ast-grep's to check, and it does. */
function isConfig(matcher: Matcher): matcher is Matcher & NapiConfig {
  return typeof matcher.rule === "object";
}

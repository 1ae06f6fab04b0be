/** The context: what of a conversation's memory the model is shown beside a message, and in which order room is given. */
import type {
  ContextBuilder,
  ContextCosts,
  ContextView,
  HistoryMessage,
  KeptFact,
  WindowEnd,
} from '../../core/ports.ts';
import { recall } from './recall.ts';
import { cutTurn, type Turn, wholeTurns } from './turns.ts';

export interface ContextOptions {
  /** Most messages of the window; as only whole turns are shown, an odd number counts as the even one below it (MEMORY_WINDOW). */
  readonly maxMessages: number;
  /** Most estimated tokens of what is recalled; 0: nothing is (RECALL_TOKENS). */
  readonly recallTokens: number;
}

/** The part of the whole context that recall may take. */
const RECALL_SHARE = 0.25;

/**
 * Room is given in this order: what is reserved (the system message and the message to answer), the newest turn, facts, recalled
 * messages, older turns. The newest turn is cut rather than left out, so that "make it shorter" works after any answer. The window
 * has no gaps: an older turn that does not fit ends it. Recall searches what is older than the window, and its room is kept free
 * whenever there is something older, so that the window does not depend on what is found.
 */
export function createContext({ maxMessages, recallTokens }: ContextOptions): ContextBuilder {
  return {
    build({ history, facts, question }, { tokens, reserved }, costs) {
      const turns = wholeTurns(history);
      let left = tokens - reserved;
      const newest = turns.at(-1);
      const first = newest === undefined || maxMessages < 2 ? undefined : cutTurn(newest, left, costs.message);
      left -= first === undefined ? 0 : turnTokens(first, costs);

      const kept = newestFacts(facts, left, costs);
      left -= kept.tokens;

      const earlier = first === undefined ? [] : turns.slice(0, -1);
      const most = Math.max(0, Math.floor(maxMessages / 2) - 1);
      const recallRoom = Math.max(0, Math.min(recallTokens, Math.floor(tokens * RECALL_SHARE), left));
      const all = newestWithin(earlier, most, left, costs);
      const somethingOlder = all.turns.length < earlier.length;
      const older = somethingOlder && recallRoom > 0 ? newestWithin(earlier, most, left - recallRoom, costs) : all;

      const window = [...older.turns, ...(first === undefined ? [] : [first])];
      const searched = earlier.slice(0, earlier.length - older.turns.length).flatMap(halves);
      const found =
        somethingOlder && recallRoom > 0 && question !== undefined
          ? recall({ older: searched, question, before: newest?.question.content, tokens: recallRoom, costs })
          : { recalled: [], tokens: 0 };
      return {
        facts: kept.facts,
        messages: window.flatMap(halves),
        recalled: found.recalled,
        tokens: {
          facts: kept.tokens,
          window: window.reduce((total, turn) => total + turnTokens(turn, costs), 0),
          recalled: found.tokens,
        },
        recallRoom: somethingOlder ? recallRoom : 0,
        searched: searched.length,
        windowEnd: windowEnd(older.turns.length, earlier.length, most),
      };
    },
  };
}

function windowEnd(shown: number, all: number, most: number): WindowEnd {
  if (shown === all) return 'all';
  return shown >= most ? 'messages' : 'tokens';
}

function halves<M extends HistoryMessage>({ question, answer }: Turn<M>): readonly M[] {
  return [question, answer];
}

function turnTokens<M extends HistoryMessage>({ question, answer }: Turn<M>, costs: ContextCosts): number {
  return costs.message(question) + costs.message(answer);
}

/** The longest tail of turns within both bounds. */
function newestWithin<M extends HistoryMessage>(
  turns: readonly Turn<M>[],
  most: number,
  tokens: number,
  costs: ContextCosts,
): { readonly turns: readonly Turn<M>[]; readonly tokens: number } {
  let used = 0;
  let from = turns.length;
  for (; from > 0 && turns.length - from < most; from -= 1) {
    const turn = turns[from - 1];
    if (turn === undefined) break;
    const cost = turnTokens(turn, costs);
    if (used + cost > tokens) break;
    used += cost;
  }
  return { turns: turns.slice(from), tokens: used };
}

/** Where not all have room, the newest. */
function newestFacts(
  facts: readonly KeptFact[],
  tokens: number,
  costs: ContextCosts,
): Pick<ContextView<HistoryMessage>, 'facts'> & { readonly tokens: number } {
  let used = costs.factsFrame;
  let from = facts.length;
  for (; from > 0; from -= 1) {
    const fact = facts[from - 1];
    if (fact === undefined || used + costs.fact(fact) > tokens) break;
    used += costs.fact(fact);
  }
  return from === facts.length ? { facts: [], tokens: 0 } : { facts: facts.slice(from), tokens: used };
}
